"""What opens behind a payout link: the recipient's page and the redemption API.

Whoever holds a link may use it, so no API key is asked for.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from runa_mock_server.base.errors import ApiError
from runa_mock_server.base.paging import once
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.orders.order import Part
from runa_mock_server.orders.payouts import ClaimError, Payout
from runa_mock_server.orders.push_to_card import is_payment
from runa_mock_server.orders.redemption import RedemptionRefusedError, short_order_id
from runa_mock_server.server_state.account import Account
from runa_mock_server.web.answers import OK, json_answer
from runa_mock_server.web.body import read_body
from runa_mock_server.web.call import Call, Route
from runa_mock_server.web.checks import OPEN
from runa_mock_server.web.pages.card_page import card_page, card_product, submit_card_form
from runa_mock_server.web.pages.payout_form import read_fields, read_parts
from runa_mock_server.web.pages.payout_page import Refused, payout_page, vouchers
from runa_mock_server.web.pages.rendering import page
from runa_mock_server.web.query import query_of

_PRODUCT = "product"
_OTHER_SITES = frozenset({"cross-site", "same-site"})
_SEE_OTHER = 303
_CONFLICT = 409
_NOT_FOUND = 404
_BAD_REQUEST = 400
_REDEMPTION_HEADERS = {"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"}  # recorded


async def open_payout(call: Call) -> Answer:
    """``GET {payout.url}``: the page, or with ``?format=json`` the redemption API."""
    found = _find(call)
    if once(query_of(call.request), "format", "bad_request") == "json":
        call.response_headers |= _REDEMPTION_HEADERS
        try:
            return json_answer(_redemption(call, found), rule="redemption-api")
        except RedemptionRefusedError as error:
            return json_answer(error.document(), rule=error.rule)
    if found is None:
        return _no_such_payout(call)
    product = _card_product(call, found[1])
    if product is not None and found[1].status == "ACTIVE":
        return card_page(call, *found, product)
    return payout_page(call, *found)


async def redeem_payout(call: Call) -> Answer:
    """``POST {payout.url}``: the page's form, in which each product code has its part."""
    if call.headers.get("Sec-Fetch-Site") in _OTHER_SITES:
        reason = "The form of a payout's page is sent from that page only."
        raise ApiError("forbidden", reason, rule="payout-form")
    raw = await read_body(call)
    # From here on nothing waits: of two who press at once, one finds the payout claimed.
    found = _find(call)
    if found is None:
        return _no_such_payout(call)
    account, payout = found
    if payout.status != "ACTIVE":
        late = ClaimError("It cannot be redeemed any more.")
        return payout_page(call, *found, Refused(_CONFLICT, late))
    product = _card_product(call, payout)
    if product is not None:
        return submit_card_form(call, account, payout, product, raw) or _back(call, payout)
    typed: dict[str, str] = {}
    try:
        typed = read_fields(raw, payout.codes)
        parts = read_parts(typed)
        product = _for_a_card(call, payout, parts)
        if product is None:
            account.orders.claim(payout.token, parts)
    except ClaimError as error:
        return payout_page(call, *found, Refused(_BAD_REQUEST, error, typed))
    return _back(call, payout, product)


def _back(call: Call, payout: Payout, product: str | None = None) -> Answer:
    """Lead the browser to the page, which shows what has become of the payout."""
    # Relative: the browser may know this server by another name than the payout's URL has, and
    # the page's policy lets a form lead to the page's own origin only.
    place = "./" if call.request.path.endswith("/") else payout.token
    chosen = product or _chosen(call)
    query = "" if chosen is None else f"?{urlencode({_PRODUCT: chosen})}"
    call.response_headers["Location"] = place + query
    found = _find(call)
    is_claimed = found is not None and found[1].status == "CLAIMED"
    rule = "payout-claimed" if is_claimed else "payout-page"
    return page(call, "redeemed.html", _SEE_OTHER, rule)


def _card_product(call: Call, payout: Payout) -> str | None:
    return card_product(call, payout, _chosen(call))


def _chosen(call: Call) -> str | None:
    """The product that was chosen before, where there is a choice."""
    return once(query_of(call.request), _PRODUCT, "bad_request")


def _for_a_card(call: Call, payout: Payout, parts: Sequence[Part]) -> str | None:
    """The payment product that was chosen among others, whose card is asked for next.

    Raises:
        ClaimError: if only a part of the payout is to go to a card.
    """
    payments = [part for part in parts if is_payment(call.server_state.catalogue, part.code)]
    if not payments:
        return None
    if len(parts) > 1 or payments[0].value != payout.item.face_value:
        only = "It can only be had for the whole value."
        raise ClaimError("A card is paid the whole value.", {p.code: only for p in payments})
    return payments[0].code


async def show_card(call: Call) -> Answer:
    """``GET {payout.url}/card/{code}``: where a product of type ``url`` leads."""
    found = _find(call)
    if found is not None and found[1].status == "CLAIMED":
        account, payout = found
        for voucher in vouchers(call, account, payout):
            if voucher.code == call.parameters["code"] and voucher.e_code["type"] == "url":
                return page(call, "card.html", OK, payout=payout, voucher=voucher)
    return page(call, "no_card.html", _NOT_FOUND, "not-found")


PAYOUT_ROUTES = (
    Route("GET", "/payout/{token}", OPEN, open_payout),
    Route("POST", "/payout/{token}", OPEN, redeem_payout),
    Route("GET", "/payout/{token}/card/{code}", OPEN, show_card),
)
"""What needs a payout's token and no API key."""


def _find(call: Call) -> tuple[Account, Payout] | None:
    found = call.server_state.find_payout(call.parameters["token"])
    if found is not None:
        call.owner = found[0]
    return found


def _redemption(call: Call, found: tuple[Account, Payout] | None) -> dict[str, Any]:
    settings = call.server_state.settings if found is None else found[0].settings
    if not settings.redemption_api:
        order_id = None if found is None else short_order_id(found[1])
        raise RedemptionRefusedError("RE013", order_id)
    call.kindnesses += ("redemption_api",)
    if found is None:
        raise RedemptionRefusedError("RE011")
    account, payout = found
    return account.redeem(payout, call.payout_url)


def _no_such_payout(call: Call) -> Answer:
    return page(call, "no_payout.html", _NOT_FOUND, "not-found")
