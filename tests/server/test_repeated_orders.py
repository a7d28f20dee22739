"""Equal bodies under different keys: a purchase made twice, or two purchases.

What the client knew of the earlier order decides.
"""

import json
from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import ControlRefusedError, MockServer
from support.api import KEY, Api, body, item
from support.effects import lose, only, verdicts
from support.raw import ORDER, connection, message, reply_on, rest_of
from support.waiting import until

LARGER = body(items=[item(face_value=20)])
HEAVY = json.dumps(LARGER).encode()


def test_a_load_test_of_one_body_is_exactly_once(server: MockServer, api: Api) -> None:
    """Each answer arrived, so the orders are meant; `repeats` refuses them where they are not."""
    for number in range(20):
        api.order(key=f"k{number}")
    server.assert_exactly_once()
    server.assert_exactly_once("k7")
    assert server.effects().repeated == [f"k{number}" for number in range(20)]
    for key in (None, "k7"):
        with pytest.raises(AssertionError, match="repeated with 'k"):
            server.assert_exactly_once(key, repeats="forbid")


@pytest.mark.parametrize("options", [{}, {"repeats": "forbid"}, {"window": 5}])
def test_a_failure_names_what_can_be_chosen(server: MockServer, options: Any) -> None:
    """Whoever is told of two purchases that were meant finds the arguments in the message."""
    with pytest.raises(AssertionError) as caught:
        server.assert_exactly_once(**options)
    chosen = {"window": 600, "repeats": "allow"} | options
    for name, value in chosen.items():
        assert f"{name}={value!r}" in str(caught.value)


def test_another_choice_of_repeats_is_refused(server: MockServer) -> None:
    """The error names the argument and what it may be."""
    with pytest.raises(ValueError, match="repeats: must be 'allow' or 'forbid', not 'no'"):
        server.assert_exactly_once(repeats="no")  # type: ignore[arg-type] # refused at run time, too


class Placed(NamedTuple):
    """An order of a drawn history: seconds since the one before, its body, whether it was lost."""

    gap: int
    raw: bytes
    is_lost: bool


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[MockServer, Api]]:
    """A server for many histories, and a client of it."""
    with MockServer(clock="manual", journal_requests=3) as server:
        api = Api(server.url)
        yield server, api
        api.close()


@given(
    st.lists(
        st.builds(
            Placed, st.sampled_from([0, 400, 601]), st.sampled_from([ORDER, HEAVY]), st.booleans()
        ),
        max_size=7,
    )
)
def test_of_two_orders_the_answer_to_the_earlier_decides(
    shared: tuple[MockServer, Api], history: list[Placed]
) -> None:
    """However small the journal; once each key has had its answer, everything is repeated."""
    server, api = shared
    server.reset()
    times: list[int] = []
    for number, placed in enumerate(history):
        server.clock.advance(placed.gap)
        times.append(placed.gap + (times[-1] if times else 0))
        if placed.is_lost:
            lose(server, str(number), placed.raw)
        else:
            api.order(raw=placed.raw, key=str(number))
    pairs = [
        (first, second)
        for first, second in combinations(range(len(history)), 2)
        if history[first].raw == history[second].raw
        and all(
            later - earlier <= 600
            for earlier, later in pairwise(
                times[n] for n in range(first, second + 1) if history[n].raw == history[first].raw
            )
        )
    ]
    suspected = [pair for pair in pairs if history[pair[0]].is_lost]
    repeated = [pair for pair in pairs if not history[pair[0]].is_lost]
    effects = server.effects()
    for number, key in enumerate(effects.keys):
        assert {*key.suspected_with} == partners(number, suspected)
        assert {*key.repeated_with} == partners(number, repeated)
        assert key.verdict == ("duplicated" if key.suspected_with else "exactly_once")
        assert bool(key.undelivered) == history[number].is_lost
    assert (len(effects.keys), effects.complete) == (len(history), True)
    for number, placed in enumerate(history):
        api.order(raw=placed.raw, key=str(number))
    effects = server.effects()
    assert effects.verdict == ("exactly_once" if history else "none")
    assert effects.repeated == [
        str(number) for number in range(len(history)) if partners(number, pairs)
    ]


def partners(number: int, pairs: list[tuple[int, int]]) -> set[str]:
    """The keys that share a pair with an order."""
    return {str(n) for pair in pairs if number in pair for n in pair if n != number}


@pytest.mark.parametrize(
    ("kind", "place", "fields"),
    [
        ("delay", "inside", {"delay": 0.001}),
        ("delay", "after_commit", {"delay": 0.001}),
        ("slow", "in_body", {"delay": 0.001}),
    ],
)
def test_an_answer_that_comes_late_has_come(
    server: MockServer, api: Api, kind: Any, place: Any, fields: Any
) -> None:
    """The client waited for all of it, so ordering again is meant."""
    server.faults.arm(kind, place, **fields)
    api.order(key="a")
    until(lambda: not only(server, "a").undelivered)
    api.order(key="b")
    server.assert_exactly_once()
    assert server.effects().repeated == ["a", "b"]


@pytest.mark.parametrize("place", ["after_commit", "in_body"])
def test_an_answer_that_hangs_has_not_come_until_it_is_let_go(
    server: MockServer, api: Api, place: Any
) -> None:
    """Meanwhile the same body under another key is suspected."""
    fault = server.faults.arm("hang", place)
    with connection(server.url) as held:
        held.sendall(message("POST", "/v2/order", ORDER, X_Idempotency_Key="a"))
        until(lambda: fault.struck == 1)
        api.order(key="b")
        assert verdicts(server) == {"a": "duplicated", "b": "duplicated"}
        fault.remove()
        assert reply_on(held).status == 202
    until(lambda: not only(server, "a").undelivered)
    server.assert_exactly_once()


@pytest.mark.parametrize("place", ["before", "inside"])
def test_an_order_that_was_held_up_came_before_the_one_that_overtook_it(
    server: MockServer, api: Api, place: Any
) -> None:
    """The client gave up and ordered again, and only then the first order was made."""
    fault = server.faults.arm("delay", place, delay=3_600)
    with connection(server.url) as opened:
        opened.sendall(message("POST", "/v2/order", ORDER, X_Idempotency_Key="a"))
        until(lambda: fault.struck == 1)
    api.order(key="b")
    fault.remove()
    until(lambda: len(server.orders) == 2)
    assert verdicts(server) == {"b": "duplicated", "a": "duplicated"}
    api.order(LARGER, key="c")
    lose(server, "d", HEAVY)
    assert only(server, "d").repeated_with == ["c"]
    assert only(server, "d").verdict == "exactly_once"


def test_a_replay_that_is_lost_takes_nothing_back(server: MockServer, api: Api) -> None:
    """The client had the first answer."""
    api.order(key="a")
    server.faults.arm("reset", "after_commit")
    with connection(server.url) as opened:
        opened.sendall(message("POST", "/v2/order", ORDER, X_Idempotency_Key="a"))
        assert rest_of(opened).end == "reset"
    api.order(key="b")
    server.assert_exactly_once()
    assert only(server, "a").undelivered == []


def test_an_imported_account_knows_which_answers_were_lost(server: MockServer, api: Api) -> None:
    """Its effects are the same, but for the attempts; an order that is not there is refused."""
    lose(server, "a")
    api.order(key="b")
    api.order(LARGER, key="c")
    api.order(LARGER, key="d")
    account = server.account(KEY)
    before = account.effects()
    state = account.export_state()
    account.import_state(state)
    after = account.effects()
    assert [key.attempts_complete for key in after.keys] == [False] * 4
    untold: Any = {"attempts", "attempts_complete"}
    shown = [
        [key.model_dump(exclude=untold) for key in effects.keys] for effects in (before, after)
    ]
    assert shown[0] == shown[1]
    assert (after.verdict, after.complete, after.repeated) == ("duplicated", True, ["c", "d"])
    for kept in state["orders"]:
        kept["key"] = None
    account.import_state({**state, "answers": []})
    assert not account.effects().complete
    with pytest.raises(ControlRefusedError, match="undelivered"):
        account.import_state({**state, "undelivered": ["O-unknown"]})
