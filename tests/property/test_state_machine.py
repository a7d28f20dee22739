"""The server against a model: any mix of calls, accounts and moments."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from requests import Response

from runa_mock_server import ManualClock, MockServer
from support.api import Api, body, item

SECOND = 1_000_000
KEY_LIFETIME = 30 * 24 * 60 * 60 * SECOND
ACCOUNTS = ("XX-first.secret", "XX-second.secret")
KEYS = ("a", "b", "c")
STEPS = (0.000001, 0.999999, 1, 60, 15 * 86_400, 31 * 86_400)


@dataclass(frozen=True)
class Request:
    """What is sent to create an order, and what comes of it where the key is new."""

    body: dict[str, Any]
    mode: str = "async"
    trigger: str | None = None
    error: str | None = None
    stored: bool = True
    outcome: str = "COMPLETED"

    @property
    def headers(self) -> Any:
        """The keyword headers of the call."""
        return {} if self.trigger is None else {"X_Trigger_Error": self.trigger}

    @property
    def fingerprint(self) -> str:
        """Equal for equal bodies."""
        return json.dumps(self.body, sort_keys=True)


ONE, TWO = body(), body(items=[item(), item(face_value=20)])
REQUESTS = (
    Request(ONE),
    Request(TWO),
    Request(ONE, mode="sync"),
    Request(ONE, trigger="order_failed", outcome="FAILED"),
    Request(TWO, mode="sync", error="invalid_execution_mode"),
    Request(body(items=[]), error="validation_error"),
    Request(body(items=[item(face_value=1)]), error="product_validation_error"),
    Request(ONE, trigger="internal_server_error", error="internal_server_error"),
    Request(TWO, trigger="insufficient_funds", error="insufficient_funds"),
    Request(ONE, trigger="no_such_error", error="bad_request", stored=False),
)


@dataclass
class Order:
    """An order that the server must know."""

    id: str
    ends_at: int
    outcome: str
    seen: bytes | None = None

    def status(self, now: int) -> str:
        """What the server must show at a moment."""
        return self.outcome if now >= self.ends_at else "PROCESSING"


@dataclass
class Stored:
    """The first answer to a key."""

    fingerprint: str
    since: int
    status: int
    content: bytes


@dataclass
class Account:
    """All that the server must know of one API key."""

    api: Api
    orders: list[Order] = field(default_factory=list)
    keys: dict[str, Stored] = field(default_factory=dict)


class Machine(RuleBasedStateMachine):
    """Calls of two accounts on one server, in a time that the machine moves."""

    orders: Bundle[tuple[str, str]] = Bundle("orders")

    @initialize()
    def start(self) -> None:
        """Run a fresh server."""
        self.clock = ManualClock()
        self.server = MockServer(clock=self.clock)
        self.server.start()
        self.accounts = {key: Account(Api(self.server.url, key)) for key in ACCOUNTS}

    def teardown(self) -> None:
        """Stop the server."""
        for account in self.accounts.values():
            account.api.close()
        self.server.close()

    @rule(
        target=orders,
        who=st.sampled_from(ACCOUNTS),
        key=st.sampled_from(KEYS),
        request=st.sampled_from(REQUESTS),
    )
    def create(self, who: str, key: str, request: Request) -> Any:
        """First answers, replays, conflicts and keys that have expired, as the model says."""
        return self.answer(who, key, request)

    @rule(
        target=orders,
        who=st.sampled_from(ACCOUNTS),
        key=st.sampled_from(KEYS),
        request=st.sampled_from(REQUESTS),
        early=st.integers(0, 1),
    )
    def create_as_key_expires(self, who: str, key: str, request: Request, early: int) -> Any:
        """A key lives to the last microsecond of its 30 days, and not one longer."""
        stored = self.accounts[who].keys.get(key)
        if stored is not None:
            left = stored.since + KEY_LIFETIME - early - self.clock.now()
            self.clock.advance(timedelta(microseconds=max(left, 0)))
        return self.answer(who, key, request)

    def answer(self, who: str, key: str, request: Request) -> Any:
        """Send a request and hold what comes back against the model."""
        account, now = self.accounts[who], self.clock.now()
        response = account.api.order(request.body, key=key, mode=request.mode, **request.headers)
        stored = account.keys.get(key)
        if stored is None or now - stored.since >= KEY_LIFETIME:
            return self.first_answer(who, key, request, response)
        if stored.fingerprint == request.fingerprint:
            assert (response.status_code, response.content) == (stored.status, stored.content)
        else:
            assert response.json()["type"] == "idempotency_validation_error"
        return multiple()

    def first_answer(self, who: str, key: str, request: Request, response: Response) -> Any:
        """Check the answer to a new key, and remember what it did."""
        account, now, answer = self.accounts[who], self.clock.now(), response.json()
        if request.stored:
            account.keys[key] = Stored(
                request.fingerprint, now, response.status_code, response.content
            )
        if request.error is not None:
            assert answer["type"] == request.error
            return multiple()
        ends_at = now if request.mode == "sync" else now + SECOND
        order = Order(answer["id"], ends_at, request.outcome)
        assert answer["status"] == order.status(now)
        assert response.status_code == (200 if request.mode == "sync" else 202)
        assert all(order.id != known.id for known in account.orders)
        account.orders.append(order)
        return who, order.id

    @rule(who=st.sampled_from(ACCOUNTS))
    def create_without_key(self, who: str) -> None:
        """Without a key nothing is ordered."""
        assert self.accounts[who].api.order(key="").status_code == 422

    @rule(seconds=st.sampled_from(STEPS))
    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    @rule(which=orders)
    def poll(self, which: tuple[str, str]) -> None:
        """An order is PROCESSING for a second, and from then on one unchanging document."""
        who, order_id = which
        account = self.accounts[who]
        (order,) = [order for order in account.orders if order.id == order_id]
        response = account.api.get(f"/v2/order/{order_id}")
        status = order.status(self.clock.now())
        assert response.status_code == 200
        assert response.json()["status"] == status
        if status != "PROCESSING":
            assert order.seen in {None, response.content}
            order.seen = response.content

    @rule(which=orders)
    def poll_as_another(self, which: tuple[str, str]) -> None:
        """Nobody sees an order of another account, in no way."""
        who, order_id = which
        (other,) = [account for key, account in self.accounts.items() if key != who]
        assert other.api.get(f"/v2/order/{order_id}").status_code == 404
        page = other.api.get(f"/v2/order?after={order_id}")
        assert page.json()["type"] == "pagination_error"

    @rule(who=st.sampled_from(ACCOUNTS), limit=st.integers(1, 4))
    def list_page_by_page(self, who: str, limit: int) -> None:
        """Paging forwards meets every order once, newest first, and ends with an empty page."""
        account = self.accounts[who]
        met: list[str] = []
        after = ""
        while True:
            page = account.api.get(f"/v2/order?limit={limit}{after}").json()
            if not page["items"]:
                break
            assert len(page["items"]) <= limit
            met += [order["id"] for order in page["items"]]
            assert len(met) <= len(account.orders), "the list has no end"
            after = f"&after={page['pagination']['cursors']['after']}"
        assert met == [order.id for order in reversed(account.orders)]

    @invariant()
    def lists_show_the_model(self) -> None:
        """Each account's list shows its orders, and only them, with the status of the moment."""
        now = self.clock.now()
        for account in self.accounts.values():
            page = account.api.get("/v2/order?limit=500").json()
            shown = [(order["id"], order["status"]) for order in page["items"]]
            wanted = [(order.id, order.status(now)) for order in reversed(account.orders)]
            assert shown == wanted


def test_server_behaves_as_the_model_does() -> None:
    """Whatever is called in whatever order, the server knows exactly what the model knows."""
    run_state_machine_as_test(
        Machine,
        settings=settings(max_examples=settings().max_examples // 4, stateful_step_count=25),
    )
