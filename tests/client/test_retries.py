"""What is sent again, with which key, after which pause, and when it ends."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runa_client import (
    Backoff,
    IdempotencyInProgressError,
    RateLimitError,
    RetryPolicy,
    RunaApiError,
    RunaCallError,
    RunaClient,
    RunaConnectionError,
    RunaResponseError,
    RunaTimeoutError,
    ServerError,
    Timeout,
    item,
    single,
)

if TYPE_CHECKING:
    from client.conftest import Clients, Patience, ScriptedServer

ITEMS = [item(10, products=single("AMZ-US"))]
ACCEPTED = {"id": "O-01J6Y3JRYWCTNDRHP35302NZ30", "status": "PROCESSING"}
ERROR = {"type": "internal_server_error", "message": "It broke.", "help": None}
IN_PROGRESS = {"type": "idempotency_in_progress", "message": "Wait.", "help": None}
BRIEFLY = Timeout(connect=5, read=0.3)

FAILURES = {
    "reset": lambda server: server.reset(),
    "close": lambda server: server.drop(),
    "cut body": lambda server: server.cut(202, ACCEPTED),
    "silence": lambda server: server.hang(),
    "500": lambda server: server.answer(500, ERROR),
    "502 of a gateway": lambda server: server.answer(502, b"<html>Bad Gateway</html>"),
    "700": lambda server: server.answer(700, b""),
    "504": lambda server: server.answer(504, {"type": "timeout", "message": "", "help": None}),
    "in progress": lambda server: server.answer(400, IN_PROGRESS),
    "429": lambda server: server.answer(429, {"error": "rate exceeded"}),
    "half JSON": lambda server: server.answer(202, b'{"id": "O-1", "sta'),
    "not UTF-8": lambda server: server.answer(202, b'{"id": "\xff"}'),
    "NaN": lambda server: server.answer(202, b'{"id": "O-1", "status": "X", "a": NaN}'),
    "absurd number": lambda server: server.answer(202, b"1e99999999999999999999"),
    "deep nesting": lambda server: server.answer(202, b"[" * 200_000),
    "no object": lambda server: server.answer(202, b"[]"),
    "no id": lambda server: server.answer(202, {"status": "PROCESSING"}),
    "empty 204": lambda server: server.answer(204, b""),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_passing_failures_are_sent_again_with_the_same_key_and_body(
    failure: str, make_client: Clients, server: ScriptedServer, patience: Patience
) -> None:
    """Each passing failure leads to another request that equals the first."""
    FAILURES[failure](server)
    FAILURES[failure](server)
    server.answer(202, ACCEPTED)

    receipt = make_client(timeout=BRIEFLY).create_order(ITEMS)

    assert receipt.id == ACCEPTED["id"]
    assert len(server.received) == 3
    assert [server.received[0]] * 3 == server.received
    assert server.received[0].headers["x-idempotency-key"] == receipt.idempotency_key
    assert uuid.UUID(receipt.idempotency_key).version == 4
    assert patience.sleeps == ([5.0, 10.0] if failure == "429" else [0.25, 0.5])


@pytest.mark.parametrize("failure", FAILURES)
def test_reading_is_sent_again_too(
    failure: str, make_client: Clients, server: ScriptedServer
) -> None:
    """A GET that fails for a passing reason is repeated, without an idempotency key."""
    FAILURES[failure](server)
    server.answer(200, {**ACCEPTED, "status": "COMPLETED"})

    order = make_client(timeout=BRIEFLY).get_order("O-1")

    assert order.completed
    assert [request.target for request in server.received] == ["/v2/order/O-1"] * 2
    assert "x-idempotency-key" not in server.received[1].headers


@pytest.mark.parametrize(
    ("failure", "error", "status"),
    [
        ("reset", RunaConnectionError, None),
        ("close", RunaConnectionError, None),
        ("cut body", RunaConnectionError, None),
        ("silence", RunaTimeoutError, None),
        ("500", ServerError, 500),
        ("502 of a gateway", ServerError, 502),
        ("in progress", IdempotencyInProgressError, 400),
        ("429", RateLimitError, 429),
        ("half JSON", RunaResponseError, 202),
        ("no id", RunaResponseError, 202),
    ],
)
def test_retries_end(
    failure: str,
    error: type[RunaCallError],
    status: int | None,
    make_client: Clients,
    server: ScriptedServer,
) -> None:
    """After its last attempt a call raises the last failure, which a later try may cure."""
    for _ in range(3):
        FAILURES[failure](server)

    with pytest.raises(RunaCallError) as caught:
        make_client(timeout=BRIEFLY, retry=RetryPolicy(attempts=3)).create_order(
            ITEMS, idempotency_key="mine"
        )

    assert type(caught.value) is error
    assert caught.value.status == status
    assert caught.value.attempts == len(server.received) == 3
    assert caught.value.idempotency_key == "mine"
    assert caught.value.safe_to_retry
    assert "mine (a retry with this key is safe)" in str(caught.value)


def test_refused_connections_are_retried(
    make_client: Clients, refused_url: str, patience: Patience
) -> None:
    """Where nobody listens, the client tries as often as it may and says so."""
    with pytest.raises(RunaConnectionError, match="the connection failed") as caught:
        make_client(base_url=refused_url).create_order(ITEMS)

    assert caught.value.attempts == 4
    assert caught.value.idempotency_key is not None
    assert not isinstance(caught.value, RunaTimeoutError)
    assert patience.sleeps == [0.25, 0.5, 1.0]


@settings(
    max_examples=settings().max_examples // 2,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    status=st.integers(400, 499).filter(lambda status: status != 429),
    name=st.sampled_from(["bad_request", "idempotency_validation_error", "currency_mismatch"]),
    post=st.booleans(),
)
def test_refusals_are_final(  # noqa: PLR0913 - three fixtures and three drawn values
    status: int,
    name: str,
    *,
    post: bool,
    client: RunaClient,
    server: ScriptedServer,
    patience: Patience,
) -> None:
    """No 4xx but 429 and `idempotency_in_progress` is ever sent again."""
    server.clear()
    server.answer(status, {"type": name, "message": "No.", "help": None})

    with pytest.raises(RunaApiError) as caught:
        client.create_order(ITEMS) if post else client.get_order("O-1")

    assert (caught.value.status, caught.value.type) == (status, name)
    assert caught.value.attempts == len(server.received) == 1
    assert not caught.value.safe_to_retry
    assert patience.sleeps == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(
    status: int, client: RunaClient, server: ScriptedServer
) -> None:
    """A redirect is an error, so that the API key stays where it was sent."""
    server.answer(status, b"", Location=f"{server.url}/elsewhere")

    with pytest.raises(RunaApiError, match="elsewhere") as caught:
        client.create_order(ITEMS)

    assert caught.value.status == status
    assert not caught.value.safe_to_retry
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({}, 5.0),
        ({"Retry_After": "2"}, 5.0),
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": "-1"}, 5.0),
        ({"Retry_After": "nan"}, 5.0),
        ({"Retry_After": "soon"}, 5.0),
        ({"Retry_After": "Wed, 04 Sep 2024 08:49:32 GMT"}, 5.0),
        (
            {
                "Date": "Wed, 04 Sep 2024 08:49:20 GMT",
                "Retry_After": "Wed, 04 Sep 2024 08:49:32 GMT",
            },
            12.0,
        ),
    ],
)
def test_a_rate_limit_is_waited_for(
    headers: dict[str, str],
    pause: float,
    client: RunaClient,
    server: ScriptedServer,
    patience: Patience,
) -> None:
    """After a 429 the client waits five seconds, or as long as the service asks if longer."""
    server.answer(429, {"error": "rate exceeded"}, **headers)
    server.answer(202, ACCEPTED)

    client.create_order(ITEMS)

    assert patience.sleeps == [pause]


def test_a_server_error_may_ask_for_a_pause(
    client: RunaClient, server: ScriptedServer, patience: Patience
) -> None:
    """`Retry-After` counts for a 503 as well."""
    server.answer(503, ERROR, Retry_After="3")
    server.answer(202, ACCEPTED)

    client.create_order(ITEMS)

    assert patience.sleeps == [3.0]


def test_a_very_long_retry_after_is_left_to_the_caller(
    client: RunaClient, server: ScriptedServer, patience: Patience
) -> None:
    """A pause of an hour is not slept through but told."""
    server.answer(429, {"error": "rate exceeded"}, Retry_After="3600")

    with pytest.raises(RateLimitError, match="rate exceeded") as caught:
        client.create_order(ITEMS)

    assert caught.value.retry_after == 3600.0
    assert caught.value.safe_to_retry
    assert patience.sleeps == []


def test_the_rate_limit_wait_is_configurable(
    make_client: Clients, server: ScriptedServer, patience: Patience
) -> None:
    """A test against a double need not wait five seconds."""
    server.answer(429, {"error": "rate exceeded"})
    server.answer(202, ACCEPTED)
    quick = RetryPolicy(rate_limit_wait=0.0, backoff=Backoff(base=0.0))

    make_client(retry=quick).create_order(ITEMS)

    assert patience.sleeps == []
    assert len(server.received) == 2


def test_one_attempt_means_no_retry(make_client: Clients, server: ScriptedServer) -> None:
    """`RetryPolicy(attempts=1)` sends once."""
    server.answer(500, ERROR)

    with pytest.raises(ServerError):
        make_client(retry=RetryPolicy(attempts=1)).ping()

    assert len(server.received) == 1


def test_different_failures_share_one_count(
    make_client: Clients, server: ScriptedServer, patience: Patience
) -> None:
    """The attempts of a call are counted over all kinds of failure."""
    server.reset()
    server.answer(429, {"error": "rate exceeded"})
    server.answer(500, ERROR)

    with pytest.raises(ServerError) as caught:
        make_client(retry=RetryPolicy(attempts=3)).create_order(ITEMS)

    assert caught.value.attempts == 3
    assert patience.sleeps == [0.25, 5.0]


def test_each_order_gets_a_key_of_its_own(client: RunaClient, server: ScriptedServer) -> None:
    """Two orders never share a key that the client made."""
    server.answer(202, ACCEPTED)
    server.answer(202, ACCEPTED)

    first, second = client.create_order(ITEMS), client.create_order(ITEMS)

    assert first.idempotency_key != second.idempotency_key


@given(
    number=st.integers(1, 200),
    chance=st.floats(0, 1),
    jitter=st.floats(0, 1),
    maximum=st.floats(0, 1e6),
)
def test_pauses_stay_within_their_bounds(
    number: int, chance: float, jitter: float, maximum: float
) -> None:
    """A pause is at most the maximum, and chance takes away no more than the jitter."""
    backoff = Backoff(base=0.0 if maximum < 1 else 1.0, factor=2, maximum=maximum, jitter=jitter)

    pause = backoff.pause(number, chance)

    full = min(backoff.base * 2 ** min(number - 1, 100), maximum)
    assert full * (1 - jitter) - 1e-6 <= pause <= full


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (RetryPolicy, {"attempts": 0}),
        (RetryPolicy, {"attempts": 101}),
        (RetryPolicy, {"rate_limit_wait": -1.0}),
        (RetryPolicy, {"longest_retry_after": -1.0}),
        (Backoff, {"base": -1.0}),
        (Backoff, {"base": 9.0}),
        (Backoff, {"maximum": float("inf")}),
        (Backoff, {"factor": 0.5}),
        (Backoff, {"jitter": 1.5}),
        (Timeout, {"read": 0.0}),
        (Timeout, {"connect": float("nan")}),
        (Timeout, {"total": 0.0}),
        (Timeout, {"total": float("inf")}),
    ],
)
def test_policies_out_of_range_are_refused(
    kind: type[RetryPolicy | Backoff | Timeout], options: dict[str, float]
) -> None:
    """A policy that cannot work is refused where it is written."""
    with pytest.raises(ValueError, match=next(iter(options))):
        kind(**options)  # type: ignore[arg-type]  # the fields differ from class to class
