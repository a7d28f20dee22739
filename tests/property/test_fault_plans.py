"""Plans of faults: what the server takes, and what a person reads."""

from collections.abc import Iterable
from contextlib import suppress
from itertools import count, islice, repeat
from typing import Any

import pytest
import requests
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from runa_mock_server import MockServer
from runa_mock_server.server_state.fault_spec import PLACES, FaultSpec
from runa_schemas.strategies import FAULT_PLACES, fault_plans
from support.api import KEY, body, item

Plan = list[dict[str, Any]]

# Nothing hangs, so nobody has to wait; and one that is cut is found in few examples.
CUTS = fault_plans(kinds=("reset", "close", "status"), method="POST")
BY_METHOD = [fault_plans(method=method) for method in ("POST", "GET")]
QUICK = settings(
    max_examples=300, phases=[Phase.generate, Phase.shrink], derandomize=True, database=None
)


def test_kinds_and_places_are_the_servers() -> None:
    """The two statements of what a fault can be agree."""
    assert FAULT_PLACES == PLACES


@given(fault_plans(max_faults=5), st.one_of(BY_METHOD))
def test_a_server_takes_every_plan(plan: Plan, of_method: Plan) -> None:
    """Each fault is a valid one, no two of a plan are the same, and a method is kept to."""
    for fault in (*plan, *of_method):
        FaultSpec.model_validate(fault)
    assert len({(fault["kind"], fault["place"], fault["nth"]) for fault in plan}) == len(plan)
    assert len({fault["method"] for fault in of_method}) == 1


def orders_happen_once(plan: Plan) -> bool:
    """Whether two orders are two, by a client that retries only the first with the same key."""
    with MockServer() as server, requests.Session() as session:
        session.trust_env = False
        for fault in plan:
            server.faults.arm(**fault)
        for amount, keys in ((10, repeat("first")), (20, map(str, count()))):
            buy(session, server.base_url, body(items=[item(face_value=amount)]), keys)
        return server.effects().verdict == "exactly_once"


def buy(session: requests.Session, url: str, order: Any, keys: Iterable[str]) -> None:
    """Order, each attempt with the next key, until an answer is fine and whole."""
    for key in islice(keys, 10):
        headers = {"X-Api-Key": KEY, "X-Idempotency-Key": key}
        with suppress(requests.RequestException):
            if session.post(f"{url}/order", json=order, headers=headers, timeout=20).ok:
                return


def test_a_failing_run_shrinks_to_the_fault_that_matters() -> None:
    """Of plans of up to three faults one is left, on the attempt on which it does harm."""
    plan = find(CUTS, lambda plan: not orders_happen_once(plan), settings=QUICK)
    assert plan == [{"kind": "reset", "place": "after_commit", "nth": 2, "method": "POST"}]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"kinds": ["rest"]}, "kinds: 'rest' is none that can be used here; did you mean 'reset'"),
        ({"kinds": []}, "kinds: give at least one"),
        ({"attempts": 0}, "attempts: give a whole number from 1 to 100, not 0"),
        ({"max_faults": True}, "max_faults: give a whole number from 1 to 100, not True"),
        ({"delays": ()}, "delays: give seconds from 0 to 3600"),
        ({"delays": (-1,)}, "delays: give seconds from 0 to 3600"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], said: str) -> None:
    """What cannot be used is refused at once, by name."""
    with pytest.raises(ValueError, match=said):
        fault_plans(**arguments)
