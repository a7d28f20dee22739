"""Calling the control API from Python, wherever the server is."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, TypeVar

from pydantic import BaseModel

from runa_mock_server.base.errors import quoted
from runa_mock_server.control.problems import not_found

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

_FIRST_REFUSAL = 400
_LOOK_SECONDS = 0.01


class ControlRefusedError(ValueError):
    """The server will not do what was asked; nothing was changed.

    Attributes:
        status: the HTTP status.
        type: the kind of refusal.
        details: for each wrong field ``type``, ``message`` and ``location``.
    """

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        super().__init__(document["message"])
        self.status = status
        self.type: str = document["type"]
        self.details: list[dict[str, Any]] = document["details"]


class Reply(NamedTuple):
    """What the control API answered."""

    status: int
    body: bytes


Send = Callable[[str, str, Mapping[str, str], bytes, str | None], Reply]
"""Calls the control API: method, path below ``/_mock``, query, body, API key of the account."""


class Channel:
    """Calls the control API about one account, or about the whole server.

    Args:
        send: carries a call to the server.
        api_key: the account's key; ``None`` for the whole server.
    """

    def __init__(self, send: Send, api_key: str | None) -> None:
        self.send = send
        self.api_key = api_key

    def call(
        self, method: str, path: str, body: object = None, query: Mapping[str, object] | None = None
    ) -> Any:
        """The JSON document that a call is answered with.

        Raises:
            ControlRefusedError: if the server refuses.
        """
        parameters = {k: str(v) for k, v in (query or {}).items() if v is not None}
        sent = b"" if body is None else json.dumps(body, default=_plain).encode()
        reply = self.send(method, path, parameters, sent, self.api_key)
        document = json.loads(reply.body)
        if reply.status >= _FIRST_REFUSAL:
            raise ControlRefusedError(reply.status, document)
        return document

    def get(self, result: type[M], path: str, /, **query: object) -> M:
        """What a call that changes nothing is answered with."""
        return result.model_validate(self.call("GET", path, query=query))


def wait(look: Callable[[], T | None], timeout: float) -> T | None:
    """What a look finds, looking until it finds something.

    Args:
        look: gives ``None`` until there is something.
        timeout: seconds of real time to wait at most.

    Returns:
        ``None`` if there was nothing in time.
    """
    ends_at = time.monotonic() + timeout
    while True:
        found = look()
        rest = ends_at - time.monotonic()
        if found is not None or rest <= 0:
            return found
        time.sleep(min(rest, _LOOK_SECONDS))


_PATHS = {
    "email": ("email_id", "/emails/"),
    "endpoint": ("endpoint_id", "/webhooks/endpoints/"),
    "message": ("message_id", "/webhooks/messages/"),
    "order": ("order_id", "/orders/"),
    "product": ("code", "/products/"),
}


def path_of(kind: Literal["email", "endpoint", "message", "order", "product"], name: str) -> str:
    """The path of one thing.

    Raises:
        ControlRefusedError: for a name that would lead elsewhere; nothing has such a name.
    """
    field, path = _PATHS[kind]
    if not name or "/" in name or name in {".", ".."}:
        refusal = not_found("path", field, f"there is no {kind} {quoted(name)}")
        raise ControlRefusedError(refusal.status, refusal.document())
    return path + name


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    return str(value)
