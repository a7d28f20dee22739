"""An operation of the control API: a typed function with a method and a path.

The parameters of the function declare what the operation takes: ``body`` and ``query`` are
pydantic models, ``scope`` is the account or the whole server, ``server_state`` is what the server
owns, and every other parameter is a path parameter. The return annotation declares the result: a
model, ``Pieces`` of it where the document can be long, or ``Steps`` to it where finding it takes
long.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from inspect import getdoc, signature
from typing import Any, Generic, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError

from runa_mock_server.base.slices import Work
from runa_mock_server.control.models import Body, Query, Result
from runa_mock_server.control.problems import refusal, wrong_field, wrong_model

R = TypeVar("R", bound=BaseModel)


class RawBody(Generic[R]):
    """A body that the operation reads by itself, because to parse it at once would take long.

    Args:
        content: the body; a JSON document of the model, or another text.

    Attributes:
        content: the same.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content


class Steps(Generic[R]):
    """A result that takes long to find, found while other requests are answered.

    Args:
        work: returns the result, or ``Pieces`` of it. Raises ``ControlError`` if the request is
            refused.
    """

    def __init__(self, work: Work["R | Pieces[R]"]) -> None:
        self.work = work


class Pieces(Generic[R]):
    """The JSON document of a result, made piece by piece while other requests are answered.

    Args:
        pieces: the document; each piece, which may be empty, is a bounded amount of work. Raises
            ``ControlError`` if the request is refused.
        content_type: of the document.

    Attributes:
        content_type: the same.
    """

    def __init__(self, pieces: Iterator[bytes], content_type: str = "application/json") -> None:
        self._pieces = pieces
        self.content_type = content_type

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces


Function = Callable[..., BaseModel | Pieces[Any] | Steps[Any]]


class ControlRequest(NamedTuple):
    """A request to the control API, over any transport.

    Attributes:
        method: the HTTP method.
        path: the path below ``/_mock``.
        query: the values of each query parameter.
        body: the JSON body.
        api_key: the API key of the account; ``None`` for the whole server.
        host: the ``Host`` header, which links in the answer lead to; ``None`` in process.
    """

    method: str
    path: str
    query: Mapping[str, Sequence[str]] = {}
    body: bytes = b""
    api_key: str | None = None
    host: str | None = None


class Operation:
    """One operation.

    Args:
        method: the HTTP method.
        path: the path below ``/_mock``, with path parameters in braces.
        function: implements the operation.
        status: the HTTP status of a successful response.
        text_form: the content type of a second form, a text, of the result and the body.
    """

    def __init__(
        self,
        method: str,
        path: str,
        function: Function,
        status: int = 200,
        text_form: str | None = None,
    ) -> None:
        hints = get_type_hints(function)
        self.method = method
        self.path = path
        self.status = status
        self.text_form = text_form
        self.summary = (getdoc(function) or "").partition("\n")[0]
        body = hints.get("body")
        self._reads_body = get_origin(body) is not RawBody
        self.body: type[BaseModel] | None = body if self._reads_body else get_args(body)[0]
        self.query: type[Query] | None = hints.get("query")
        result = hints["return"]
        takes_long = get_origin(result) in {Pieces, Steps}
        self.result: type[Result] = get_args(result)[0] if takes_long else result
        self._takes_scope = "scope" in signature(function).parameters
        self._takes_server_state = "server_state" in signature(function).parameters
        self.function = function

    def prepare(
        self,
        server_state: object,
        scope: object,
        parameters: Mapping[str, str],
        query: Mapping[str, Sequence[str]],
        body: bytes,
    ) -> dict[str, Any]:
        """Validate a request; the arguments to call the function with.

        Args:
            server_state: the server state, for functions that take it.
            scope: the account or the whole server, for functions that take it.
            parameters: the path parameters.
            query: the values of each query parameter.
            body: the JSON body.

        Raises:
            ControlError: if the request is refused; nothing was changed.
        """
        given: dict[str, Any] = dict(parameters)
        if self._takes_scope:
            given["scope"] = scope
        if self._takes_server_state:
            given["server_state"] = server_state
        values = _read_query(self.query or Query, query)
        if self.query is not None:
            given["query"] = values
        if self._reads_body:
            sent = _read_body(self.body or Body, body)
            if self.body is not None:
                given["body"] = sent
        else:
            given["body"] = RawBody[Any](body)
        return given


def _read_query(model: type[Query], query: Mapping[str, Sequence[str]]) -> Query:
    for name, values in query.items():
        if len(values) > 1:
            raise wrong_field("query", name, f"is given {len(values)} times")
    try:
        return model.model_validate({name: values[0] for name, values in query.items()})
    except ValidationError as error:
        raise wrong_model("query", error) from None


def _read_body(model: type[BaseModel], body: bytes) -> BaseModel:
    _check_keys(body)
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            raise refusal(400, "bad_request", "body", "", error.errors()[0]["msg"]) from None
        raise wrong_model("body", error) from None


def _check_keys(body: bytes) -> None:
    """Refuse duplicate keys in an object: pydantic would silently use the last one."""

    def check(pairs: list[tuple[str, object]]) -> None:
        for key, times in Counter(key for key, _ in pairs).items():
            if times > 1:
                raise refusal(400, "bad_request", "body", key, f"is given {times} times")

    # pydantic reports every other defect of the JSON.
    with suppress(ValueError, RecursionError):
        json.loads(body, object_pairs_hook=check, parse_int=str, parse_float=str)
