"""Push to card: a recipient proves who they are by a one-time code and has a card paid.

Provider's page "Push to card" says that the recipient's page asks for a code that was sent by
mail, then for a card. Inferred: a code lasts ten minutes, a new one replaces it, five wrong
entries use it up, and there are five codes an hour. The form for the card carries the code along:
whoever has not entered it gets no further, and nothing is kept for a browser.

Codes follow from the account's secret. Refusals that count are committed with their reason as the
answer of the commit, since what raises changes nothing.
"""

from hmac import compare_digest

from runa_mock_server.base.address import is_never_delivered
from runa_mock_server.base.clock import SECOND
from runa_mock_server.base.ids import one_time_code
from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.orders import cards
from runa_mock_server.orders.cards import Card
from runa_mock_server.orders.commit import AccountView, Commit, Mail
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.orders.order import Order, Part, RecipientState
from runa_mock_server.orders.payouts import ClaimError, Payout, claim, find_payout

CODE_FIELD = "one_time_code"
ADDRESS_FIELD = "email"
"""The fields of the form, beside those of the card."""

CODE_MINUTES = 10
MOST_REFUSED = 5
MOST_CODES = 5

_CODE_LIFETIME = CODE_MINUTES * 60 * SECOND
_HOUR = 3600 * SECOND
_BAD_REQUEST = 400
_RETURNING = "+repeat"
_NOT_RELAYED = "not relayed: no mail is delivered to .invalid and .test"


def is_payment(catalogue: Catalogue, code: str) -> bool:
    """Whether a product is paid to a card."""
    offer = catalogue.known_offer(code)
    return offer is not None and offer.payout_type == "payment"


def address_of(payout: Payout) -> str | None:
    """Where codes are sent: the order's address, else the one that the recipient gave."""
    given = payout.item.distribution.email_address
    return payout.order.recipient(payout.index).address if given is None else given


def is_returning(payout: Payout) -> bool:
    """Whether the recipient has used a card before: addresses like ``a+repeat@b.example``."""
    local, _, _ = (address_of(payout) or "").rpartition("@")
    return local.endswith(_RETURNING)


def awaits_code(payout: Payout, now: int) -> bool:
    """Whether a code was sent that can still be entered."""
    return _code_problem(payout.order.recipient(payout.index), now) is None


def send_code(
    view: AccountView, token: str, *, address: str | None, host: str | None, now: int
) -> Commit:
    """Send a new code, which replaces the one before.

    Args:
        view: the account.
        token: of the payout link.
        address: where to, unless the order says.
        host: the ``Host`` of the request, which the link in the mail leads to.
        now: microseconds since the epoch.

    Raises:
        ClaimError: if the payout is not active, no address is known, or too many were sent.
    """
    payout = _active(view, token, now)
    order, index = payout.order, payout.index
    state = order.recipient(index)
    to = payout.item.distribution.email_address or address or state.address
    if to is None:
        raise ClaimError("Say where to send the code.", {ADDRESS_FIELD: "Enter an address."})
    sent = [at for at in state.sent if now - _HOUR < at <= now]
    if len(sent) == MOST_CODES:
        raise ClaimError(f"{MOST_CODES} codes were sent within an hour. Try again later.")
    number = state.codes + 1
    mail = Mail(
        index,
        _NOT_RELAYED if is_never_delivered(to) else None,
        host,
        number,
        None if payout.item.distribution.email_address else to,
        now,
    )
    # Of the codes of one payout those of the latest hour are kept; mails with links stay.
    kept = [
        each
        for each in view.mails(order.id)
        if not each.code or each.item != index or (each.sent_at or 0) in sent
    ]
    changed = RecipientState(number, (*sent, now), to, 0, None, state.failed_at)
    return Commit(changed=[order.with_recipient(index, changed)], mails={order.id: [*kept, mail]})


def enter_code(view: AccountView, token: str, code: str, now: int) -> Commit:
    """See whether a code is right, and count it if it is not.

    Returns:
        A commit whose answer is the refusal; empty for the right code.

    Raises:
        ClaimError: if the payout is not active.
    """
    payout = _active(view, token, now)
    return _wrong_code(view, payout, code, now) or Commit()


def pay(  # noqa: PLR0913 - what was entered, and where
    view: AccountView,
    token: str,
    *,
    code: str,
    card: Card | None,
    product: str,
    catalogue: Catalogue,
    now: int,
) -> Commit:
    """Claim a payout for a card, if the code is right and the card takes the money.

    Args:
        view: the account.
        token: of the payout link.
        code: the one-time code.
        card: the card; ``None`` for the one that a returning recipient used before.
        product: the payment product.
        catalogue: what can be ordered now.
        now: microseconds since the epoch.

    Returns:
        A commit that claims the payout, or one whose answer is the refusal.

    Raises:
        ClaimError: if the payout is not active any more, or there is no card from before.
    """
    payout = _active(view, token, now)
    wrong = _wrong_code(view, payout, code, now)
    if wrong is not None:
        return wrong
    if card is None:
        if not is_returning(payout):
            raise ClaimError("There is no card from before.")
        card = cards.SAVED
    if not card.is_accepted:
        return _refused(payout, f"The card ending in {card.last_four} was refused by its bank.")
    whole = [Part(product, payout.item.face_value)]
    claimed = claim(view, token, whole, catalogue, now)
    state = payout.order.recipient(payout.index)._replace(card=card.last_four)
    orders = [order.with_recipient(payout.index, state) for order in claimed.changed]
    return claimed._replace(changed=orders)


def _active(view: AccountView, token: str, now: int) -> Payout:
    payout = find_payout(view, token, now)
    if payout is None:
        raise ClaimError("There is no such payout.")
    if payout.status != "ACTIVE":
        raise ClaimError("It cannot be redeemed any more.")
    return payout


def _wrong_code(view: AccountView, payout: Payout, code: str, now: int) -> Commit | None:
    """The refusal of a code, ``None`` for the right one."""
    state = payout.order.recipient(payout.index)
    problem = _code_problem(state, now)
    if problem is not None:
        return Commit(answer=_answer(problem))
    right = one_time_code(view.identity, payout.token, state.codes)
    if compare_digest(code.strip().encode(), right.encode()):
        return None
    return _refused(payout, "This is not the code that was sent last.")


def _code_problem(state: RecipientState, now: int) -> str | None:
    if not state.sent:
        return "No code was sent yet: ask for one."
    if state.refused >= MOST_REFUSED:
        return "The code cannot be used after too many wrong entries: ask for a new one."
    if not now < state.sent[-1] + _CODE_LIFETIME:
        return f"The code has expired after {CODE_MINUTES} minutes: ask for a new one."
    return None


def _refused(payout: Payout, reason: str) -> Commit:
    """A refusal that counts."""
    order: Order = payout.order
    state = order.recipient(payout.index)
    counted = order.with_recipient(payout.index, state._replace(refused=state.refused + 1))
    left = MOST_REFUSED - state.refused - 1
    more = f"{left} more {'try' if left == 1 else 'tries'}." if left else "Ask for a new code."
    return Commit(answer=_answer(f"{reason} {more}"), changed=[counted])


def _answer(reason: str) -> Answer:
    return Answer(_BAD_REQUEST, reason.encode(), "text/plain")
