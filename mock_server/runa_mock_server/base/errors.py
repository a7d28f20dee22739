"""What the service answers when it refuses: data that the middle raises and the edge renders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from runa_schemas import ERRORS


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """One field error of a 422 answer.

    Attributes:
        type: the kind of violation, in pydantic's vocabulary (``missing``, ``enum``, ...).
        message: the sentence for people.
        location: the way to the field, list indexes included, e.g. ``("body", "items", "0")``.
    """

    type: str
    message: str
    location: tuple[str, ...]


class ServiceError(Exception):
    """Root of every refusal: it knows its HTTP status and the JSON document of its answer.

    Attributes:
        status: the HTTP status.
        rule: the id of the rule that refuses, one of ``runa_schemas.rules``; ``None`` where no
            rule of the contract does.
    """

    status: int
    rule: str | None = None

    def document(self) -> Mapping[str, Any]:
        """The JSON object to answer with."""
        raise NotImplementedError


class ApiError(ServiceError):
    """A refusal in the provider's usual shape ``{"type", "message", "help"}``.

    The status follows from the type (provider's page "Errors"). A ``validation_error`` carries
    ``details``, the other types none.
    """

    def __init__(
        self,
        type_: str,
        message: str,
        *,
        help_: str | None = None,
        details: Sequence[ErrorDetail] = (),
        rule: str | None = None,
    ) -> None:
        super().__init__(message)
        known = ERRORS[type_]
        self.type = type_
        self.status = known.status
        self.message = message
        self.help = known.help if help_ is None else help_
        self.details = tuple(details)
        self.rule = rule

    def document(self) -> Mapping[str, Any]:
        """``{"type", "message", "help"}``, and ``details`` where there are any."""
        body: dict[str, Any] = {"type": self.type, "message": self.message, "help": self.help}
        if self.details:
            body["details"] = [
                {"type": d.type, "message": d.message, "location": list(d.location)}
                for d in self.details
            ]
        return body


class NeverStoredError(ApiError):
    """A refusal that is no answer to an idempotency key, though it comes behind the lookup."""


class RateExceededError(ServiceError):
    """Too many orders in a minute: 429 with a body shape of its own (page "Rate limiting")."""

    status = 429
    rule = "rate-limit"

    def document(self) -> Mapping[str, Any]:
        """``{"error": "rate exceeded"}``."""
        return {"error": "rate exceeded"}


def quoted(value: object, limit: int = 80) -> str:
    """A caller's value, safe to repeat in a message: ASCII, in quotes, cut after ``limit``.

    Headers and paths can hold bytes that are no UTF-8; those would not survive JSON as they are.
    """
    text = str(value)
    return ascii(text if len(text) <= limit else text[:limit] + "...")


class SettingsError(ValueError):
    """Settings that cannot be used.

    Attributes:
        problems: for each wrong setting its name and the reason.
    """

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in problems))
        self.problems = tuple(problems)


class FieldProblem(NamedTuple):
    """What is wrong with one field of a product; no field is the product as a whole."""

    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}" if self.field else self.reason
