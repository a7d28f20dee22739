"""The crash-point walk: whatever fails, and wherever, the clients of the project order once.

A naive client, which retries with a new key, shows that the verdict would tell.
"""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from runa_client import Backoff, RetryPolicy, RunaCallError, RunaClient, Timeout, item, single
from runa_mock_server import ManualClock, MockServer
from runa_mock_server.server_state.fault_spec import PLACES
from runa_schemas.strategies import fault_plans
from support.api import KEY, body
from support.clients import make_client
from support.waiting import until

ORDER = [item(10, products=single("1800FL-US"))]
POINTS = [(kind, place) for kind, places in PLACES.items() for place in places]
IMPATIENT = 0.06  # seconds until a client gives an answer up
ATTEMPTS = 100
SHORT, LONG = 0.005, 30.0
LATE_INSIDE = IMPATIENT + 0.04  # the key is in progress until it is over, whoever has given up

# The order is stored and the client does not hear of it: nothing at all, too late, or unreadable.
UNHEARD = {
    *[
        (kind, place)
        for kind in ("reset", "close", "hang")
        for place in ("after_commit", "in_body")
    ],
    ("hang", "inside"),  # the service goes on when the client has gone
    ("status", "after_commit"),
    ("malformed_json", "after_commit"),
}
TOO_LATE = {("delay", "inside"), ("delay", "after_commit"), ("slow", "in_body")}


class Point(NamedTuple):
    """Where something goes wrong, and whether later than anybody waits for."""

    kind: str
    place: str
    late: bool = False

    @property
    def is_unheard(self) -> bool:
        """Whether the order is stored and the client does not hear of it."""
        return self[:2] in UNHEARD or (self.late and self[:2] in TOO_LATE)

    @property
    def takes_patience(self) -> bool:
        """Whether a client has to give up before it goes on."""
        return self.late or self.kind == "hang"


WALK = [
    *[Point(kind, place) for kind, place in POINTS],
    *[Point(kind, place, late=True) for kind, place in POINTS if kind in ("delay", "slow")],
]
# The two clients share all but the sending, so on a poll each fault meets one of them.
POLLS = [point for point in WALK if point.place != "inside"]


def impatient(kind: str, server: MockServer, clock: ManualClock, stack: ExitStack) -> RunaClient:
    """A client that gives each answer up soon, and tries often."""
    return make_client(
        kind,
        server,
        clock,
        stack,
        timeout=Timeout(connect=5, read=IMPATIENT),
        retry=RetryPolicy(attempts=ATTEMPTS, backoff=Backoff(base=0.25)),
    )


@pytest.fixture(params=["sync", "async"])
def client(
    request: pytest.FixtureRequest, server: MockServer, clock: ManualClock
) -> Iterator[RunaClient]:
    """An impatient client of either kind."""
    with ExitStack() as stack:
        yield impatient(request.param, server, clock, stack)


def arm(scope: Any, point: Point, **fields: Any) -> Any:
    """A fault whose delay, where it has one, is short, or longer than anybody waits."""
    if point.kind in ("delay", "slow"):
        late = LATE_INSIDE if point.place == "inside" else LONG
        fields["delay"] = late if point.late else SHORT
    return scope.faults.arm(point.kind, point.place, **fields)


class Naive:
    """A client as many are: it retries whatever fails, each time with a new key.

    Args:
        server: the server to call.
        first_wait: the seconds for which it waits for the first answer; for later ones longer,
            for a machine may be slow.
    """

    def __init__(self, server: MockServer, first_wait: float = 20) -> None:
        self._url = server.base_url
        self._waits = [first_wait, 20, 20, 20, 20]
        self._session = requests.Session()
        self._session.trust_env = False

    def buy(self) -> None:
        """Order, until a 2xx with JSON comes."""
        for wait in self._waits:
            headers = {"X-Api-Key": KEY, "X-Idempotency-Key": str(uuid4())}
            try:
                answer = self._session.post(
                    f"{self._url}/order", json=body(), headers=headers, timeout=(5, wait)
                )
                if answer.ok and answer.json()["id"]:
                    return
            except (requests.RequestException, ValueError):
                continue

    def close(self) -> None:
        """Close its connections."""
        self._session.close()


@pytest.mark.parametrize("point", WALK, ids=str)
def test_our_client_orders_once(server: MockServer, client: RunaClient, point: Point) -> None:
    """One order, whose receipt the client has, and one fault that struck."""
    fault = arm(server, point, method="POST")
    receipt = client.create_order(ORDER, currency="USD", idempotency_key="one")
    assert fault.struck == 1
    server.assert_exactly_once("one")
    effects = server.effects()
    assert [key.orders for key in effects.keys] == [[receipt.id]]
    assert client.wait_for_order(receipt, timeout=60).status == "COMPLETED"


@pytest.mark.parametrize("point", WALK, ids=str)
def test_a_naive_client_is_caught(server: MockServer, point: Point) -> None:
    """Exactly where the order was stored and the client did not hear, and the story says why."""
    fault = arm(server, point)
    with closing(Naive(server, IMPATIENT if point.takes_patience else 20)) as naive:
        naive.buy()
    assert fault.struck == 1
    until(lambda: len(server.orders) == 1 + point.is_unheard)  # what is late comes in the end
    effects = server.effects()
    if not point.is_unheard:
        assert (effects.verdict, effects.orders) == ("exactly_once", 1)
        return
    assert (effects.verdict, effects.orders) == ("duplicated", 2)
    with pytest.raises(AssertionError) as caught:
        server.assert_exactly_once()
    story = str(caught.value)
    for key in effects.keys:
        assert key.verdict == "duplicated"
        assert repr(key.idempotency_key) in story
        assert f"the service created {key.orders[0]}" in story
    (hit,) = [line for line in story.splitlines() if "fault" in line]
    (clean,) = [line for line in story.splitlines() if "received 202" in line and line != hit]
    assert hit.endswith(f"fault {fault.id} {point.kind} {point.place}")
    assert clean.endswith("the client received 202")
    heard_something = point.place == "in_body" or point.kind in ("status", "malformed_json")
    assert ("received no response" in hit) != heard_something


def test_a_naive_client_that_gives_up_has_ordered_nothing(server: MockServer) -> None:
    """Where nothing ever comes through, the verdict is `none`."""
    arm(server, Point("status", "before"), times=None)
    with closing(Naive(server)) as naive:
        naive.buy()
    assert (server.effects().verdict, len(server.effects().keys)) == ("none", 5)
    with pytest.raises(AssertionError, match="did not receive it, the client received 503"):
        server.assert_exactly_once()


@pytest.mark.parametrize(
    ("point", "client"),
    [(point, ("sync", "async")[number % 2]) for number, point in enumerate(POLLS)],
    ids=str,
    indirect=["client"],
)
def test_a_poll_that_fails_is_repeated(
    server: MockServer, client: RunaClient, point: Point
) -> None:
    """Waiting for an order survives every fault, two times in a row."""
    receipt = client.create_order(ORDER, currency="USD", idempotency_key="one")
    fault = arm(server, point, path="/v2/order/*", times=2)
    order = client.wait_for_order(receipt, timeout=60)
    assert (order.status, fault.struck, len(order.urls)) == ("COMPLETED", 2, 1)
    server.assert_exactly_once("one")


def test_delayed_inside_and_then_cut(server: MockServer, client: RunaClient) -> None:
    """Of the two faults on one request both strike; the retry finds the answer, or waits for it."""
    arm(server, Point("delay", "inside", late=True))
    arm(server.account(KEY), Point("reset", "after_commit"))
    receipt = client.create_order(ORDER, currency="USD", idempotency_key="one")
    server.assert_exactly_once("one")
    attempts = server.effects("one").keys[0].attempts
    (hit,) = [attempt for attempt in attempts if attempt.outcome == "created"]
    assert hit.faults == ["F-2 reset after_commit", "F-1 delay inside"]
    assert (hit.status, hit.order_id) == (None, receipt.id)


def test_an_answer_that_the_key_is_in_progress_can_be_garbled(
    server: MockServer, client: RunaClient
) -> None:
    """What is left of it is a 400 that says nothing: the client asks again with the same key."""
    arm(server, Point("delay", "inside", late=True))
    arm(server, Point("malformed_json", "after_commit"), times=2)
    receipt = client.create_order(ORDER, currency="USD", idempotency_key="one")
    server.assert_exactly_once("one")
    assert [order.id for order in server.orders] == [receipt.id]


# Late inside outlasts everybody's patience, in every place.
@given(
    plan=fault_plans(delays=(SHORT, LATE_INSIDE)),
    of_account=st.lists(st.booleans(), min_size=3, max_size=3),
    kind=st.sampled_from(["sync", "async"]),
)
@settings(max_examples=25)
def test_no_plan_of_faults_makes_our_client_order_twice(
    plan: list[dict[str, Any]], of_account: list[bool], kind: str
) -> None:
    """Whatever three faults hit the first attempts: one order, and the client knows it."""
    clock = ManualClock()
    with MockServer(clock=clock) as server, ExitStack() as stack:
        client = impatient(kind, server, clock, stack)
        for fault, is_its_own in zip(plan, of_account, strict=False):
            (server.account(KEY) if is_its_own else server).faults.arm(**fault)
        receipt = client.create_order(ORDER, currency="USD", idempotency_key="one")
        server.assert_exactly_once("one")
        assert [order.id for order in server.orders] == [receipt.id]


def test_a_client_without_hope_says_how_to_go_on(server: MockServer, client: RunaClient) -> None:
    """Its error carries the key, and with it the order is found later: once."""
    arm(server, Point("reset", "after_commit"), times=ATTEMPTS)
    with pytest.raises(RunaCallError) as caught:
        client.create_order(ORDER, currency="USD")
    assert caught.value.safe_to_retry
    assert len(server.effects().keys[0].attempts) == ATTEMPTS
    client.create_order(ORDER, currency="USD", idempotency_key=caught.value.idempotency_key)
    server.assert_exactly_once()
