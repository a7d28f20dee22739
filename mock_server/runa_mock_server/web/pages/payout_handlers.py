"""What opens behind a payout link: the recipient's page and the redemption API.

Whoever holds a link may use it, so no API key is asked for.
"""

from typing import Any

from runa_mock_server.base.paging import once
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.orders.payouts import ClaimError, Payout
from runa_mock_server.orders.redemption import RedemptionRefusedError, refusal, short_order_id
from runa_mock_server.server_state.account import Account
from runa_mock_server.web.answers import OK, json_answer
from runa_mock_server.web.body import read_body
from runa_mock_server.web.call import Call, Route
from runa_mock_server.web.pages.payout_form import read_fields, read_parts
from runa_mock_server.web.pages.payout_page import Refused, payout_page, vouchers
from runa_mock_server.web.pages.rendering import page
from runa_mock_server.web.query import query_of

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
        return json_answer(_redemption(call, found))
    return _no_such_payout(call) if found is None else payout_page(call, *found)


async def redeem_payout(call: Call) -> Answer:
    """``POST {payout.url}``: the page's form, in which each product code has its part."""
    raw = await read_body(call)
    # From here on nothing waits: of two who press at once, one finds the payout claimed.
    found = _find(call)
    if found is None:
        return _no_such_payout(call)
    account, payout = found
    if payout.status != "ACTIVE":
        late = ClaimError("It cannot be redeemed any more.")
        return payout_page(call, *found, Refused(_CONFLICT, late))
    typed: dict[str, str] = {}
    try:
        typed = read_fields(raw, payout.codes)
        account.orders.claim(payout.token, read_parts(typed))
    except ClaimError as error:
        return payout_page(call, *found, Refused(_BAD_REQUEST, error, typed))
    # Relative: the browser may know this server by another name than the payout's URL has, and
    # the page's policy lets a form lead to the page's own origin only.
    is_folder = call.request.path.endswith("/")
    call.response_headers["Location"] = "./" if is_folder else payout.token
    return page(call, "redeemed.html", _SEE_OTHER)


async def show_card(call: Call) -> Answer:
    """``GET {payout.url}/card/{code}``: where a product of type ``url`` leads."""
    found = _find(call)
    if found is not None and found[1].status == "CLAIMED":
        account, payout = found
        for voucher in vouchers(call, account, payout):
            if voucher.code == call.parameters["code"] and voucher.e_code["type"] == "url":
                return page(call, "card.html", OK, payout=payout, voucher=voucher)
    return page(call, "no_card.html", _NOT_FOUND)


PAYOUT_ROUTES = (
    Route("GET", "/payout/{token}", (), open_payout),
    Route("POST", "/payout/{token}", (), redeem_payout),
    Route("GET", "/payout/{token}/card/{code}", (), show_card),
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
        return refusal("RE013", None if found is None else short_order_id(found[1]))
    if found is None:
        return refusal("RE011")
    call.kindnesses += ("redemption_api",)
    account, payout = found
    try:
        return account.redeem(payout, call.payout_url)
    except RedemptionRefusedError as error:
        return error.document()


def _no_such_payout(call: Call) -> Answer:
    return page(call, "no_payout.html", _NOT_FOUND)
