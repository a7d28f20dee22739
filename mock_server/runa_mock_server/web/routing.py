"""From method and path to what handles it."""

from collections.abc import Iterable

from runa_mock_server.base.errors import ApiError, quoted
from runa_mock_server.base.path_table import PathTable
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.web.answers import FOUND
from runa_mock_server.web.call import Call, Route
from runa_mock_server.web.checks import READING

API_PREFIX = "/v2/"


def table_of(routes: Iterable[Route]) -> PathTable[Route]:
    """The routes by path."""
    table: PathTable[Route] = PathTable()
    for route in routes:
        table.add(route.method, route.path, route)
    return table


def no_route(method: str, path: str, methods: Iterable[str]) -> Route:
    """What refuses a request for which there is no route.

    Args:
        method: the method of the request.
        path: its path.
        methods: the methods that its path takes; none if there is no such path.
    """
    # An unknown path without a key is 401 (recorded), also outside the API.
    checks = READING if not methods or path.startswith(API_PREFIX) else ()
    allowed = ", ".join(sorted(methods))

    async def refuse(call: Call) -> Answer:
        if path == "/" and method == "GET" and _shows_dashboard(call):
            call.response_headers["Location"] = "/_mock/"
            return Answer(FOUND, b"", "text/plain")
        for check in checks:
            check(call)
        if allowed:
            call.response_headers["Allow"] = allowed
            reason = f"{quoted(path)} does not take {quoted(method)}."
            raise ApiError("method_not_allowed", reason, rule="wrong-method")
        raise ApiError("not_found", f"There is nothing at {quoted(path)}.", rule="not-found")

    return Route(method, path, (), refuse)


def _shows_dashboard(call: Call) -> bool:
    """Whether a browser asks, and there is a dashboard."""
    from runa_mock_server.web.dashboard.files import prefers_page  # noqa: PLC0415 - few servers show it

    return call.server_state.settings.control and prefers_page(call.headers.get("Accept", ""))
