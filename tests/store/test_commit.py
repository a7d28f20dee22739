"""A commit does all or nothing, whichever of its writes fails, for every operation."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import orjson
import pytest

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.catalogue.catalogue import built_in
from runa_mock_server.config.settings import make_settings
from runa_mock_server.contract.processing import parse_processing
from runa_mock_server.orders.cards import Card
from runa_mock_server.orders.commit import Commit
from runa_mock_server.orders.order import Part
from runa_mock_server.orders.payouts import ClaimError
from runa_mock_server.orders.placing import OrderRequest, place
from runa_mock_server.orders.redemption import RedemptionRefusedError
from runa_mock_server.orders.terms import OrderOptions
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.effects import effects_of
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.server_state.snapshots import export_account
from runa_mock_server.store.memory import AccountState
from runa_mock_server.web.checks import UNDER_THE_KEY
from support.answers import order_ids
from support.api import Api, body, item

PAID_KEY = "wg-shop.secret"
DEAR = item(face_value=100)
START = datetime(2026, 3, 14, 12, tzinfo=UTC)
CARD = next(
    product["code"]
    for product in built_in().products
    if (product["payout_type"], product["currency"]) == ("payment", "USD")
)
MAILED = item(distribution_method={"type": "EMAIL", "email_address": "a@b.example"})
VISA = item(
    products={"type": "SINGLE", "value": CARD},
    distribution_method={
        "type": "RECIPIENT",
        "email_address": "a@b.example",
        "recipient_reference": "me",
    },
)


class WriteFailedError(Exception):
    """A write that was made to fail."""


class Countdown:
    """Fails one write of all that follow.

    Attributes:
        left: how many writes succeed before it; negative: none fails.
    """

    left = -1

    def __call__(self) -> None:
        """Count one write."""
        self.left -= 1
        if self.left == -1:
            raise WriteFailedError


class FailingDict(dict[Any, Any]):
    """A dict whose writes count."""

    countdown: Countdown

    def __setitem__(self, key: Any, value: Any) -> None:
        self.countdown()
        super().__setitem__(key, value)

    def pop(self, key: Any, *default: Any) -> Any:
        """Remove a key, if that does not fail."""
        self.countdown()
        return super().pop(key, *default)


class FailingBytes(bytearray):
    """A bytearray whose growth counts."""

    countdown: Countdown

    def extend(self, more: Any, /) -> None:
        """Grow, if that does not fail."""
        self.countdown()
        super().extend(more)


def arm(state: AccountState) -> Countdown:
    """Have every store of an account count its writes, and the listeners too."""
    countdown = Countdown()
    for name in AccountState.__slots__:
        value = getattr(state, name)
        failing: FailingDict | FailingBytes
        if isinstance(value, dict):
            failing = FailingDict(value)
        elif isinstance(value, bytearray):
            failing = FailingBytes(value)
        else:
            continue
        failing.countdown = countdown
        setattr(state, name, failing)
    state.order_changed = lambda _id, _ends_at: countdown()
    state.mails_changed = lambda _id: countdown()
    return countdown


class Scene(NamedTuple):
    """An account on which an operation can be tried."""

    account: Account
    clock: ManualClock

    def order(self, document: Any, key: str = "k", **options: Any) -> bytes:
        """Place an order, as the service does; the body of the answer."""
        terms, now = self.account.orders.terms, self.account.clock.now()
        raw, asked = orjson.dumps(document), OrderOptions(**options)
        request = OrderRequest(key, raw, asked, terms, now)
        answer = self.account.state.commit(partial(place, request, UNDER_THE_KEY)).answer
        assert answer is not None
        return answer.body

    def placed(self, document: Any, rule: str, **options: Any) -> str:
        """Place an order that is processed by a rule; its id."""
        processing = parse_processing(rule)
        made = orjson.loads(self.order(document, "before", processing=processing, **options))
        return str(made["id"])

    def token(self, order_id: str) -> str:
        """The token of the order's first link."""
        order = self.account.state.order(order_id)
        assert order is not None
        return self.account.orders.payouts_of(order)[0].token


def scene() -> Scene:
    """A production account with money."""
    clock = ManualClock(START)
    settings = make_settings(profile="production", balances={"USD": 1000}, rate_limit=100, seed=1)
    return Scene(ServerState(settings, clock).account(PAID_KEY), clock)


def _complete(at: Scene) -> Callable[[], object]:
    return partial(at.account.orders.complete, at.placed(body(items=[MAILED]), "never"))


def _fail(at: Scene) -> Callable[[], object]:
    return partial(at.account.orders.fail, at.placed(body(items=[MAILED]), "never"), "because")


def _hold(at: Scene) -> Callable[[], object]:
    return partial(at.account.orders.hold, at.placed(body(items=[MAILED]), "seconds:9"))


def _read(reads: int) -> Callable[[Scene], Callable[[], object]]:
    def prepare(at: Scene) -> Callable[[], object]:
        order_id = at.placed(body(), f"reads:{reads}")
        return partial(at.account.orders.read, order_id, links="http://mock/payout/")

    return prepare


def _claim(at: Scene) -> Callable[[], object]:
    token = at.token(at.placed(body(items=[VISA]), "at-once"))
    return partial(at.account.orders.claim, token, [Part(CARD, 1000)])


def _end(status: str) -> Callable[[Scene], Callable[[], object]]:
    def prepare(at: Scene) -> Callable[[], object]:
        order_id = at.placed(body(items=[item(), item()]), "at-once")
        return partial(at.account.orders.end_payouts, order_id, status, None)  # type: ignore[arg-type]  # a parameter of the test

    return prepare


def _send_code(at: Scene) -> Callable[[], object]:
    token = at.token(at.placed(body(items=[VISA]), "at-once"))
    return partial(at.account.card_payouts.send_code, token, None)


def _code(at: Scene) -> tuple[str, str]:
    """A link to which a code was sent, and the code."""
    order_id = at.placed(body(items=[VISA]), "at-once")
    token = at.token(order_id)
    at.account.card_payouts.send_code(token, None)
    (email,) = at.account.outbox.of(order_id)
    return token, email.code or ""


def _enter_wrong_code(at: Scene) -> Callable[[], object]:
    token, code = _code(at)

    def enter() -> None:
        with suppress(ClaimError):
            at.account.card_payouts.enter_code(token, code[::-1] + "0")

    return enter


def _pay_to_card(at: Scene) -> Callable[[], object]:
    token, code = _code(at)
    card = Card("1111", is_accepted=True)
    return partial(at.account.card_payouts.pay, token, code, card, CARD)


def _processing_error(at: Scene) -> Callable[[], object]:
    token = at.token(at.placed(body(items=[VISA]), "at-once"))
    at.account.change_settings({"redemption_error": "RE008"})

    def redeem() -> None:
        payout = at.account.orders.find_payout(token)
        assert payout is not None
        with suppress(RedemptionRefusedError):
            at.account.redeem(payout, "http://mock/payout/")

    return redeem


def _relayed(at: Scene) -> Callable[[], object]:
    (email,) = at.account.outbox.of(at.placed(body(items=[MAILED]), "at-once"))
    return partial(at.account.outbox.note, email, "sent")


OPERATIONS: dict[str, Callable[[Scene], Callable[[], object]]] = {
    "order, async": lambda at: partial(at.order, body(items=[MAILED])),
    "order, sync": lambda at: partial(at.order, body(items=[MAILED]), synchronous=True),
    "order, refused": lambda at: partial(at.order, body(items=[])),
    "order, insufficient funds": lambda at: partial(
        at.order, body(items=[item(face_value=100)] * 11)
    ),
    "attempt": lambda at: at.account.count_attempt,
    "complete": _complete,
    "fail": _fail,
    "hold": _hold,
    "read that is counted": _read(2),
    "read that ends": _read(0),
    "claim": _claim,
    "send a code": _send_code,
    "enter a wrong code": _enter_wrong_code,
    "pay to a card": _pay_to_card,
    "processing error": _processing_error,
    "cancel payouts": _end("CANCELLED"),
    "expire payouts": _end("EXPIRED"),
    "mail relayed": _relayed,
    "balances": lambda at: partial(at.account.change_settings, {"balances": {"EUR": 5, "USD": 7}}),
}


def _picture(account: Account) -> bytes:
    """All that there is of an account, as bytes that can be compared."""
    document = b"".join(export_account(account))
    return orjson.dumps(orjson.loads(document), option=orjson.OPT_SORT_KEYS)


def _attempts(name: str) -> Iterator[tuple[Scene, Countdown, Callable[[], object]]]:
    """An operation, prepared anew, with each of its writes made to fail in turn."""
    for number in range(50):
        at = scene()
        operation = OPERATIONS[name](at)
        countdown = arm(at.account.state)
        countdown.left = number
        yield at, countdown, operation


@pytest.mark.parametrize("name", OPERATIONS)
def test_whichever_write_fails_nothing_has_changed_and_it_can_be_done_again(name: str) -> None:
    """Each write of each operation in turn; then the same operation does what it does."""
    failed = 0
    for at, countdown, operation in _attempts(name):
        before = _picture(at.account)
        try:
            operation()
        except WriteFailedError:
            failed += 1
        else:
            break
        countdown.left = -1
        assert _picture(at.account) == before
        operation()
        expected, there = scene(), OPERATIONS[name]
        there(expected)()
        assert _picture(at.account) == _picture(expected.account)
        verdict = effects_of(at.account, window=600).verdict
        assert verdict in ("none", "exactly_once")
        assert verdict == effects_of(expected.account, window=600).verdict
    assert failed > 0 or name == "attempt"  # which is one assignment


def test_a_request_whose_commit_failed_orders_once_when_it_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """500, then 202, one order, exactly once: also where a listener or the last write fails."""
    apply = AccountState.apply
    broken: list[AccountState] = []

    def failing(state: AccountState, commit: Commit) -> None:
        if commit.placed is not None and not broken:
            broken.append(state)
            arm(state).left = 3
        apply(state, commit)

    monkeypatch.setattr(AccountState, "apply", failing)
    with MockServer() as server:
        api = Api(server.url)
        assert api.order(key="k").status_code == 500
        made = api.order(key="k")
        assert made.status_code == 202
        assert order_ids(api) == [made.json()["id"]]
        assert api.order(key="k").content == made.content
        server.assert_exactly_once()
        api.close()


def test_an_order_without_an_answer_under_its_key_is_told() -> None:
    """It is counted, though no key leads to it, and called duplicated for as long as 30 days."""
    at = scene()
    at.order(body(), "k")
    order = at.account.state.order_at(0)
    assert order is not None
    lost = scene()
    lost.account.state.apply(Commit(placed=order))  # what a broken store would do
    found = effects_of(lost.account, window=600)
    assert (found.verdict, found.orders) == ("duplicated", 1)
    (key,) = found.keys
    assert (key.idempotency_key, key.unanswered, key.orders) == ("k", [order.id], [order.id])
    lost.clock.advance("P30D")
    assert effects_of(lost.account, window=600).verdict == "exactly_once"
