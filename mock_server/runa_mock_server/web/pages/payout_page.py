"""The recipient's page: what a payout looks like in each of its states."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from runa_mock_server.base.clock import SECOND
from runa_mock_server.base.ids import customer_id
from runa_mock_server.base.money import from_cents
from runa_mock_server.catalogue import content
from runa_mock_server.orders.e_codes import NEVER_EXPIRES
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.orders.order import Part
from runa_mock_server.orders.payouts import ClaimError, Payout
from runa_mock_server.server_state.account import Account
from runa_mock_server.web.answers import OK
from runa_mock_server.web.call import Call
from runa_mock_server.web.pages.barcodes import draw
from runa_mock_server.web.pages.rendering import page


class _Choice(NamedTuple):
    """A product to choose.

    Attributes:
        code: its code.
        name: its name.
        picture: its picture, as SVG.
        takes: the values that it comes in, in words.
        fits: whether it comes in the whole value of the payout.
        typed: what was typed into its field.
        problem: what is wrong with that.
    """

    code: str
    name: str
    picture: str
    takes: str
    fits: bool
    typed: str
    problem: str


class Voucher(NamedTuple):
    """What the recipient got for a part of a payout.

    Attributes:
        code: the product's code.
        name: the product's name.
        picture: its picture, as SVG.
        e_code: what the redemption API shows.
        barcode: the barcode as SVG, ``None`` if there is none or it cannot be drawn.
        expires: the day on which it does, in words.
    """

    code: str
    name: str
    picture: str
    e_code: Mapping[str, Any]
    barcode: str | None
    expires: str


class Refused(NamedTuple):
    """A form that was not taken.

    Attributes:
        status: the HTTP status that says so.
        reason: why not.
        typed: what was in its fields, by product code.
    """

    status: int
    reason: ClaimError
    typed: Mapping[str, str] = MappingProxyType({})


def payout_page(
    call: Call, account: Account, payout: Payout, refused: Refused | None = None
) -> Answer:
    """The page of a payout in the state that it has now.

    Args:
        call: the request.
        account: whose payout it is.
        payout: the payout.
        refused: the form to which the page is the answer, if one was sent in vain.
    """
    card = payout.order.recipient(payout.index).card
    has_codes = payout.status == "CLAIMED" and card is None
    return page(
        call,
        f"{payout.status.lower()}.html",
        OK if refused is None else refused.status,
        **common_values(call, account, payout, refused),
        since=_moment(datetime.fromtimestamp(payout.status_updated_at // SECOND, UTC)),
        choices=_choices(call, payout, refused) if payout.status == "ACTIVE" else [],
        vouchers=vouchers(call, account, payout) if has_codes else [],
        card=card,
    )


def common_values(
    call: Call, account: Account, payout: Payout, refused: Refused | None
) -> dict[str, Any]:
    """What every page of a payout shows; the arguments are those of ``payout_page``."""
    expiry = payout.expiry_date
    return {
        "customer": call.server_state.profile.customer,
        "customer_id": customer_id(account.state.identity),
        "payout": payout,
        "expires": _day(datetime.fromisoformat(expiry)) if expiry else "",
        "problem": None if refused is None else refused.reason,
    }


def vouchers(call: Call, account: Account, payout: Payout) -> list[Voucher]:
    """What a claimed payout was turned into."""
    parts, e_codes = account.orders.parts(payout), account.e_codes(payout, call.payout_url)
    return [_voucher(call, *both) for both in zip(parts, e_codes, strict=True)]


def _voucher(call: Call, part: Part, e_code: Mapping[str, Any]) -> Voucher:
    text, expiry = e_code["barcode_string"], e_code["expiry_date"]
    return Voucher(
        part.code,
        product_name(call, part.code),
        product_picture(call, part.code),
        e_code,
        None if text is None else draw(e_code["barcode_format"], text),
        "" if expiry == NEVER_EXPIRES else _day(datetime.fromisoformat(expiry)),
    )


def _choices(call: Call, payout: Payout, refused: Refused | None) -> list[_Choice]:
    typed = {} if refused is None else refused.typed
    wrong = {} if refused is None else refused.reason.parts
    choices = []
    for code in payout.codes:
        offer = call.server_state.catalogue.known_offer(code)
        choices.append(
            _Choice(
                code,
                product_name(call, code),
                product_picture(call, code),
                "" if offer is None else str(offer.denominations),
                offer is not None and from_cents(payout.item.face_value) in offer.denominations,
                typed.get(code, ""),
                wrong.get(code, ""),
            )
        )
    return choices


def product_name(call: Call, code: str) -> str:
    """A product's name, with that of the plan if the code is a plan's."""
    product = call.server_state.catalogue.product_of(code)
    plans = content.details(product).get("subscription_plans") or ()
    names = [plan.get("name") for plan in plans if plan["subscription_plan_code"] == code]
    return ", ".join(str(name) for name in (product["name"], *names) if name)


def product_picture(call: Call, code: str) -> str:
    """A product's picture, as SVG."""
    return content.picture(call.server_state.catalogue.product_of(code), "card")


def _moment(moment: datetime) -> str:
    return f"{_day(moment)} at {moment:%H:%M} UTC"


def _day(day: datetime) -> str:
    return f"{day.day} {day:%B %Y}"
