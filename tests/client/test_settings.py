"""Where base URL and key come from, and what is refused before anything is sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import requests

from runa_client import (
    AsyncRunaClient,
    ConfigurationError,
    RetryPolicy,
    RunaClient,
    RunaTimeoutError,
    ServerError,
    Timeout,
    make_settings,
)

if TYPE_CHECKING:
    from pathlib import Path

    from client.conftest import Clients, ScriptedServer

URL = "http://127.0.0.1:1/v2"


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_environment_stands_in(
    slash: str, make_client: Clients, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Base URL, with or without a slash, and key come from the environment if not given."""
    monkeypatch.setenv("RUNA_BASE_URL", server.url + slash)
    monkeypatch.setenv("RUNA_API_KEY", "XX.from-the-environment")
    server.answer(200, {"message": "pong"})

    make_client(base_url=None, api_key=None).ping()

    assert server.received[0].target == "/v2/ping"
    assert server.received[0].headers["x-api-key"] == "XX.from-the-environment"


def test_arguments_beat_the_environment(
    client: RunaClient, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is passed counts, whatever the environment says."""
    monkeypatch.setenv("RUNA_BASE_URL", "http://127.0.0.1:1/v2")
    monkeypatch.setenv("RUNA_API_KEY", "XX.other")
    server.answer(200, {"message": "pong"})

    client.ping()

    assert server.received[0].headers["x-api-key"] == "XX.a-secret-nobody-may-see"


@pytest.mark.parametrize("variable", ["RUNA_BASE_URL", "RUNA_API_KEY"])
@pytest.mark.parametrize("value", [None, ""])
def test_what_is_missing_is_named(
    variable: str, value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without base URL or key there is no client, and the error names the variable."""
    monkeypatch.setenv("RUNA_BASE_URL", URL)
    monkeypatch.setenv("RUNA_API_KEY", "XX.key")
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigurationError, match=variable):
        RunaClient()
    with pytest.raises(ConfigurationError, match=variable):
        AsyncRunaClient()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/v2",
        "127.0.0.1:8080/v2",
        "http:///v2",
        "http://127.0.0.1:99999/v2",
        "http://[::1/v2",
        "http://a b/v2",
        "http://a\n/v2",
        "http://é/v2",
        "http://user:secret@127.0.0.1/v2",
        "http://127.0.0.1/v2?x=1",
        "http://127.0.0.1/v2#x",
        "http://127.0.0.1",
        "http://127.0.0.1/v1",
    ],
)
def test_base_urls_that_cannot_work_are_refused(url: str) -> None:
    """A base URL is http or https, has a host, ends with /v2 and holds no credentials."""
    with pytest.raises(ConfigurationError, match="base URL") as caught:
        RunaClient(url, "XX.key")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["XX.key\n", " XX.key", "XX key", "XX.k\r\nX-Evil: 1", "XX.ké"])
def test_api_keys_that_no_header_carries_are_refused(key: str) -> None:
    """A key with white space or beyond ASCII is refused without being shown."""
    with pytest.raises(ConfigurationError, match="RUNA_API_KEY") as caught:
        RunaClient(URL, key)
    assert key.strip() not in str(caught.value)


@pytest.mark.parametrize("option", ["idempotency_key", "trigger_error", "execution_mode"])
@pytest.mark.parametrize("value", ["", " a", "a ", "a\nb", "a\r\nX-Evil: 1", "é", "\x7f"])
def test_header_values_that_cannot_be_sent_are_refused(
    option: str, value: str, client: RunaClient, server: ScriptedServer
) -> None:
    """A key or mode that would break or change on its way is refused before a request."""
    options: dict[str, Any] = {option: value}
    with pytest.raises(ConfigurationError, match=option):
        client.create_order([], **options)
    assert server.received == []


def test_unknown_options_are_refused() -> None:
    """A misspelt option of a client is an error."""
    with pytest.raises(TypeError, match="unknown retries"):
        RunaClient(URL, "XX.key", retries=RetryPolicy())  # type: ignore[call-arg]  # wrong on purpose


@pytest.mark.parametrize("option", ["retry", "timeout", "poll"])
def test_an_option_of_another_type_is_refused_at_once(option: str) -> None:
    """The message says what it must be, before anything is sent."""
    wrong: dict[str, Any] = {option: "0.3"}
    with pytest.raises(TypeError, match=f"{option} must be a .*, not '0.3'"):
        RunaClient(URL, "XX-me.secret", **wrong)


@pytest.mark.parametrize("kind", [RunaClient, AsyncRunaClient])
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("retry", True),
        ("retry", 0.5),
        ("retry", None),
        ("timeout", True),
        ("timeout", (1, 2)),
        ("timeout", None),
        ("max_response_bytes", 1.5),
        ("max_response_bytes", True),
    ],
)
def test_what_only_looks_like_a_number_is_refused(
    kind: type[RunaClient | AsyncRunaClient], option: str, value: object
) -> None:
    """Neither a boolean, a pair nor None is taken for a number of attempts, seconds or bytes."""
    wrong: dict[str, Any] = {option: value}
    with pytest.raises(TypeError, match=option):
        kind(URL, "XX.key", **wrong)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("retry", -1),
        ("retry", 100),
        ("timeout", 0),
        ("timeout", -1.0),
        ("timeout", float("nan")),
        ("timeout", float("inf")),
        ("max_response_bytes", 0),
    ],
)
def test_numbers_out_of_range_are_refused(option: str, value: float) -> None:
    """A number of attempts, seconds or bytes that cannot work is refused at once."""
    wrong: dict[str, Any] = {option: value}
    with pytest.raises(ValueError, match=r"attempts|seconds|max_response_bytes"):
        RunaClient(URL, "XX.key", **wrong)


@pytest.mark.parametrize("more", [0, 3])
def test_a_number_of_retries_counts_further_attempts(
    more: int, make_client: Clients, server: ScriptedServer
) -> None:
    """`retry=3` sends once, and three times more."""
    for _ in range(more + 1):
        server.answer(500, {})

    with pytest.raises(ServerError) as caught:
        make_client(retry=more).ping()

    assert caught.value.attempts == len(server.received) == more + 1


def test_a_number_as_timeout_is_for_connection_and_silence(
    make_client: Clients, server: ScriptedServer
) -> None:
    """`timeout=5` waits 5 s for a connection and in each silence, and 60 s in all."""
    assert Timeout().total == 60
    settings = [make_settings(URL, "XX.key", {"timeout": number}).timeout for number in (5, 90.0)]
    assert settings == [
        Timeout(connect=5, read=5, total=60),
        Timeout(connect=90.0, read=90.0, total=90.0),
    ]

    server.hang()
    with pytest.raises(RunaTimeoutError):
        make_client(timeout=0.2, retry=0).ping()


def test_the_total_follows_a_longer_patience() -> None:
    """A silence of 100 s that is allowed is not cut short by the total that nobody named."""
    assert Timeout(read=100).total == 100
    assert Timeout(read=100, total=7).total == 7


def test_proxies_and_netrc_of_the_environment_are_ignored(
    client: RunaClient, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing of the environment comes between the client and its service."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    server.answer(200, {"message": "pong"})

    client.ping()

    assert "authorization" not in server.received[0].headers


def test_a_given_session_is_used_and_stays_open(server: ScriptedServer) -> None:
    """A session of the caller sends the requests and is not closed."""
    server.answer(200, {"message": "pong"})
    with requests.Session() as session:
        session.headers["X-Mine"] = "yes"
        closed: list[bool] = []
        session.close = lambda: closed.append(True)  # type: ignore[method-assign]  # a spy
        with RunaClient(server.url, "XX.key", session=session) as client:
            client.ping()
        assert closed == []
    assert server.received[0].headers["x-mine"] == "yes"


async def _ping_with_session(url: str) -> bool:
    async with aiohttp.ClientSession(headers={"X-Mine": "yes"}) as session:
        async with AsyncRunaClient(url, "XX.key", session=session) as client:
            await client.ping()
        return session.closed


def test_a_given_async_session_is_used_and_stays_open(server: ScriptedServer) -> None:
    """The same holds for the asynchronous client, which needs no loop to be made."""
    server.answer(200, {"message": "pong"})

    assert not asyncio.run(_ping_with_session(server.url))
    assert server.received[0].headers["x-mine"] == "yes"
