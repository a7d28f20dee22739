"""Rules of errors: what is final, what is tried again, and with what pauses."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from runa_mock_server.testing.go_live.rule import Judgement, Theme
from runa_mock_server.testing.go_live.traffic import Purchases, Request, Traffic

ERRORS = Theme("Errors and retries")

_RATE_LIMIT_WAIT = 5.0
_TOLERANCE = 0.05  # seconds
_GROWTH = 1.15
_SHORTEST_PAUSE = 0.2
_SHORTEST_CHAIN = 2  # pauses
_IMPATIENT = 5.0
_UNAUTHORIZED, _FORBIDDEN, _GONE = 401, 403, 410
_NO_KEY = "key-required"
# With these no body that stays the same can ever be accepted.
_HOPELESS = frozenset({"validation_error", "bad_request", "currency_mismatch"})


@ERRORS.rule(
    "final-4xx",
    "An order that was refused with 4xx is not sent again.",
    "Let an order be refused, for example for an unknown product.",
)
def final_4xx(traffic: Traffic) -> Judgement:
    """A refused order was sent again."""
    found = Judgement()
    for purchases in traffic.purchases:
        for index, refused in enumerate(purchases.attempts):
            if not refused.is_refused or _is_own_rule(refused):
                continue
            again = _sent_again(refused, purchases.attempts[index + 1 :])
            if again is None:
                found.proof.append(refused)
            else:
                found.violate(f"{refused.status} is final, but it was sent again", refused, again)
    return found


def _sent_again(refused: Request, later: Sequence[Request]) -> Request | None:
    """The attempt that repeats a refused order, if one does."""
    for attempt in later:
        if attempt.body_id == refused.body_id and (
            attempt.idempotency_key == refused.idempotency_key or refused.seen_error in _HOPELESS
        ):
            return attempt
    return None


def _is_own_rule(refused: Request) -> bool:
    """Whether a rule of its own judges how a refusal is handled."""
    return any(is_it(refused) for is_it in _HANDLED.values())


@ERRORS.rule(
    "retried-5xx",
    "An order that was answered 5xx is tried again, with pauses that grow.",
    "Answer an order with 503 three times: the fault status with times=3.",
)
def retried_5xx(traffic: Traffic) -> Judgement:
    """A client did not try again, or in the same pauses."""
    found = Judgement()
    for purchases in traffic.purchases:
        for purchase in purchases.each:
            for chain in _chains(purchase, lambda attempt: attempt.is_server_error):
                _judge_chain(found, chain)
    failed = [r for r in traffic.orders if r.is_server_error]
    if not found.violations and not found.proof and failed and not any(_retries(traffic)):
        found.violate("no 5xx was ever followed by a retry", *failed)
    return found


def _judge_chain(found: Judgement, chain: Sequence[Request]) -> None:
    """Judge attempts of which all but the last were answered 5xx."""
    steps = list(pairwise(chain))
    # Where the answer says how long to wait, that is the pause.
    told = [e.retry_after is not None for e, _ in steps]
    pauses = [earlier.seconds_to(later) for earlier, later in steps]
    if len(pauses) < _SHORTEST_CHAIN or any(told):
        return
    largest = max(pauses[1:])
    if largest < _SHORTEST_PAUSE and largest > pauses[0] * _GROWTH:
        return  # so short a pause may be no pause but a busy computer
    is_alike = largest <= pauses[0] * _GROWTH + _TOLERANCE
    # Chance can make one of two pauses shorter; three that all are no longer are no chance.
    if is_alike and (len(pauses) > _SHORTEST_CHAIN or largest >= pauses[0] / _GROWTH - _TOLERANCE):
        shown = ", ".join(f"{pause:.2f} s" for pause in pauses)
        found.violate(f"the pauses before the retries do not grow: {shown}", *chain)
    elif not is_alike:
        found.proof += chain


def _retries(traffic: Traffic) -> Iterator[Request]:
    for purchases in traffic.purchases:
        for earlier, later in purchases.pairs:
            if earlier.is_server_error:
                yield later


def _chains(
    purchase: Sequence[Request], belongs: Callable[[Request], bool]
) -> Iterator[list[Request]]:
    """Runs of attempts that belong, each with the attempt that follows."""
    chain: list[Request] = []
    for attempt in purchase:
        chain.append(attempt)
        if not belongs(attempt):
            if len(chain) > 1:
                yield chain
            chain = []
    if len(chain) > 1:
        yield chain


@ERRORS.rule(
    "wait-after-429",
    "After 429 a client waits at least 5 seconds, and longer when it is limited again.",
    "Answer an order with 429 twice: the fault rate_limit with times=2.",
)
def wait_after_429(traffic: Traffic) -> Judgement:
    """A client came back too early, or as early the second time."""
    found = Judgement(missing="let 429 come twice in a row")
    for purchases in traffic.purchases:
        for purchase in purchases.each:
            for chain in _chains(purchase, lambda attempt: attempt.is_limited):
                _judge_limited(found, chain)
        _judge_others(found, purchases)
    return found


def _judge_limited(found: Judgement, chain: Sequence[Request]) -> None:
    before = 0.0
    for earlier, later in pairwise(chain):
        pause = earlier.seconds_to(later)
        wanted = max(_RATE_LIMIT_WAIT, earlier.retry_after or 0.0)
        is_told = earlier.retry_after is not None and earlier.retry_after >= _RATE_LIMIT_WAIT
        if pause < wanted - _TOLERANCE:
            found.violate(f"the retry came {pause:.2f} s after a 429", earlier, later)
        elif before and pause <= before + _TOLERANCE and not is_told:
            found.violate("the second 429 was not waited for longer", earlier, later)
        else:
            found.proof += [earlier, later]
            if before:
                found.missing = ""
        before = pause


def _judge_others(found: Judgement, purchases: Purchases) -> None:
    """A limit is the account's: its other orders have to wait, too."""
    in_purchase = {
        id(later) for purchase in purchases.each for earlier, later in pairwise(purchase)
    }
    for earlier, later in pairwise(purchases.attempts):
        pause = earlier.seconds_to(later)
        is_other = id(later) not in in_purchase
        if earlier.is_limited and is_other and pause < _RATE_LIMIT_WAIT - _TOLERANCE:
            found.violate(f"another order came {pause:.2f} s after a 429", earlier, later)


def _handled(
    id_: str, name: str, exercise: str, is_it: Callable[[Request], bool], *, orders: bool = True
) -> None:
    """A rule for one refusal that every integration has to expect."""

    def judge(traffic: Traffic) -> Judgement:
        found = Judgement()
        for client in traffic.clients:
            requests = [r for r in client if (r.is_order if orders else r.is_api)]
            for index, refused in enumerate(requests):
                if not is_it(refused):
                    continue
                again = _repeated(refused, requests[index + 1 :])
                if again is None:
                    found.proof.append(refused)
                else:
                    found.violate(f"it was sent again after {name}", refused, again)
        return found

    text = f"After {name}, a client stops: it does not repeat what was refused."
    ERRORS.rule(id_, text, exercise)(judge)


def _repeated(refused: Request, later: Sequence[Request]) -> Request | None:
    """The request that repeats a refused one: as it was, or at once under another key."""
    for request in later:
        same = (request.method, request.place, request.body_id, request.key) == (
            refused.method,
            refused.place,
            refused.body_id,
            refused.key,
        )
        if same and (
            request.idempotency_key == refused.idempotency_key
            or refused.seconds_to(request) < _IMPATIENT
        ):
            return request
    return None


def _is_sold_out(request: Request) -> bool:
    return request.is_refused and request.rule == "product-orderable"


def _is_revoked(request: Request) -> bool:
    is_key = request.status in {_UNAUTHORIZED, _FORBIDDEN} and request.rule != _NO_KEY
    return request.is_refused and is_key and request.seen_error != "ordering_restricted"


def _is_gone(request: Request) -> bool:
    return request.is_refused and request.status == _GONE


def _of_type(error: str) -> Callable[[Request], bool]:
    return lambda request: request.is_refused and request.seen_error == error


_HANDLED = {
    "insufficient-funds": _of_type("insufficient_funds"),
    "sold-out": _is_sold_out,
    "ordering-restricted": _of_type("ordering_restricted"),
    "revoked-key": _is_revoked,
    "version-removed": _is_gone,
}

_handled(
    "insufficient-funds",
    "insufficient_funds",
    "Order with the setting profile=production and no balance, or with X-Trigger-Error.",
    _HANDLED["insufficient-funds"],
)
_handled(
    "sold-out",
    "a product that is sold out",
    "Order after server.products.change(code, is_orderable=False).",
    _HANDLED["sold-out"],
)
_handled(
    "ordering-restricted",
    "ordering_restricted",
    "Order with the setting trigger_error=ordering_restricted.",
    _HANDLED["ordering-restricted"],
)
_handled(
    "revoked-key",
    "a key that is refused",
    "Order with the setting trigger_error=forbidden, or send a key that the server does not take.",
    _HANDLED["revoked-key"],
    orders=False,
)
_handled(
    "version-removed",
    "a version that was removed (410)",
    "Order with the setting trigger_error=version_removed.",
    _HANDLED["version-removed"],
    orders=False,
)
