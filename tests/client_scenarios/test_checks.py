"""What the checks find, and what they do not: clients of every habit, in every scenario."""

from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import MockServer
from runa_mock_server.testing import SCENARIOS, Pace, ScenarioRun, run_scenario
from support.api import body

# A silence ends before the client's timeout; one that hangs is waited for, and that is found.
PACE = Pace(slow=0.001, long_processing=4, silence=0.001, hang=0.001)
LOST_ANSWERS = {"reset-after-commit", "cut-body", "replay-after-completion"}
LOST_REQUESTS = {"reset-before-commit", "unavailable", "rate-limited"}
LOST_TWICE = {"lost-twice", "second-fault"}
REFUSALS = {"no-funds", "sold-out", "invalid", "revoked-key"}
HANGS = {"hang-before-commit", "hang-after-commit"}
_KEYS = count()


class Habits(NamedTuple):
    """How a client is."""

    new_key_for_retry: bool = False
    repeats_refused: bool = False
    pause_after_429: float = 5.0
    pause_of_looks: float = 0.5
    pins_version: bool = True
    gives_up: bool = False
    orders: int = 1


class Client:
    """A client with habits, for which the account's time passes while it waits."""

    def __init__(self, played: ScenarioRun, habits: Habits) -> None:
        self._played = played
        self._habits = habits
        self._session = requests.Session()
        self._session.trust_env = False

    def send(self, method: str, path: str, **options: Any) -> requests.Response | None:
        """One request; `None` if no whole answer comes."""
        headers = {"X-Api-Key": self._played.api_key, **options.pop("headers", {})}
        if self._habits.pins_version:
            headers["X-Api-Version"] = "2024-02-05"
        url = self._played.base_url + path
        try:
            return self._session.request(method, url, headers=headers, timeout=10, **options)
        except requests.RequestException:
            return None

    def order(self, document: Any, key: str) -> requests.Response | None:
        """One try to place an order."""
        return self.send("POST", "/order", json=document, headers={"X-Idempotency-Key": key})

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._played.account.clock.advance(seconds)

    def shop(self) -> None:
        """Place the orders, different ones, and look at each until it has ended."""
        with self._session:
            for number in range(self._habits.orders):
                order_id = self._placed(body(description=f"order {number}"))
                while order_id is not None and not self._has_ended(order_id):
                    self.wait(self._habits.pause_of_looks)

    def _placed(self, document: Any) -> str | None:
        key = f"key-{next(_KEYS)}"
        repeats_refused = self._habits.repeats_refused
        for _ in range(1 if self._habits.gives_up else 4):
            answer = self.order(document, key)
            if answer is not None and answer.status_code == 202:
                return str(answer.json()["id"])
            if answer is not None and answer.status_code == 429:
                self.wait(self._habits.pause_after_429)
            elif answer is not None and answer.status_code < 500 and not repeats_refused:
                return None
            if self._habits.new_key_for_retry:
                key = f"key-{next(_KEYS)}"
        return None

    def _has_ended(self, order_id: str) -> bool:
        answer = self.send("GET", f"/order/{order_id}")
        return (
            answer is not None
            and answer.status_code == 200
            and answer.json()["status"] != "PROCESSING"
        )


def expected(name: str, habits: Habits) -> set[str]:
    """The checks that a client with such habits fails in a scenario."""
    found = set()
    if habits.gives_up and name in LOST_REQUESTS:
        found.add("recovered")
    if habits.new_key_for_retry and not habits.gives_up:
        retried = LOST_REQUESTS | LOST_ANSWERS | LOST_TWICE | {"other-texts"}
        found |= {"kept_key"} if name in retried else set()
        found |= {"ordered_once"} if name in LOST_ANSWERS | LOST_TWICE else set()
    if name == "rate-limited" and habits.pause_after_429 < 5 and not habits.gives_up:
        found.add("waited_after_429")
    if name == "other-texts" and (habits.gives_up or habits.pause_after_429 < 5):
        found.add("ignored_texts")  # nothing shows that the client does so without other texts, too
    if name == "no-funds-other-texts" and habits.repeats_refused and not habits.gives_up:
        found.add("ignored_texts")
    if name in HANGS:
        found.add("timed_out")
    if name in REFUSALS and habits.repeats_refused and not habits.gives_up:
        found.add("final_is_final")
    if name in {"clean", "long-processing"} and habits.pause_of_looks < 0.2:
        found.add("polled_politely")
    if name == "clean" and not habits.pins_version:
        found.add("pinned_version")
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    """A server whose time stands still, so that a client's pauses are what they are."""
    with MockServer(clock="manual") as running:
        yield running


HABITS = st.builds(
    Habits,
    new_key_for_retry=st.booleans(),
    repeats_refused=st.booleans(),
    pause_after_429=st.sampled_from([5.0, 4.9, 0.0]),
    pause_of_looks=st.sampled_from([0.5, 0.21, 0.19]),
    pins_version=st.booleans(),
    gives_up=st.booleans(),
    orders=st.integers(1, 2),
)


@given(name=st.sampled_from(list(SCENARIOS)), habits=HABITS)
def test_each_habit_is_found_where_it_shows_and_nowhere_else(
    server: MockServer, name: str, habits: Habits
) -> None:
    """Each scenario shows the bad habits that it is made for, and a good client passes all."""
    played = run_scenario(server, name, PACE)
    Client(played, habits).shop()
    problems = played.problems(habits.orders)
    # After some seconds of waiting even four looks a second are many.
    steady = name == "long-processing" and habits.pause_of_looks < 0.5
    assert {*problems} == expected(name, habits) | ({"polled_politely"} if steady else set())


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_client_that_never_calls_is_found(server: MockServer, name: str) -> None:
    """No request is the first that is told, with the variables that lead to the mock."""
    with pytest.raises(AssertionError, match=r"called: no request.* RUNA_BASE_URL"):
        run_scenario(server, name, PACE).check()


def test_a_key_is_for_one_order(server: MockServer) -> None:
    """The same key for another order, or again after a good answer, orders nothing."""
    again, other = run_scenario(server, "clean", PACE), run_scenario(server, "clean", PACE)
    for played, second in ((again, body()), (other, body(description="another"))):
        client = Client(played, Habits())
        client.order(body(), "k")
        client.order(second, "k")
    assert "after a successful response" in again.problems()["fresh_key"]
    assert "for another order" in other.problems()["fresh_key"]


def test_the_same_order_twice_may_be_meant(server: MockServer) -> None:
    """Two orders with one body and two keys are two purchases, where that many were to come."""
    played = run_scenario(server, "clean", PACE)
    client = Client(played, Habits())
    for key in ("one", "two"):
        client.order(body(), key)
    assert played.problems(orders=2) == {}
    assert played.problems(orders=None) == {}
    assert "2 orders instead of 1" in played.problems(orders=1)["ordered_once"]


@pytest.mark.parametrize("name", sorted(LOST_ANSWERS))
def test_the_same_order_twice_may_be_meant_although_an_answer_was_lost(
    server: MockServer, name: str
) -> None:
    """The retry has the same key and gets its answer; the next order has a new key."""
    played = run_scenario(server, name, PACE)
    client = Client(played, Habits())
    for key in ("one", "one", "two"):
        client.order(body(), key)
    assert played.account.effects().orders == 2
    for orders in (2, None):
        assert played.problems(orders=orders) == {}
    assert {*played.problems(orders=1)} == {"ordered_once", "kept_key"}


def test_another_order_need_not_wait_for_one_that_was_limited(server: MockServer) -> None:
    """Of two equal orders at once, one is told to wait; the other is no retry of it."""
    played = run_scenario(server, "rate-limited", PACE)
    client = Client(played, Habits())
    client.order(body(), "one")
    client.order(body(), "two")
    client.wait(5)
    client.order(body(), "one")
    assert played.problems(orders=2) == {}
    assert {*played.problems(orders=1)} == {"ordered_once", "kept_key", "waited_after_429"}


def test_a_suspected_double_is_told_without_a_number(server: MockServer) -> None:
    """Where nobody says how many orders there should be, equal bodies after a fault tell."""
    played = run_scenario(server, "reset-after-commit", PACE)
    Client(played, Habits(new_key_for_retry=True)).shop()
    assert {*played.problems(orders=None)} == {"ordered_once", "kept_key"}


def test_a_corrected_order_is_no_retry(server: MockServer) -> None:
    """After a refusal another body under a new key is what the provider advises."""
    played = run_scenario(server, "invalid", PACE)
    client = Client(played, Habits())
    client.order(body(), "one")
    client.order(body(description="corrected"), "two")
    played.check()


def test_pages_of_the_list_are_no_hammering(server: MockServer) -> None:
    """Different pages at once are a walk; the same one over and over is not."""
    played = run_scenario(server, "clean", PACE)
    client = Client(played, Habits())
    client.order(body(), "k")
    for limit in range(1, 9):
        client.send("GET", f"/order?limit={limit}")
    played.check()
    for _ in range(6):
        client.send("GET", "/order?limit=1")
    assert {*played.problems()} == {"polled_politely"}


def test_a_problem_comes_with_its_evidence(server: MockServer) -> None:
    """The assertion names scenario and check, and shows the requests with their pauses."""
    played = run_scenario(server, "rate-limited", PACE)
    Client(played, Habits(pause_after_429=0.25)).shop()
    with pytest.raises(AssertionError) as caught:
        played.check()
    told = str(caught.value)
    assert told.startswith("rate-limited (429 once")
    assert "waited_after_429: it retried 0.250 s after a 429; the provider asks for 5 s" in told
    assert ": 429 (fault: rate_limit before)\n  +0.250 s" in told
    assert played.api_key not in told


def test_an_unknown_scenario_is_refused(server: MockServer) -> None:
    """The refusal names those that there are."""
    with pytest.raises(ValueError, match=r"no scenario 'rest'; there are clean, reset-before"):
        run_scenario(server, "rest")


@pytest.mark.parametrize("seconds", [-1, 601, float("nan"), float("inf")])
def test_an_impossible_pace_is_refused(seconds: float) -> None:
    """The refusal names the field."""
    with pytest.raises(ValueError, match=r"slow: must be 0 to 600 seconds"):
        Pace(slow=seconds)
