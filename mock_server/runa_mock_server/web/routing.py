"""From method and path to what handles it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from runa_mock_server.base.errors import ApiError, quoted
from runa_mock_server.base.path_table import PathTable
from runa_mock_server.orders.idempotency import Answer
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
        at_once: whether the handler, where no fault is armed, waits for nothing but the body of
            the request, and does without ``Call.request``.
    """

    method: str
    path: str
    checks: tuple[Check, ...]
    handler: Handler
    at_once: bool = False


class Match(NamedTuple):
    """What a request is for: its checks, its handler and the variable parts of its path."""

    checks: tuple[Check, ...]
    handler: Handler
    parameters: Mapping[str, str]
    at_once: bool = False


class Router:
    """Finds routes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._paths: PathTable[Match] = PathTable()
        for route in routes:
            match = Match(route.checks, route.handler, {}, route.at_once)
            self._paths.add(route.method, route.path, match)

    def find(self, method: str, path: str) -> Match:
        """What answers a request; for an unknown path or a wrong method, what refuses it."""
        methods, parameters = self._paths.find(path)
        match = methods.get(method)
        if match is not None:
            if not parameters:
                return match
            return Match(match.checks, match.handler, parameters, match.at_once)
        # An unknown path without a key is 401 (recorded), also outside the API.
        checks = READING if not methods or path.startswith(API_PREFIX) else ()
        return Match(checks, _refusal(method, path, methods), parameters)


def _refusal(method: str, path: str, methods: Iterable[str]) -> Handler:
    allowed = ", ".join(sorted(methods))

    async def refuse(call: Call) -> Answer:
        if allowed:
            call.response_headers["Allow"] = allowed
            raise ApiError("method_not_allowed", f"{quoted(path)} does not take {quoted(method)}.")
        raise ApiError("not_found", f"There is nothing at {quoted(path)}.")

    return refuse
