"""Turning a payout link into an e-code."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from runa_client._core import ANONYMOUS, Core
from runa_client._errors import RedemptionError
from runa_client._exchange import Flow, Request
from runa_client._fields import Raw, each, json_object, money, optional, required, string
from runa_client._record import Record
from runa_client._results import OrderItem, Payout
from runa_client._settings import checked_url

Redeemable = Payout | OrderItem | str

_NEVER = "3000-01-01"


class ECode(Record):
    """What the recipient gets; whoever reads it can spend it.

    `type` is `code`, or `url`, where `code` repeats `url` and there is neither PIN nor barcode.
    `url` is always there; for a `code` it is a page that shows the code.
    `amount` is in the currency of the payout. `barcode_format` is `code-128`, `code-39`,
    `ean-13`, `QR` or `pdf417`, and `expiry_date` a date such as `2028-04-30`. `status`,
    `error_code` and `error_string` are the provider's word on this code.
    """

    type: str | None
    status: str | None
    amount: Decimal | None
    code: str | None
    pin: str | None
    barcode_format: str | None
    barcode_string: str | None
    expiry_date: str | None
    url: str | None
    error_code: str | None
    error_string: str | None
    raw: Raw

    @property
    def never_expires(self) -> bool:
        """Whether the expiry date is the one that stands for never."""
        return self.expiry_date == _NEVER


class Redemption(Record):
    """A redeemed payout link: its `e_code`, or several in `e_codes` if the value was split.

    `e_codes` begins with `e_code`. `order_id` is a short id such as `O-VJJLWJPV`, which is not
    the id that `get_order` takes.
    """

    order_id: str | None
    e_code: ECode
    e_codes: tuple[ECode, ...]
    raw: Raw


def redeem(core: Core, payout: Redeemable) -> Flow[Redemption]:
    """Redeem a payout link."""
    request = _request(_url(payout))
    result = yield from core.call(request, _outcome)
    if isinstance(result, RedemptionError):
        raise _cleaned(result, core.clean(request))
    return result


def _cleaned(error: RedemptionError, clean: Callable[[str], str]) -> RedemptionError:
    """Take the link and control characters out of what its host said."""

    def cleaned(value: object) -> Any:
        if isinstance(value, str):
            return clean(value)
        if isinstance(value, dict):
            return {clean(name): cleaned(inner) for name, inner in value.items()}
        return [cleaned(inner) for inner in value] if isinstance(value, list) else value

    try:
        said = (error.code, error.order_id, error.message, error.details)
        return RedemptionError(*map(cleaned, said))
    except RecursionError:
        return RedemptionError(cleaned(error.code), None, "details nested beyond any sense", None)


def _url(payout: Redeemable) -> str:
    if isinstance(payout, str):
        return payout
    if not isinstance(payout, OrderItem | Payout):
        raise TypeError("payout: must be a link, an item of an order or its payout")
    if payout.url is None:
        raise ValueError(f"there is no payout link yet: {payout!r}")
    return payout.url


def _request(url: str) -> Request:
    parts = checked_url("the payout link", url)
    kept = [pair for pair in parts.query.split("&") if pair and pair.split("=")[0] != "format"]
    target = f"{parts.path or '/'}?{'&'.join([*kept, 'format=json'])}"
    # The link says who may redeem; the API key is nothing that its host should see.
    origin = f"{parts.scheme}://{parts.netloc}"
    return Request(method="GET", target=target, headers=ANONYMOUS, origin=origin)


def _outcome(data: object) -> Redemption | RedemptionError:
    """Read what a payout link answers.

    Raises:
        ValueError: It is no such answer; the message names the field.
    """
    raw = json_object(data)
    order_id = optional(raw, "order_id", string)
    status = required(raw, "status", string)
    if status == "ERROR":
        said = optional(raw, "error_string", string)
        code = required(raw, "error_code", string)
        return RedemptionError(code, order_id, said, raw.get("error_details"))
    if status != "SUCCESS":
        raise ValueError("status is neither SUCCESS nor ERROR")
    e_code = required(raw, "e_code", _e_code)
    # More than one is an extension for a value that was split.
    e_codes = optional(raw, "e_codes", each(_e_code)) or (e_code,)
    return Redemption(order_id=order_id, e_code=e_code, e_codes=e_codes, raw=raw)


def _e_code(data: object) -> ECode:
    raw = json_object(data)
    return ECode(
        type=optional(raw, "type", string),
        status=optional(raw, "status", string),
        amount=optional(raw, "amount", money),
        code=optional(raw, "code", string),
        pin=optional(raw, "pin", string),
        barcode_format=optional(raw, "barcode_format", string),
        barcode_string=optional(raw, "barcode_string", string),
        expiry_date=optional(raw, "expiry_date", string),
        url=optional(raw, "url", string),
        error_code=optional(raw, "error_code", string),
        error_string=optional(raw, "error_string", string),
        raw=raw,
    )
