"""Who may call the control API: tools, whoever has the token, and no web page of a stranger."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from runa_mock_server import MockServer
from runa_mock_server.control.api import OPERATIONS, PREFIX
from support.api import KEY, Api
from support.control import ControlCaller, locations
from support.process import serving
from support.raw import exchange, message

Refusal = tuple[int, str, tuple[str, ...]]

FOREIGN_ORIGIN = (403, "forbidden_origin", ("header", "origin"))
FOREIGN_SITE = (403, "forbidden_origin", ("header", "sec-fetch-site"))
FOREIGN_HOST = (403, "forbidden_host", ("header", "host"))
NO_TOKEN = (401, "unauthorized", ("header", "x-mock-token"))


@contextmanager
def _calling(**settings: Any) -> Iterator[ControlCaller]:
    with MockServer(**settings) as server:
        caller = ControlCaller(server.url)
        yield caller
        caller.close()


def _reset(caller: ControlCaller, headers: Mapping[str, str]) -> Refusal | None:
    """Try to reset; what the refusal says, or ``None``."""
    response = caller.call("POST", "/reset", headers=headers)
    if response.status_code == 200:
        return None
    (location,) = locations(response.json())
    return response.status_code, response.json()["type"], location


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Host": "localhost"},
        {"Host": "LOCALHOST:1"},
        {"Host": "runa-mock:8484"},
        {"Host": "mock.localhost:8484"},
        {"Host": "192.168.0.7:8484"},
        {"Host": "[::1]:8484"},
        {"Host": "[fe80::1%25eth0]"},
        {"Host": "[::1]:8484", "Origin": "http://[::1]:8484", "Sec-Fetch-Site": "same-origin"},
        {"Host": "localhost:8484", "Origin": "http://localhost:8484"},
        {"Host": "localhost", "Origin": "https://localhost"},
    ],
    ids=str,
)
def test_a_tool_and_a_page_of_the_server_itself_may(headers: dict[str, str]) -> None:
    """Addresses, localhost and names without a dot are the server's own."""
    with _calling() as caller:
        assert _reset(caller, headers) is None


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({"Origin": "https://evil.example"}, FOREIGN_ORIGIN),
        ({"Origin": "null"}, FOREIGN_ORIGIN),
        ({"Origin": ""}, FOREIGN_ORIGIN),
        ({"Origin": "http://localhost"}, FOREIGN_ORIGIN),
        ({"Host": "localhost:8484", "Origin": "http://localhost:8485"}, FOREIGN_ORIGIN),
        (
            {"Host": "localhost:8484", "Origin": "http://localhost:8484.evil.example"},
            FOREIGN_ORIGIN,
        ),
        ({"Host": "localhost", "Origin": "file://localhost"}, FOREIGN_ORIGIN),
        ({"Sec-Fetch-Site": "cross-site"}, FOREIGN_SITE),
        ({"Sec-Fetch-Site": "same-site"}, FOREIGN_SITE),
        ({"Sec-Fetch-Site": "anything"}, FOREIGN_SITE),
        ({"Host": "evil.example"}, FOREIGN_HOST),
        ({"Host": "evil.example:8484", "Origin": "http://evil.example:8484"}, FOREIGN_HOST),
        ({"Host": "evil.example."}, FOREIGN_HOST),
        ({"Host": "127.0.0.1.evil.example"}, FOREIGN_HOST),
        ({"Host": "localhost.evil.example"}, FOREIGN_HOST),
        ({"Host": "localhost@evil.example"}, FOREIGN_HOST),
        ({"Host": "[::1"}, FOREIGN_HOST),
        ({"Host": ":8484"}, FOREIGN_HOST),
        ({"Host": ""}, FOREIGN_HOST),
    ],
    ids=str,
)
def test_a_web_page_of_a_stranger_may_not(headers: dict[str, str], refusal: Refusal) -> None:
    """Neither on another origin nor under a name that was made to point here; nothing is done."""
    with _calling() as caller:
        Api(caller.url.removesuffix(PREFIX)).order()
        assert _reset(caller, headers) == refusal
        assert caller.get("/orders")["total"] == 1


def test_no_operation_is_open_to_a_page(whole: ControlCaller) -> None:
    """Each refuses a foreign origin, health included."""
    for operation in OPERATIONS:
        response = whole.call(operation.method, operation.path, headers={"Origin": "http://evil"})
        assert (response.status_code, response.json()["type"]) == (403, "forbidden_origin")


@pytest.mark.parametrize("origin", ["https://evil.example", "own"])
def test_a_preflight_gets_no_permission(
    server: MockServer, whole: ControlCaller, origin: str
) -> None:
    """A browser that asks first is not told that it may, whoever asks."""
    headers = {
        "Origin": server.url if origin == "own" else origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "x-api-key",
    }
    response = whole.call("OPTIONS", "/clock", headers=headers)  # which sees to CORS headers
    assert response.status_code == (405 if origin == "own" else 403)


def test_a_request_without_a_host_comes_from_no_browser(server: MockServer) -> None:
    """HTTP/1.0 needs no ``Host``; load balancers look after servers so."""
    reply = exchange(server.url, b"GET /_mock/health HTTP/1.0\r\n\r\n")
    assert (reply.status, reply.document["status"]) == (200, "ok")


def test_health_is_told_by_any_name(server: MockServer) -> None:
    """A load balancer may call the server as it likes; health gives nothing away."""
    sent = message("GET", "/_mock/health", Host="some.name.example")
    assert exchange(server.url, sent).document["status"] == "ok"
    assert exchange(server.url, sent.replace(b"/health", b"/clock")).status == 403


def test_names_that_the_settings_give_are_the_servers_own() -> None:
    """``control_hosts``, in any case, and the host and origin of the public URL."""
    public = "https://Mock.Example/behind/a/proxy"
    with _calling(control_hosts="a.example,B.example", public_url=public) as caller:
        for host in ("a.example", "b.EXAMPLE:99", "mock.example", "mock.example."):
            assert _reset(caller, {"Host": host}) is None
        assert _reset(caller, {"Host": "c.example"}) == FOREIGN_HOST
        assert _reset(caller, {"Origin": "https://mock.example"}) is None
        for origin in ("http://mock.example", "https://mock.example:8443", "https://a.example"):
            assert _reset(caller, {"Origin": origin}) == FOREIGN_ORIGIN


def test_the_token_opens_and_nothing_else() -> None:
    """Right, wrong, absent; health needs none."""
    with _calling(control_token="s3same!") as caller:  # noqa: S106 - of this test
        assert _reset(caller, {"X-Mock-Token": "s3same!"}) is None
        for wrong in ("s3same", "S3same!", "", "s3same!!"):
            assert _reset(caller, {"X-Mock-Token": wrong}) == NO_TOKEN
        assert _reset(caller, {}) == NO_TOKEN
        assert caller.get("/health")["status"] == "ok"
        for operation in OPERATIONS:
            if operation.path != "/health":
                assert caller.call(operation.method, operation.path).status_code == 401


def test_the_api_can_be_switched_off() -> None:
    """All but health is 404 then, over HTTP; the hand of the process itself is free."""
    with MockServer(control=False) as server:
        caller = ControlCaller(server.url)
        assert caller.get("/health")["status"] == "ok"
        for operation in OPERATIONS:
            if operation.path != "/health":
                response = caller.call(operation.method, operation.path)
                assert (response.status_code, response.json()["type"]) == (404, "not_found")
        caller.close()
        assert len(server.account(KEY).orders) == 0


def test_a_neighbour_of_the_prefix_is_the_services_own() -> None:
    """What only starts with the same letters is answered as the service answers."""
    with MockServer() as server:
        api = Api(server.url)
        response = api.get("/_mockery")
        assert (response.status_code, list(response.json())) == (404, ["type", "message", "help"])
        api.close()


def test_nobody_stops_a_server_that_does_not_allow_it(whole: ControlCaller) -> None:
    """The refusal names the setting, and the server runs on."""
    response = whole.call("POST", "/shutdown")
    assert (response.status_code, response.json()["type"]) == (403, "forbidden")
    assert "allow_shutdown" in response.json()["message"]
    assert whole.get("/health")["status"] == "ok"


def test_the_command_ends_well_when_it_is_told_to_over_http() -> None:
    """With the flag the answer arrives, and the process ends with 0 and says nothing bad."""
    with serving("--port", "0", "--allow-shutdown", "--control-token", "t") as served:
        caller = ControlCaller(served.url)
        assert caller.call("POST", "/shutdown").status_code == 401
        stopped = caller.call("POST", "/shutdown", headers={"X-Mock-Token": "t"})
        assert (stopped.status_code, list(stopped.json())) == (202, ["done"])
        finished = served.process.finish()
        assert (finished.code, finished.err) == (0, "")
        caller.close()
