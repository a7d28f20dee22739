"""Calls operations of the control API over a transport."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar, cast

from pydantic import BaseModel

from runa_mock_server.base.errors import quoted
from runa_mock_server.control.operation import ControlRequest, Function, Operation, Pieces, Steps
from runa_mock_server.control.problems import not_found

R = TypeVar("R", bound=BaseModel)
T = TypeVar("T")

_FIRST_ERROR_STATUS = 400
_POLL_SECONDS = 0.01


class ControlRefusedError(ValueError):
    """The control API refused a request; nothing was changed.

    Attributes:
        status: the HTTP status.
        type: the error type.
        details: ``type``, ``message`` and ``location`` of each invalid field.
    """

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        super().__init__(document["message"])
        self.status = status
        self.type: str = document["type"]
        self.details: list[dict[str, Any]] = document["details"]


class Response(NamedTuple):
    """The HTTP status and JSON body of a response of the control API."""

    status: int
    body: bytes


Transport = Callable[[ControlRequest], Response]
"""Sends a request to the control API of one server."""


class Caller:
    """Calls operations for one account, or for the whole server.

    Args:
        transport: sends the requests.
        operations: the operation that each function implements.
        api_key: the API key of the account; ``None`` for the whole server.
    """

    def __init__(
        self,
        transport: Transport,
        operations: Mapping[Function, Operation],
        api_key: str | None = None,
    ) -> None:
        self.api_key = api_key
        self._transport = transport
        self._operations = operations

    def for_account(self, api_key: str) -> "Caller":
        """A caller for one account, over the same transport."""
        return Caller(self._transport, self._operations, api_key)

    def call(
        self,
        function: Callable[..., R | Pieces[R] | Steps[R]],
        body: object = None,
        query: Mapping[str, object] | None = None,
        **path: str,
    ) -> R:
        """Call an operation.

        Args:
            function: the function that implements it on the server.
            body: a JSON document; ``None`` for an empty body.
            query: query parameters; ``None`` values are left out.
            **path: path parameters.

        Returns:
            The result, of the model that the function returns.

        Raises:
            ControlRefusedError: if the server refuses the request.
        """
        result = self._operations[function].result
        return cast("R", result.model_validate(self.document(function, body, query, **path)))

    def document(
        self,
        function: Function,
        body: object = None,
        query: Mapping[str, object] | None = None,
        **path: str,
    ) -> Any:
        """Like ``call``, with the result as the JSON document that the server sent."""
        return json.loads(self.content(function, body, query, **path))

    def content(
        self,
        function: Function,
        body: object = None,
        query: Mapping[str, object] | None = None,
        **path: str,
    ) -> bytes:
        """Like ``call``, with the result as the text that the server sent."""
        operation = self._operations[function]
        request = ControlRequest(
            operation.method,
            operation.path.format(**{name: _segment(name, path[name]) for name in path}),
            {name: [str(value)] for name, value in (query or {}).items() if value is not None},
            _to_bytes(body),
            self.api_key,
        )
        response = self._transport(request)
        if response.status >= _FIRST_ERROR_STATUS:
            raise ControlRefusedError(response.status, json.loads(response.body))
        return response.body


class Part:
    """A group of operations of the control API.

    Every method raises ``ControlRefusedError`` if the server refuses the request.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._call = caller.call


def poll(find: Callable[[], T | None], timeout: float) -> T | None:
    """Call ``find`` until it returns something, for at most ``timeout`` seconds of real time.

    Returns:
        What it returned; ``None`` after the timeout.
    """
    ends_at = time.monotonic() + timeout
    while True:
        found = find()
        remaining = ends_at - time.monotonic()
        if found is not None or remaining <= 0:
            return found
        time.sleep(min(remaining, _POLL_SECONDS))


def given(**fields: object) -> dict[str, object]:
    """The fields that are not ``None``."""
    return {name: value for name, value in fields.items() if value is not None}


def _segment(name: str, value: str) -> str:
    """A path parameter; a value that would lead to another path names nothing that exists."""
    if not value or "/" in value or value in {".", ".."}:
        refusal = not_found("path", name, f"nothing has the {name} {quoted(value)}")
        raise ControlRefusedError(refusal.status, refusal.document())
    return value


def _to_bytes(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"" if body is None else json.dumps(body, default=_to_json).encode()


def _to_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    return str(value)
