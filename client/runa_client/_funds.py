"""What an order would cost and what there is to pay it from."""

from collections.abc import Mapping
from decimal import Decimal

from runa_client._core import COMMON, Core, check_names, get
from runa_client._exchange import Flow, Request
from runa_client._fields import Raw, each, json_object, money, optional, required, string
from runa_client._json import encode
from runa_client._orders import EstimateOptions, NewOrder, order_body
from runa_client._record import Record

_ORDER_ONLY = frozenset({"description", "metadata"})


class EstimateItem(Record):
    """The cost of one item; amounts are in units of `currency`, that of its products."""

    face_value: Decimal | None
    price: Decimal | None
    discount_multiplier: Decimal | None
    currency: str | None
    raw: Raw


class Estimate(Record):
    """What an order would cost, in units of `currency`, that of the payment.

    `total_price` includes the fee of a currency exchange, which `transaction_detail` in `raw`
    tells apart. `raw` is the JSON object, its fractions as `Decimal`.
    """

    currency: str | None
    total_price: Decimal
    total_discount: Decimal | None
    items: tuple[EstimateItem, ...]
    raw: Raw


class Balance(Record):
    """What an account can spend in one currency."""

    currency: str
    amount: Decimal
    raw: Raw


def estimate_order(core: Core, order: NewOrder, options: EstimateOptions) -> Flow[Estimate]:
    """Ask what an order would cost."""
    check_names("estimate_order", options, EstimateOptions.__annotations__)
    headers = {**COMMON, "Content-Type": "application/json"}
    body = encode(_estimate_body(order, options))
    request = Request(method="POST", target="/order/estimate", headers=headers, body=body)
    return core.call(request, _estimate)


def balances(core: Core) -> Flow[tuple[Balance, ...]]:
    """Read the balances above zero."""
    return core.call(get("/balance"), each(_balance))


def balance(core: Core, currency: str) -> Flow[Balance]:
    """Read the balance in one currency."""
    if not isinstance(currency, str):
        raise TypeError(f"currency: must be a code such as USD, not {currency!r}")
    return core.call(get("/balance", {"currency": currency}), _balance)


def _estimate_body(order: NewOrder, options: EstimateOptions) -> Mapping[str, object]:
    """Build the body from an order, less what does not bear on its cost."""
    whole = order_body(order, options)
    body = {name: value for name, value in whole.items() if name not in _ORDER_ONLY}
    items = body.get("items")
    if isinstance(items, list | tuple):
        body["items"] = [_costly(item) for item in items]
    return body


def _costly(item: object) -> object:
    if not isinstance(item, Mapping):
        return item
    return {name: value for name, value in item.items() if name != "distribution_method"}


def _estimate(data: object) -> Estimate:
    raw = json_object(data)
    return Estimate(
        currency=optional(raw, "currency", string),
        total_price=required(raw, "total_price", money),
        total_discount=optional(raw, "total_discount", money),
        items=optional(raw, "items", each(_estimate_item)) or (),
        raw=raw,
    )


def _estimate_item(data: object) -> EstimateItem:
    raw = json_object(data)
    return EstimateItem(
        face_value=optional(raw, "face_value", money),
        price=optional(raw, "price", money),
        discount_multiplier=optional(raw, "discount_multiplier", money),
        currency=optional(raw, "currency", string),
        raw=raw,
    )


def _balance(data: object) -> Balance:
    raw = json_object(data)
    return Balance(
        currency=required(raw, "currency", string),
        amount=required(raw, "balance", money),
        raw=raw,
    )
