"""The recipient's page for a payout that goes to a card: code, card, done."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from runa_mock_server.base.address import usable_host
from runa_mock_server.orders import cards
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.orders.payouts import ClaimError, Payout
from runa_mock_server.orders.push_to_card import (
    ADDRESS_FIELD,
    CODE_FIELD,
    CODE_MINUTES,
    address_of,
    awaits_code,
    is_payment,
    is_returning,
)
from runa_mock_server.server_state.account import Account
from runa_mock_server.web.answers import OK
from runa_mock_server.web.call import Call
from runa_mock_server.web.pages.payout_form import read_fields
from runa_mock_server.web.pages.payout_page import (
    Refused,
    common_values,
    payout_page,
    product_name,
    product_picture,
)
from runa_mock_server.web.pages.rendering import page

_STEP = "step"
_LABELS = {
    ADDRESS_FIELD: "E-mail address",
    CODE_FIELD: "One-time code",
    cards.NUMBER: "Card number",
    cards.EXPIRY: "Expiry",
}
_FIELDS = frozenset({_STEP, *_LABELS})
_BAD_REQUEST = 400
_CONFLICT = 409
_NOTHING_TYPED: Mapping[str, str] = MappingProxyType({})

Step = Literal["send", "code", "card"]


def card_product(call: Call, payout: Payout, chosen: str | None) -> str | None:
    """The payment product that a payout's page is about, ``None`` if it is about others.

    Args:
        call: the request.
        payout: the payout.
        chosen: the product that the recipient has chosen, where there is a choice.
    """
    code = payout.codes[0] if len(payout.codes) == 1 else chosen
    known = code is not None and code in payout.codes
    return code if known and is_payment(call.server_state.catalogue, code or "") else None


def card_page(  # noqa: PLR0913 - what the page depends on
    call: Call,
    account: Account,
    payout: Payout,
    product: str,
    *,
    code: str | None = None,
    refused: Refused | None = None,
) -> Answer:
    """The page of the step that comes next.

    Args:
        call: the request.
        account: whose payout it is.
        payout: the payout, which is active.
        product: the payment product.
        code: the right one-time code, if it has just been entered.
        refused: the form to which the page is the answer, if one was sent in vain.
    """
    step: Step = "send"
    if awaits_code(payout, account.clock.now()):
        step = "code" if code is None else "card"
    typed = _NOTHING_TYPED if refused is None else refused.typed
    return page(
        call,
        "push_to_card.html",
        OK if refused is None else refused.status,
        **common_values(call, account, payout, refused),
        step=step,
        code=code,
        labels=_LABELS,
        typed={name: typed.get(name, "") for name in _LABELS},
        name=product_name(call, product),
        picture=product_picture(call, product),
        address=_masked(address_of(payout)),
        minutes=CODE_MINUTES,
        returning=is_returning(payout),
        saved=cards.SAVED.last_four,
        accepted=cards.spaced(cards.ACCEPTED),
        refused=cards.spaced(cards.REFUSED),
    )


def submit_card_form(
    call: Call, account: Account, payout: Payout, product: str, raw: bytes
) -> Answer | None:
    """Do what a form of the page asks for.

    Args:
        call: the request.
        account: whose payout it is.
        payout: the payout, which is active.
        product: the payment product.
        raw: the form.

    Returns:
        The page; ``None`` if the browser is to be led to it.
    """
    typed: Mapping[str, str] = _NOTHING_TYPED
    code = None
    try:
        typed = read_fields(raw, _FIELDS)
        step = typed.get(_STEP)
        if step == "send":
            host = usable_host(call.headers.get("Host"))
            account.card_payouts.send_code(payout.token, _address(typed), host)
            return None
        if step not in {"code", "card", "saved"}:
            raise ClaimError("This form is none of this page.")  # noqa: TRY301 - one answer for all
        entered = typed.get(CODE_FIELD, "")
        account.card_payouts.enter_code(payout.token, entered)
        code = entered
        if step == "code":
            return card_page(call, account, payout, product, code=code)
        card = None if step == "saved" else _card(typed, account.clock.now())
        account.card_payouts.pay(payout.token, code, card, product)
    except ClaimError as error:
        return _refusal(
            call, account, payout.token, product, Refused(_BAD_REQUEST, error, typed), code
        )
    return None


def _refusal(  # noqa: PLR0913, PLR0917 - what the page depends on
    call: Call, account: Account, token: str, product: str, refused: Refused, code: str | None
) -> Answer:
    """The page after a form was refused, which may have changed the payout."""
    payout = account.orders.find_payout(token)
    if payout is None:
        return page(call, "no_payout.html", 404)
    if payout.status != "ACTIVE":
        return payout_page(call, account, payout, refused._replace(status=_CONFLICT))
    return card_page(call, account, payout, product, code=code, refused=refused)


def _card(typed: Mapping[str, str], now: int) -> cards.Card:
    return cards.read_card(typed.get(cards.NUMBER, ""), typed.get(cards.EXPIRY, ""), now)


def _address(typed: Mapping[str, str]) -> str | None:
    """The address that was typed, if the page asked for one."""
    from runa_mock_server.contract.request_models import is_email_address  # noqa: PLC0415 - loads pydantic

    text = typed.get(ADDRESS_FIELD)
    if text is None:
        return None
    if not is_email_address(text.strip()):
        raise ClaimError(
            "No code was sent.", {ADDRESS_FIELD: "Enter an address such as you@example.com."}
        )
    return text.strip()


def _masked(address: str | None) -> str:
    """An address that only those recognise who know it."""
    local, _, host = (address or "").rpartition("@")
    return f"{local[:1]}\u2022\u2022\u2022@{host}" if host else ""
