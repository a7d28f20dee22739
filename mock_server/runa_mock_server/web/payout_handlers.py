"""What opens behind a payout link: the recipient's page and the redemption API.

Whoever holds a link may use it, so no API key is asked for.
"""

import re
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from runa_mock_server.errors import quoted
from runa_mock_server.idempotency import Answer
from runa_mock_server.paging import once
from runa_mock_server.payouts import ClaimError, Part, Payout
from runa_mock_server.redemption import RedemptionRefusedError, refusal
from runa_mock_server.web.answers import OK, json_answer
from runa_mock_server.web.body import read_body
from runa_mock_server.web.call import Call
from runa_mock_server.web.pages import page
from runa_mock_server.web.query import query_of
from runa_mock_server.web.routing import Route
from runa_mock_server.world import Account

_SEE_OTHER = 303
_CONFLICT = 409
_NOT_FOUND = 404
_BAD_REQUEST = 400
_MORE_FIELDS = 100  # than there are products to choose from
_AMOUNT = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,2})?")

_TITLES = {
    "ACTIVE": "Your payout",
    "CLAIMED": "Your payout has been redeemed",
    "CANCELLED": "This payout was cancelled",
    "EXPIRED": "This payout has expired",
}


async def open_payout(call: Call) -> Answer:
    """``GET {payout.url}``: the page, or with ``?format=json`` the redemption API."""
    found = _find(call)
    if once(query_of(call.request), "format", "bad_request") == "json":
        return json_answer(_redemption(call, found))
    return _no_such_payout() if found is None else _payout_page(call, *found)


async def redeem_payout(call: Call) -> Answer:
    """``POST {payout.url}``: the page's form, in which each product code has its part."""
    raw = await read_body(call)
    # From here on nothing waits: of two who press at once, one finds the payout claimed.
    found = _find(call)
    if found is None:
        return _no_such_payout()
    account, payout = found
    if payout.status != "ACTIVE":
        return _payout_page(call, *found, "It cannot be redeemed any more.", _CONFLICT)
    try:
        account.payouts.claim(payout, _parts(raw, payout))
    except ClaimError as error:
        return _payout_page(call, *found, str(error), _BAD_REQUEST)
    call.response_headers["Location"] = call.world.payout_url(payout.token)
    return page("message.html", _SEE_OTHER, title="Redeemed")


async def show_card(call: Call) -> Answer:
    """``GET {payout.url}/card/{code}``: where a product of type ``url`` leads."""
    found = _find(call)
    if found is not None and found[1].status == "CLAIMED":
        account, payout = found
        for part, e_code in _codes(account, payout):
            if part.code == call.parameters["code"] and e_code["type"] == "url":
                title = f"{_name(call, part.code)}, {payout.currency} {e_code['amount']}"
                return page("message.html", OK, title=title)
    return page("message.html", _NOT_FOUND, title="There is no such card")


PAYOUT_ROUTES = (
    Route("GET", "/payout/{token}", (), open_payout),
    Route("POST", "/payout/{token}", (), redeem_payout),
    Route("GET", "/payout/{token}/card/{code}", (), show_card),
)
"""What needs a payout's token and no API key."""


def _find(call: Call) -> tuple[Account, Payout] | None:
    found = call.world.find_payout(call.parameters["token"])
    if found is not None:
        call.owner = found[0]
    return found


def _redemption(call: Call, found: tuple[Account, Payout] | None) -> dict[str, Any]:
    settings = call.world.settings if found is None else found[0].settings
    if not settings.redemption_api:
        return refusal("RE013", None if found is None else found[1].order_id)
    if found is None:
        return refusal("RE011")
    account, payout = found
    try:
        return account.redeemer.redeem(payout)
    except RedemptionRefusedError as error:
        return error.document()


def _no_such_payout() -> Answer:
    return page("message.html", _NOT_FOUND, title="There is no such payout")


def _payout_page(
    call: Call, account: Account, payout: Payout, problem: str = "", status: int = OK
) -> Answer:
    active = payout.status == "ACTIVE"
    choices = [(code, _name(call, code), _takes(call, code)) for code in payout.codes]
    codes = [] if payout.status != "CLAIMED" else _codes(account, payout)
    return page(
        "payout.html",
        status,
        title=_TITLES[payout.status],
        customer=call.world.profile.customer,
        payout=payout,
        problem=problem,
        choices=choices if active else [],
        e_codes=[(_name(call, part.code), e_code) for part, e_code in codes],
    )


def _codes(account: Account, payout: Payout) -> list[tuple[Part, dict[str, Any]]]:
    parts, e_codes = account.payouts.parts(payout), account.redeemer.e_codes(payout)
    return list(zip(parts, e_codes, strict=True))


def _name(call: Call, code: str) -> str:
    return str(call.world.catalogue.product_of(code)["name"])


def _takes(call: Call, code: str) -> str:
    offer = call.world.catalogue.offer(code)
    return str(offer.denominations) if offer is not None else ""


def _parts(raw: bytes, payout: Payout) -> list[Part]:
    """The parts that a form asks for; empty fields ask for nothing.

    Raises:
        ClaimError: for what is no form, or no amount of money.
    """
    try:
        fields = parse_qs(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(raw),
            max_num_fields=len(payout.codes) + _MORE_FIELDS,
        )
    except ValueError:
        raise ClaimError("This is no form that can be read.") from None
    parts = []
    for code, values in fields.items():
        if len(values) > 1:
            raise ClaimError(f"{quoted(code)} is given {len(values)} times.")
        if code not in payout.codes:
            raise ClaimError(f"{quoted(code)} is not among the products of this payout.")
        text = values[0].strip()
        if not text:
            continue
        if not _AMOUNT.fullmatch(text):
            raise ClaimError(f"{quoted(code)}: {quoted(text)} is no amount of money.")
        if Decimal(text):
            parts.append(Part(code, Decimal(text)))
    if not parts and len(payout.codes) > 1:
        raise ClaimError("Choose one product or more.")
    return parts
