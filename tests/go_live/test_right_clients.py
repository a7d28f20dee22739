"""Correct clients are not accused: what looks like a mistake and is none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runa_client import RunaClient, RunaError, item, single
from runa_mock_server.testing.go_live.reading import read
from runa_mock_server.testing.go_live.report import evaluate
from support.api import body
from support.go_live import (
    LIMITED,
    LOST,
    UNAVAILABLE,
    Client,
    Session,
    Suite,
    corrected,
    failing,
    ordered,
    record,
)

ORDER = [item(10, products=single("1800FL-US"))]


def violated(path: Path, suite: Suite) -> dict[str, list[str]]:
    """The rules that a suite violates, each with what was wrong."""
    report = evaluate(read([str(record(path / "traffic.jsonl", suite))]))
    return {
        result.rule.id: [violation.text for violation in result.judgement.violations]
        for result in report.of("violated")
    }


def idempotency_is_tested(session: Session) -> None:
    """The same request again after its answer, which is a replay."""
    client = session.client()
    for _ in range(3):
        client.order(key="Quaeth4eeghohSh8-aing9Wei")


def the_same_on_purpose(session: Session) -> None:
    """One body twice, with two keys, both answered."""
    client = session.client()
    client.placed()
    client.placed()


def bought_anew_after_failed(session: Session) -> None:
    """An order that ended FAILED is placed again, with a new key."""
    client = session.client(trigger_error="order_failed")
    order_id = client.placed()["id"]
    client.wait(5)
    client.get(f"/order/{order_id}")
    client.placed()


def polled_steadily(session: Session) -> None:
    """A fixed pause of 400 ms by the mock's clock."""
    client = session.client(processing_delay=8)
    order_id = client.placed()["id"]
    for _ in range(22):
        client.wait(0.4)
        client.get(f"/order/{order_id}")


def told_to_wait(session: Session) -> None:
    """Equal pauses, because `Retry-After` says so."""
    failing(session.client(), [2, 2, 2], {**UNAVAILABLE, "retry_after": 2})
    failing(session.client(), [7, 7], {**LIMITED, "retry_after": 7})


def shorter_by_chance(session: Session) -> None:
    """Two pauses with jitter, of which the second is the shorter one."""
    failing(session.client(), [3, 2], UNAVAILABLE)


def topped_up(session: Session) -> None:
    """An order that no balance covered is placed anew when there is one."""
    client = session.client(
        "wg-shop.secret-of-production", profile="production", balances={"USD": "1"}
    )
    client.order()
    client.wait(3600)
    client.server.configure(balances={"USD": 100})
    client.order()


def given_up_in_one_test(session: Session) -> None:
    """A test gives up after 503, and another orders the same on the same account."""
    client = session.client()
    with session.test("test_gives_up"):
        client.server.faults.arm("status", status=503, method="POST")
        client.order()
    with session.test("test_orders"):
        client.placed()
        failing(client, [1], UNAVAILABLE)


def two_libraries(session: Session) -> None:
    """One application calls with two libraries."""
    client = session.client(agent="python-requests/2.32")
    client.get("/ping")
    session.another(client.server, agent="Python/3.13 aiohttp/3.12").get("/ping")


def two_versions(session: Session) -> None:
    """An application was updated."""
    client = session.client(agent="shop/1.0")
    client.get("/ping")
    session.another(client.server, agent="shop/1.1").get("/ping")


def reset_between_tests(session: Session) -> None:
    """A suite that resets the server numbers its requests anew."""
    client = session.client()
    for _ in range(3):
        client.placed()
        client.server.reset()


RIGHT: dict[str, Callable[[Session], object]] = {
    suite.__name__: suite
    for suite in (
        idempotency_is_tested,
        the_same_on_purpose,
        bought_anew_after_failed,
        polled_steadily,
        told_to_wait,
        shorter_by_chance,
        topped_up,
        given_up_in_one_test,
        two_libraries,
        two_versions,
        reset_between_tests,
        ordered,
        corrected,
    )
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_correct_suite_is_not_accused(tmp_path: Path, name: str) -> None:
    """No rule is violated."""
    assert violated(tmp_path, RIGHT[name]) == {}


def own_client(session: Session) -> None:
    """The project's client, through lost answers, 503, 429, refusals and polling."""
    for fault in ({**LOST, "times": 1}, {**UNAVAILABLE, "times": 3}, {**LIMITED, "times": 2}):
        server = session.client().server
        server.faults.arm(**{**fault, "method": "POST"})
        with RunaClient(server.base_url, "XX-me.my-secret", sleep=server.clock.advance) as client:
            client.wait_for_order(client.create_order(ORDER, currency="USD"))
    for error in ("insufficient_funds", "validation_error", "forbidden", "version_removed"):
        server = session.client(trigger_error=error).server
        with (
            RunaClient(server.base_url, "XX-me.my-secret", sleep=server.clock.advance) as client,
            pytest.raises(RunaError),
        ):
            client.create_order(ORDER, currency="USD")


def test_the_own_client_is_not_accused(tmp_path: Path) -> None:
    """It does what the report asks for."""
    assert violated(tmp_path, own_client) == {}


def test_a_client_that_never_retries_is_told(tmp_path: Path) -> None:
    """Where no 5xx was followed by a retry the rule is violated; one that was is enough."""

    def never(session: Session) -> None:
        client: Client = session.client()
        client.server.faults.arm("status", status=503, method="POST")
        client.order(body())

    assert set(violated(tmp_path, never)) == {"retried-5xx"}
