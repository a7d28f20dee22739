"""``MockServer``: the server inside a Python process."""

import socket
import threading
import time
from typing import Any

import pytest
import requests

from runa_mock_server import (
    ManualClock,
    MockServer,
    PortBusyError,
    Settings,
    SettingsError,
)
from support.answers import order_ids, refusal, still_answers
from support.api import KEY, TIMEOUT, Api
from support.raw import connection, reply_on

PROMPT = 120  # seconds; a stop takes a fraction of one, the rest is for a busy machine


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "runa-mock"]


def test_it_runs_for_the_time_of_the_block() -> None:
    """Inside it answers, afterwards nothing listens and no thread is left."""
    before = _threads()
    with MockServer() as server:
        url = server.url
        api = Api(url)
        still_answers(api)
        api.close()
    assert _threads() == before
    with pytest.raises(OSError, match="refused"), connection(url):
        pass


def test_it_stops_also_when_the_block_fails() -> None:
    """The error comes through, and the server is gone."""
    before = _threads()
    with pytest.raises(KeyError), MockServer():
        raise KeyError
    assert _threads() == before


def test_the_base_url_is_what_a_client_takes() -> None:
    """``url`` is without a path, ``base_url`` with ``/v2``; the port is a free one."""
    with MockServer() as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert server.base_url == server.url + "/v2"


def test_two_servers_in_a_process_share_nothing() -> None:
    """Orders, keys and time of one are unknown to the other."""
    clocks = ManualClock(), ManualClock()
    with MockServer(clock=clocks[0]) as one, MockServer(clock=clocks[1]) as two:
        first, second = Api(one.url), Api(two.url)
        mine, theirs = (api.order(key="k").json()["id"] for api in (first, second))
        clocks[0].advance(1)
        assert mine != theirs
        assert (order_ids(first), order_ids(second)) == ([mine], [theirs])
        assert refusal(second.get(f"/v2/order/{mine}")) == (404, "not_found")
        assert first.read(mine)["status"] == "COMPLETED"
        assert second.read(theirs)["status"] == "PROCESSING"
        first.close()
        second.close()


def test_a_busy_port_is_a_clear_error() -> None:
    """The message names address and reason; the server can be started when the port is free."""
    with MockServer() as first:
        port = int(first.url.rpartition(":")[2])
        second = MockServer(port=port)
        with pytest.raises(PortBusyError, match=f"127.0.0.1 port {port}: .*already"):
            second.start()
        second.close()
        with pytest.raises(RuntimeError, match="not running"):
            _ = second.url
    with second:
        assert second.url == f"http://127.0.0.1:{port}"


def test_an_address_that_is_not_ours_is_a_clear_error() -> None:
    """An address that cannot be bound is told like a busy port."""
    with pytest.raises(PortBusyError, match=r"cannot listen on 192\.0\.2\.1 port 0"):
        MockServer(host="192.0.2.1").start()


@pytest.mark.parametrize("host", ["a..b", "a\x00b", "x" * 300])
def test_a_host_that_is_no_name_is_an_error(host: str) -> None:
    """An impossible host ends the start with an error instead of waiting for ever."""
    outcome: list[Exception] = []

    def start() -> None:
        try:
            MockServer(host=host).start()
        except (PortBusyError, SettingsError) as error:
            outcome.append(error)

    starter = threading.Thread(target=start, daemon=True)
    starter.start()
    starter.join(5)
    assert not starter.is_alive(), "start() hangs"
    assert len(outcome) == 1


def test_closing_twice_is_harmless() -> None:
    """As is closing what was never started."""
    server = MockServer()
    server.close()
    server.start()
    server.close()
    server.close()
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.base_url


def test_starting_twice_is_refused() -> None:
    """The running server is not disturbed."""
    with MockServer() as server:
        with pytest.raises(RuntimeError, match="running already"):
            server.start()
        api = Api(server.url)
        still_answers(api)
        api.close()


def test_a_restart_keeps_the_orders() -> None:
    """Stopping is not forgetting: orders and keys are there after the next start."""
    server = MockServer(clock=ManualClock())
    made, answers = [], []
    for _ in range(2):
        with server:
            api = Api(server.url)
            answers.append(api.order(key="k").content)
            made.append(order_ids(api))
            api.close()
    assert made[0] == made[1]
    assert answers[0] == answers[1]


def test_links_lead_to_where_the_server_is() -> None:
    """After a restart on another port they open there, read before or not."""
    server = MockServer(clock=ManualClock(), public_url=None)
    with server:
        first = server.url
        api = Api(server.url)
        read, unread = (api.order(X_Mock_Processing="at-once").json()["id"] for _ in range(2))
        api.read(read)
        api.close()
    with socket.create_server(("127.0.0.1", int(first.rpartition(":")[2]))), server:
        assert server.url != first
        api = Api(server.url)
        made = api.order(X_Mock_Processing="at-once").json()["id"]
        for order_id in (read, unread, made):
            link = api.read(order_id)["items"][0]["payout"]["url"]
            assert link.startswith(f"{server.url}/")
            assert requests.get(link, timeout=TIMEOUT).status_code == 200
        api.close()


def test_a_reset_forgets_accounts_and_keeps_the_rest(server: MockServer, api: Api) -> None:
    """Orders and keys are gone; the settings of the start stay."""
    settings = server.settings
    old = api.order(key="k")
    server.reset()
    assert order_ids(api) == []
    assert refusal(api.get(f"/v2/order/{old.json()['id']}")) == (404, "not_found")
    assert api.order(key="k").content != old.content
    assert server.settings == settings


def test_a_reset_brings_a_seed_s_ids_back() -> None:
    """After a reset the same calls give the same ids again."""
    with MockServer(clock=ManualClock(), seed=1) as server:
        api = Api(server.url)
        answers = []
        for _ in range(2):
            answers.append(api.order(mode="sync").content)
            server.reset()
        api.close()
    assert answers[0] == answers[1]


def test_a_stop_does_not_wait_for_idle_connections() -> None:
    """A kept-alive connection is closed by the stop."""
    with MockServer() as server, connection(server.url) as opened:
        request = f"GET /v2/ping HTTP/1.1\r\nHost: x\r\nX-Api-Key: {KEY}\r\n\r\n"
        opened.sendall(request.encode())
        assert reply_on(opened).status == 200
        server.close()
        assert opened.recv(1) == b""


def test_a_stop_does_not_wait_for_half_a_request() -> None:
    """A caller that never finishes its body does not hold the server."""
    with MockServer() as server, connection(server.url) as opened:
        head = "POST /v2/order HTTP/1.1\r\nHost: x\r\nX-Idempotency-Key: k\r\n"
        opened.sendall(f"{head}X-Api-Key: {KEY}\r\nContent-Length: 10\r\n\r\n[".encode())
        api = Api(server.url)
        still_answers(api)  # what came before it has been read by then
        api.close()
        begin = time.monotonic()
        server.close()
        assert time.monotonic() - begin < PROMPT


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"prot": 1}, "prot"),
        ({"port": -1}, "port"),
        ({"port": 65_536}, "port"),
        ({"port": "80"}, "port"),
        ({"port": True}, "port"),
        ({"host": ""}, "host"),
        ({"processing_delay": -0.1}, "processing_delay"),
        ({"processing_delay": float("nan")}, "processing_delay"),
        ({"processing_delay": float("inf")}, "processing_delay"),
        ({"processing_delay": "1"}, "processing_delay"),
        ({"rate_limit": 0}, "rate_limit"),
        ({"rate_limit": 1.5}, "rate_limit"),
        ({"api_keys": [""]}, "api_keys"),
        ({"api_keys": [1]}, "api_keys"),
        ({"api_keys": "XX-a"}, "api_keys"),
        ({"max_body_bytes": 0}, "max_body_bytes"),
        ({"legacy_item_fields": "no"}, "legacy_item_fields"),
        ({"seed": "a"}, "seed"),
        ({"public_url": "mock.example"}, "public_url"),
        ({"public_url": "ftp://mock.example"}, "public_url"),
    ],
)
def test_a_setting_that_does_not_fit_is_named(values: dict[str, Any], name: str) -> None:
    """SettingsError, a ValueError, before anything is started."""
    with pytest.raises(SettingsError, match=rf"^{name}\b"):
        MockServer(**values)


def test_all_wrong_settings_are_named_at_once() -> None:
    """One error tells of every one."""
    with pytest.raises(SettingsError) as caught:
        MockServer(port=-1, seed="a", colour="red")  # type: ignore[call-arg, arg-type] # refused at run time, too
    assert [part.partition(":")[0] for part in str(caught.value).split("; ")] == [
        "port",
        "seed",
        "colour",
    ]
    assert isinstance(caught.value, ValueError)


def test_settings_come_as_an_object_or_one_by_one() -> None:
    """Both say the same; both at once are refused."""
    settings = Settings(processing_delay=5)
    assert MockServer(settings).settings == MockServer(processing_delay=5).settings == settings
    with pytest.raises(TypeError, match="seed"):
        MockServer(settings, seed=1)


def test_the_clock_is_the_computer_s_unless_given() -> None:
    """A given clock is the one the server lives in."""
    clock = ManualClock()
    assert MockServer(clock=clock).clock.speed == 0
    assert MockServer().clock.speed == 1


def test_a_fixed_port_is_used() -> None:
    """The URL has the port that was asked for."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with MockServer(port=port) as server:
        assert server.url == f"http://127.0.0.1:{port}"
