"""From method and path to what handles it. A trailing slash is tolerated."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from runa_mock_server.errors import ApiError, quoted
from runa_mock_server.idempotency import Answer
from runa_mock_server.web.call import Call
from runa_mock_server.web.checks import READING, Check

API_PREFIX = "/v2/"

Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation.

    Attributes:
        method: the HTTP method.
        path: the path, variable parts in braces: ``/v2/order/{order_id}``.
        checks: the header checks, in the order in which they answer.
        handler: does the work.
    """

    method: str
    path: str
    checks: tuple[Check, ...]
    handler: Handler


class Match(NamedTuple):
    """What a request is for: its checks, its handler and the variable parts of its path."""

    checks: tuple[Check, ...]
    handler: Handler
    parameters: Mapping[str, str]


_Methods = dict[str, Route]


class Router:
    """Finds routes. Literal paths win over paths with variable parts."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._literal: dict[str, _Methods] = {}
        self._variable: dict[re.Pattern[str], _Methods] = {}
        for route in routes:
            if "{" in route.path:
                pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path))
                self._variable.setdefault(pattern, {})[route.method] = route
            else:
                self._literal.setdefault(route.path, {})[route.method] = route

    def find(self, method: str, path: str) -> Match:
        """What answers a request; for an unknown path or a wrong method, what refuses it."""
        methods, parameters = self._resource(path)
        route = methods.get(method)
        if route is not None:
            return Match(route.checks, route.handler, parameters)
        # A stranger learns nothing about the API's paths: the key is checked first.
        checks = READING if path.startswith(API_PREFIX) else ()
        return Match(checks, _refusal(method, path, methods), parameters)

    def _resource(self, path: str) -> tuple[_Methods, Mapping[str, str]]:
        path = path.rstrip("/") or path
        methods = self._literal.get(path)
        if methods is not None:
            return methods, {}
        for pattern, candidates in self._variable.items():
            found = pattern.fullmatch(path)
            if found is not None:
                return candidates, found.groupdict()
        return {}, {}


def _refusal(method: str, path: str, methods: _Methods) -> Handler:
    async def refuse(call: Call) -> Answer:
        if methods:
            call.response_headers["Allow"] = ", ".join(sorted(methods))
            raise ApiError("method_not_allowed", f"{quoted(path)} does not take {quoted(method)}.")
        raise ApiError("not_found", f"There is nothing at {quoted(path)}.")

    return refuse
