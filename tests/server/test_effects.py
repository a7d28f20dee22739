"""Exactly once, not at all, or twice: what requests came to, and how it is told."""

import json
from typing import Any

import pytest

from runa_mock_server import ManualClock, MockServer
from support.answers import order_ids
from support.api import KEY, Api, body, item
from support.effects import lose, only, verdicts
from support.raw import ORDER, exchange, message

OTHER = "XX-other.secret"
LARGER = body(items=[item(face_value=20)])
HEAVY = json.dumps(LARGER).encode()


def test_nothing_was_ordered(server: MockServer, api: Api) -> None:
    """Reads, refusals and other people's mistakes are no orders."""
    assert server.effects().verdict == "none"
    with pytest.raises(AssertionError, match="No request to place an order was seen"):
        server.assert_exactly_once()
    api.get("/v2/ping")
    api.order(body(items=[]), key="refused")
    api.order(key="no-mode", mode="bad")
    exchange(server.url, message("POST", "/v2/order", ORDER))  # without a key
    effects = server.effects()
    assert (effects.verdict, effects.orders, effects.charged, effects.complete) == (
        "none",
        0,
        [],
        True,
    )
    assert verdicts(server) == {"refused": "none", "no-mode": "none"}
    # A header is refused before the service looks at the order.
    assert [only(server, key).attempts[0].outcome for key in ("refused", "no-mode")] == [
        "refused",
        None,
    ]
    with pytest.raises(AssertionError, match=r"key 'refused' of XX-test~.*, none: 0 orders"):
        server.assert_exactly_once()


def test_a_key_and_its_repetitions_are_one_order(server: MockServer, api: Api) -> None:
    """However often, and although somebody used it with another body."""
    api.order(key="a")
    api.order(key="a")
    api.order(LARGER, key="a")
    server.assert_exactly_once()
    server.assert_exactly_once("a")
    found = only(server, "a")
    assert [(a.outcome, a.status) for a in found.attempts] == [
        ("created", 202),
        ("replayed", 202),
        ("refused", 400),
    ]
    assert found.orders == order_ids(api)
    assert [(m.currency, m.amount) for m in found.charged] == [("USD", "10.00")]
    assert (found.balance_moved, found.emails, found.webhooks) == ([], 0, 0)
    with pytest.raises(AssertionError, match="No request"):
        server.assert_exactly_once("never-used")


def test_a_repeated_refusal_is_told_as_such(server: MockServer, api: Api) -> None:
    """A stored 4xx or 5xx comes again, and is no order."""
    for _ in range(2):
        api.order(key="a", X_Trigger_Error="internal_server_error")
    assert [(a.outcome, a.status) for a in only(server, "a").attempts] == [
        ("refused", 500),
        ("replayed", 500),
    ]
    assert server.effects().verdict == "none"


def test_a_key_that_is_used_again_after_30_days_orders_twice(
    server: MockServer, api: Api, clock: ManualClock
) -> None:
    """The service allows it, so the key is duplicated, also where nothing is suspected."""
    api.order(key="a")
    clock.advance("P30D")
    api.order(LARGER, key="a")
    found = only(server, "a")
    assert (found.verdict, len(found.orders), found.suspected_with) == ("duplicated", 2, [])
    assert [(m.currency, m.amount) for m in found.charged] == [("USD", "30.00")]
    with pytest.raises(AssertionError, match=r"2 orders, USD 30\.00 charged"):
        server.assert_exactly_once("a", window=0)


@pytest.mark.parametrize("lost", [True, False])
@pytest.mark.parametrize(
    ("options", "longest_gap"),
    [({}, 600), ({"window": 5}, 5), ({"window": 0.000001}, 0.000001), ({"window": 10**9}, 10**9)],
)
def test_equal_bodies_within_the_window_are_suspected_or_repeated(
    clock: ManualClock, options: dict[str, Any], longest_gap: float, *, lost: bool
) -> None:
    """To the microsecond; both keys, each with the name of the other.

    The answer to the earlier order decides.
    """
    for beyond, named in ((0, [["b"], ["a"]]), (0.000001, [[], []])):
        with MockServer(clock=clock) as server:
            api = Api(server.url)
            if lost:
                lose(server, "a")
            else:
                api.order(key="a")
            clock.advance(longest_gap)
            clock.advance(beyond)
            api.order(key="b")
            api.close()
            effects = server.effects(**options)
        none: list[list[str]] = [[], []]
        assert [key.suspected_with for key in effects.keys] == (named if lost else none)
        assert [key.repeated_with for key in effects.keys] == (none if lost else named)
        assert effects.repeated == ([] if lost or beyond else ["a", "b"])
        verdict = "duplicated" if lost and not beyond else "exactly_once"
        assert {effects.verdict, *(key.verdict for key in effects.keys)} == {verdict}


def test_without_a_window_nothing_is_suspected(server: MockServer, api: Api) -> None:
    """Not even two orders at the same moment, and nothing is repeated either."""
    lose(server, "a")
    api.order(key="b")
    api.order(key="c")
    assert verdicts(server, window=0) == dict.fromkeys("abc", "exactly_once")
    server.assert_exactly_once(window=0, repeats="forbid")


def test_a_chain_of_orders_is_one_suspicion(server: MockServer, clock: ManualClock) -> None:
    """Each follows the one before within the window; no name stands there twice."""
    for key in ("a", "b", "c"):
        lose(server, key)
        clock.advance(400)
    assert [only(server, key).suspected_with for key in "abc"] == [
        ["b", "c"],
        ["a", "c"],
        ["a", "b"],
    ]
    clock.advance("P30D")
    lose(server, "a")
    assert [key.suspected_with for key in server.effects(window=10**9).keys] == [
        ["b", "c"],
        ["a", "c"],
        ["a", "b"],
    ]


def test_two_suspicions_of_one_key_are_both_told(
    server: MockServer, api: Api, clock: ManualClock
) -> None:
    """A month apart, with two different bodies."""
    lose(server, "a")
    api.order(key="b")
    clock.advance("P31D")
    lose(server, "a", HEAVY)
    api.order(LARGER, key="c")
    assert only(server, "a").suspected_with == ["b", "c"]


def test_ten_suspects_are_named(server: MockServer, api: Api) -> None:
    """Of a load test's thousands nobody reads more."""
    for number in range(15):
        api.order(key=f"told{number}")
        lose(server, f"k{number}", HEAVY)
    keys = server.effects().keys
    named = [key.suspected_with or key.repeated_with for key in keys]
    assert [len(names) for names in named] == [10] * 30
    assert all(key.idempotency_key not in names for key, names in zip(keys, named, strict=True))
    assert len(server.effects().repeated) == 15


def test_other_bodies_other_accounts_and_failures_are_not_suspected(
    server: MockServer, api: Api
) -> None:
    """What differs, what somebody else buys, and ordering again what has failed, is no double."""
    api.order(key="a", X_Trigger_Error="order_failed")
    lose(server, "b")
    api.order(LARGER, key="c")
    api.order(key="d", X_Api_Key=OTHER)
    assert verdicts(server) == dict.fromkeys("abcd", "exactly_once")
    server.assert_exactly_once()
    assert only(server, "a").charged == []
    # White space and the order of keys make no other body.
    api.order(raw=ORDER.replace(b" ", b"  "), key="e")
    assert only(server, "e").suspected_with == ["b"]


def test_an_order_that_was_made_to_fail_may_be_repeated(server: MockServer, api: Api) -> None:
    """As long as it could still succeed, it is suspected."""
    order_id = lose(server, "a")
    api.order(key="b")
    assert server.effects().verdict == "duplicated"
    server.orders.fail(order_id)
    server.assert_exactly_once(repeats="forbid")
    effects = server.effects()
    assert (effects.orders, [m.amount for m in effects.charged]) == (2, ["10.00"])


def test_accounts_are_looked_at_alone_or_together(server: MockServer, api: Api) -> None:
    """The same key of two accounts is two keys."""
    for key in (KEY, OTHER, OTHER):
        api.order(key="same", X_Api_Key=key)
    assert len({key.account for key in server.effects("same").keys}) == 2
    mine = server.account(KEY).effects()
    assert (mine.orders, len(mine.keys[0].attempts)) == (1, 1)
    theirs = server.account(OTHER).effects()
    assert (theirs.orders, len(theirs.keys[0].attempts)) == (1, 2)
    assert server.effects().orders == 2
    server.account(OTHER).assert_exactly_once("same")


def test_in_production_the_balance_moves(clock: ManualClock) -> None:
    """By what was charged, until an order fails; on the playground it never does."""
    settings: dict[str, Any] = {"balances": {"USD": "100"}, "processing": "never"}
    with MockServer(clock=clock, profile="production", **settings) as server:
        api = Api(server.url, "wg-a.secret")
        first = api.order(key="a").json()["id"]
        api.order(LARGER, key="b")
        moved = [(m.currency, m.amount) for m in server.effects().balance_moved]
        fallen = api.get("/v2/balance?currency=USD").json()["balance"]
        server.orders.fail(first)
        after = [(m.currency, m.amount) for m in server.effects().balance_moved]
        risen = api.get("/v2/balance?currency=USD").json()["balance"]
        assert only(server, "a").charged == only(server, "a").balance_moved
        api.close()
    discount = 100 - float(fallen)
    assert moved == [("USD", f"{discount:.2f}")]
    assert after == [("USD", f"{100 - float(risen):.2f}")]
    assert float(risen) > float(fallen)


def test_mails_are_counted_once(server: MockServer, api: Api) -> None:
    """Those of the order, not of its repetitions; none of an order that fails."""
    mail = {"type": "EMAIL", "email_address": "a@example.com"}
    by_mail = body(items=[item(distribution_method=mail)] * 2)
    for _ in range(2):
        order_id = api.order(by_mail, key="a", X_Send_Email="true").json()["id"]
    assert (only(server, "a").emails, server.effects().emails) == (1, 1)
    server.orders.fail(order_id)
    assert only(server, "a").emails == 0


@pytest.mark.parametrize("cap", [{"journal_requests": 2}, {"journal_bytes": 3_000}])
def test_what_the_journal_forgets_changes_no_verdict(
    clock: ManualClock, cap: dict[str, Any]
) -> None:
    """No order is forgotten, and whether its answer arrived; the story says what is missing."""
    with MockServer(clock=clock, **cap) as server:
        api = Api(server.url)
        api.order(key="a")
        server.assert_exactly_once()
        for _ in range(4):
            api.order(key="a")
        forgotten = server.effects()
        lose(server, "b", HEAVY)
        latest = server.effects()
        assert (forgotten.verdict, forgotten.complete) == ("exactly_once", True)
        assert not forgotten.keys[-1].attempts_complete
        assert latest.keys[-1].attempts_complete
        assert {attempt.outcome for attempt in forgotten.keys[-1].attempts} == {"replayed"}
        assert (latest.verdict, latest.complete) == ("exactly_once", True)
        server.assert_exactly_once()
        for number in range(4):
            api.order(LARGER, key=f"c{number}")
        with pytest.raises(AssertionError, match="The journal has forgotten the oldest requests"):
            server.assert_exactly_once()
        assert server.effects("b").keys[0].suspected_with == ["c0", "c1", "c2", "c3"]
        api.close()


def test_a_key_of_any_bytes_can_be_shown(server: MockServer) -> None:
    """What is no text is shown by its bytes, and found by that."""
    sent = message("POST", "/v2/order", ORDER, X_Idempotency_Key="KEY")
    assert exchange(server.url, sent.replace(b"KEY", b"k\xff\xfe")).status == 202
    (shown,) = [key.idempotency_key for key in server.effects().keys]
    assert shown.startswith("k\\")
    server.assert_exactly_once(shown)
    assert [entry.idempotency_key for entry in server.journal] == [shown]


def test_a_key_in_another_language_is_shown_as_it_is(server: MockServer) -> None:
    """UTF-8 is text."""
    exchange(server.url, message("POST", "/v2/order", ORDER, X_Idempotency_Key="März-ö"))
    server.assert_exactly_once("März-ö")


def test_a_reset_account_has_caused_nothing(server: MockServer, api: Api) -> None:
    """The other one's effects stay."""
    api.order(key="a")
    api.order(key="b", X_Api_Key=OTHER)
    server.account(KEY).reset()
    assert verdicts(server) == {"b": "exactly_once"}


def test_the_story_tells_every_attempt_in_order(server: MockServer, api: Api) -> None:
    """Moment, what the service did, what the client was told, and the fault that hit."""
    mail = {"type": "EMAIL", "email_address": "a@example.com"}
    by_mail = body(items=[item(distribution_method=mail)])
    server.faults.arm("status", "before", status=502)
    server.faults.arm("status", "after_commit", status=504)
    sent = message(
        "POST",
        "/v2/order",
        json.dumps(by_mail).encode(),
        X_Idempotency_Key="a",
        X_Send_Email="true",
    )
    assert [exchange(server.url, sent).status for _ in range(2)] == [502, 504]
    (order_id,) = order_ids(api)
    api.order(by_mail, key="b", X_Send_Email="true")
    with pytest.raises(AssertionError) as caught:
        server.assert_exactly_once()
    account = server.effects().keys[0].account
    told = """
key 'a' of {account}, duplicated: 1 order, USD 10.00 charged, 1 mail
  suspected to be the same purchase as 'b': the bodies are equal, and the answer to the earlier \
order did not reach the client
  #1 {at}: the service did not receive it, the client received 502; fault F-1 status before
  #2 {at}: the service created {order}, the client received 504; fault F-2 status after_commit
""".format(account=account, at="12:00:00.250000", order=order_id)
    assert told in str(caught.value)
    assert exchange(server.url, sent).status == 202
    with pytest.raises(AssertionError) as caught:
        server.assert_exactly_once(repeats="forbid")
    assert f"the service replayed {order_id}, the client received 202" in str(caught.value)


def test_keys_that_are_shown_alike_are_told_apart(server: MockServer, api: Api) -> None:
    """Each has its own verdict, although one stands for the API key in another spelling."""
    alike = [b"\xff", b"\\udcff", KEY.encode(), KEY.lower().encode()]
    for number, key in enumerate(alike):
        headers = {"X-Idempotency-Key": key}
        document = body(description=str(number))
        made = api.call("POST", "/v2/order", headers=headers, json=document)
        assert made.status_code == 202
    effects = server.effects()
    assert (effects.verdict, effects.orders) == ("exactly_once", len(alike))
    assert [len(key.orders) for key in effects.keys] == [1] * len(alike)
    assert [len(key.attempts) for key in effects.keys] == [1] * len(alike)
    assert len({key.idempotency_key for key in effects.keys}) == 2
