"""The server against the public model: any mix of calls, accounts and moments.

What only a double can do is added here: the model's time is the accounts' own, so each status and
each expiry is known to the microsecond.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import requests
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import multiple, rule, run_state_machine_as_test

from runa_mock_server import ManualClock, MockServer
from runa_schemas.stateful import Account, Order, Request, RunaStateMachine, Sent
from support.api import body, item

EPOCH = datetime.fromtimestamp(0, UTC)
SECOND = 1_000_000
KEY_LIFETIME = 30 * 24 * 60 * 60 * SECOND
STEPS = (0.000001, 0.999999, 1, 60, 15 * 86_400, 31 * 86_400)


def triggered(trigger: str, error: str | None = None, **changes: Any) -> Request:
    """A good order that asks for an error."""
    return Request(body(), headers={"X-Trigger-Error": trigger}, error=error, **changes)


FAILING = triggered("order_failed", outcome="FAILED")
REFUSED = (
    triggered("internal_server_error", "internal_server_error"),
    triggered("insufficient_funds", "insufficient_funds"),
    triggered("no_such_error", "bad_request", is_kept=False),
    Request(
        body(items=[item(), item()]),
        headers={"X-Execution-Mode": "sync"},
        error="invalid_execution_mode",
    ),
)


class Machine(RunaStateMachine):
    """Calls of two accounts on a fresh server, in a time that the machine moves."""

    api_keys = ("XX-first.secret", "XX-second.secret")
    orders: ClassVar[st.SearchStrategy[Request]] = RunaStateMachine.orders | st.just(FAILING)
    refusals: ClassVar[st.SearchStrategy[Request]] = RunaStateMachine.refusals | st.sampled_from(
        REFUSED
    )

    def __init__(self) -> None:
        self.server = MockServer(clock=ManualClock())
        self.server.start()
        self.base_url = self.server.base_url
        super().__init__()
        self.hands = {
            account: self.server.account(key)
            for account, key in zip(self.accounts, self.api_keys, strict=True)
        }

    def teardown(self) -> None:
        """Stop the server."""
        super().teardown()
        self.server.close()

    def now(self, account: Account) -> int:
        """The account's time."""
        return (self.hands[account].clock.now() - EPOCH) // timedelta(microseconds=1)

    def statuses(self, order: Order) -> set[str]:
        """An order is PROCESSING for a second, one in sync mode not at all."""
        delay = 0 if order.request.is_sync else SECOND
        if self.now(order.account) < order.accepted_at + delay:
            return {"PROCESSING"}
        return {order.request.outcome or "COMPLETED"}

    @rule(seconds=st.sampled_from(STEPS))
    def advance(self, seconds: float) -> None:
        """Let time pass for everybody."""
        self.server.clock.advance(seconds)

    def move_clock(self, account: Account, seconds: float) -> None:
        """Let time pass for one account."""
        self.hands[account].clock.advance(seconds)

    def arm_faults(self, account: Account, plan: list[dict[str, Any]]) -> None:
        """Have the next orders of one account fail."""
        for fault in plan:
            self.hands[account].faults.arm(**fault)

    def clear_faults(self, account: Account) -> None:
        """Take the faults of one account away."""
        self.hands[account].faults.clear()

    @rule(
        target=RunaStateMachine.placed,
        earlier=RunaStateMachine.placed | RunaStateMachine.refused,
        early=st.integers(0, 1),
    )
    def repeat_as_the_key_expires(self, earlier: Sent, early: int) -> Any:
        """A key lives to the last microsecond of its 30 days, and not one longer."""
        kept = earlier.account.keys.get(earlier.key)
        if kept is not None:
            left = kept.since + KEY_LIFETIME - early - self.now(earlier.account)
            self.hands[earlier.account].clock.advance(timedelta(microseconds=max(left, 0)))
        order = self.order(earlier.account, earlier.key, earlier.request)
        return multiple() if order is None else order

    @rule(account=RunaStateMachine.anybody)
    def move(self, account: Account) -> None:
        """An account that is taken out, and put back after a reset, is as it was."""
        hand = self.hands[account]
        state = hand.export_state()
        hand.reset()
        hand.import_state(state)


def test_server_behaves_as_the_model_does() -> None:
    """Whatever is called in whatever order, the server knows exactly what the model knows."""
    run_state_machine_as_test(
        Machine,
        settings=settings(max_examples=settings().max_examples // 4, stateful_step_count=25),
    )


class _Broken(Account):
    """An account whose calls are tampered with on their way."""

    attempts = 0

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        if method == "POST" and "X-Idempotency-Key" in (options.get("headers") or {}):
            type(self).attempts += 1
            options["headers"] = {
                **options["headers"],
                "X-Idempotency-Key": f"k-{self.attempts}",
            }
        return super().call(method, path, **options)
