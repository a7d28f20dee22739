"""What the control API answers when it refuses."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runa_mock_server.base.errors import ErrorDetail, ServiceError

if TYPE_CHECKING:
    from pydantic import ValidationError  # a server starts without loading pydantic

_TOLD = 5


class ControlError(ServiceError):
    """A refusal: ``{"type", "message", "help", "details"}``.

    Args:
        status: the HTTP status.
        type_: the kind of refusal.
        message: what is wrong, for people.
        help_: what to do about it.
        details: for each wrong field its place and the reason.
    """

    def __init__(
        self,
        status: int,
        type_: str,
        message: str,
        *,
        help_: str | None = None,
        details: Sequence[ErrorDetail] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = type_
        self.message = message
        self.help = help_
        self.details = tuple(details)

    def document(self) -> Mapping[str, Any]:
        """The JSON object to answer with."""
        return {
            "type": self.type,
            "message": self.message,
            "help": self.help,
            "details": [
                {"type": d.type, "message": d.message, "location": list(d.location)}
                for d in self.details
            ],
        }


def refusal(  # noqa: PLR0913 - the parts of a refusal
    status: int, type_: str, place: str, field: str, reason: str, *, help_: str | None = None
) -> ControlError:
    """A refusal because of one field.

    Args:
        status: the HTTP status.
        type_: the kind of refusal.
        place: where the field stands: ``body``, ``query``, ``header`` or ``path``.
        field: its name, empty for the whole of the place.
        reason: what is wrong with it.
        help_: what to do about it.
    """
    location = (place, field) if field else (place,)
    detail = ErrorDetail(type_, reason, location)
    return ControlError(status, type_, f"{location[-1]}: {reason}", help_=help_, details=[detail])


def not_found(place: str, field: str, reason: str) -> ControlError:
    """404: there is no such thing."""
    return refusal(404, "not_found", place, field, reason)


def conflict(place: str, field: str, reason: str) -> ControlError:
    """409: the field is well-formed, but cannot be done now."""
    return refusal(409, "conflict", place, field, reason)


def wrong_fields(details: Iterable[ErrorDetail]) -> ControlError:
    """422: the details name the fields; the message repeats the first few."""
    details = list(details)
    told = "; ".join(
        f"{'.'.join(d.location[1:]) or d.location[0]}: {d.message}" for d in details[:_TOLD]
    )
    return ControlError(422, "validation_error", told, details=details)


def wrong_field(place: str, field: str, reason: str, type_: str = "value_error") -> ControlError:
    """422 for one field."""
    return wrong_fields([ErrorDetail(type_, reason, (place, *field.split(".")))])


def wrong_model(place: str, error: "ValidationError") -> ControlError:
    """422 for what a model refused.

    Args:
        place: where it stood, ``body`` or ``query``.
        error: what pydantic says.
    """
    return wrong_fields(_detail(place, item) for item in error.errors(include_url=False))


def _detail(place: str, error: Mapping[str, Any]) -> ErrorDetail:
    reason = str(error["msg"]).removeprefix("Value error, ")
    steps = [str(step) for step in error["loc"]]
    field, colon, rest = reason.partition(": ")
    if not steps and colon and field.isidentifier():  # a rule about several fields names the one
        steps, reason = [field], rest
    if error["type"] == "extra_forbidden":
        reason = "there is no such field"
    return ErrorDetail(error["type"], reason, (place, *steps))
