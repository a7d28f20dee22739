"""An operation of the control API: a typed function, and where it is found.

What a function takes says what its operation takes: ``body`` and ``query`` are models, ``scope``
is the account or the server, ``world`` the server alone, every other parameter is a variable part
of the path.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from inspect import getdoc, signature
from typing import Any, get_type_hints

from pydantic import BaseModel, ValidationError

from runa_mock_server.control.models import Body, Query, Result
from runa_mock_server.control.problems import refusal, wrong_field, wrong_model
from runa_mock_server.control.scope import Scope
from runa_mock_server.server_state.server_state import World

Function = Callable[..., BaseModel]


class Operation:
    """One operation.

    Args:
        method: the HTTP method.
        path: the path below ``/_mock``, variable parts in braces.
        function: does the work.
        status: the status of its answer.
    """

    def __init__(self, method: str, path: str, function: Function, status: int = 200) -> None:
        hints = get_type_hints(function)
        self.method = method
        self.path = path
        self.status = status
        self.summary = (getdoc(function) or "").partition("\n")[0]
        self.body: type[BaseModel] | None = hints.get("body")
        self.query: type[Query] | None = hints.get("query")
        self.result: type[Result] = hints["return"]
        self._takes_scope = "scope" in signature(function).parameters
        self._takes_world = "world" in signature(function).parameters
        self._function = function

    def run(
        self,
        world: World,
        scope: Scope | None,
        parameters: Mapping[str, str],
        query: Mapping[str, Sequence[str]],
        body: bytes,
    ) -> BaseModel:
        """Read what was sent, and do it.

        Raises:
            ControlError: if it cannot be done; nothing was changed.
        """
        given: dict[str, Any] = dict(parameters)
        if self._takes_scope:
            given["scope"] = scope
        if self._takes_world:
            given["world"] = world
        values = _read_query(self.query or Query, query)
        if self.query is not None:
            given["query"] = values
        sent = _read_body(self.body or Body, body)
        if self.body is not None:
            given["body"] = sent
        return self._function(**given)


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
    """Refuse a key twice in one object, of which pydantic takes the last without a word."""

    def check(pairs: list[tuple[str, object]]) -> None:
        for key, times in Counter(key for key, _ in pairs).items():
            if times > 1:
                raise refusal(400, "bad_request", "body", key, f"is given {times} times")

    # Whatever else is wrong with the text is left to the model's reader.
    with suppress(ValueError, RecursionError):
        json.loads(body, object_pairs_hook=check, parse_int=str, parse_float=str)
