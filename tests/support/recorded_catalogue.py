"""A catalogue as the service's real ones are: its proportions, its spelling and its oddities."""

import json
from collections.abc import Iterator
from copy import deepcopy
from itertools import cycle, islice
from typing import Any

from support.catalogue import CATALOGUE

Product = dict[str, Any]

_HOST = "https://assets.example/products"


def _from_elsewhere(value: Any, host: str = _HOST) -> Any:
    """A value with the paths of the mock turned into addresses of another host."""
    if isinstance(value, dict):
        return {name: _from_elsewhere(part, host) for name, part in value.items()}
    if isinstance(value, list):
        return [_from_elsewhere(part, host) for part in value]
    is_path = isinstance(value, str) and value.startswith("/content/")
    return host + value if is_path else value


def recorded_products(count: int = 500) -> list[Product]:
    """Products in the recorded order of keys, with absolute addresses; each code once."""
    base = [_from_elsewhere(product) for product in CATALOGUE["catalog"]]
    base = [product for product in base if product["payout_type"] != "subscription"]
    products = []
    for number, product in enumerate(islice(cycle(base), count)):
        copy = deepcopy(product)
        if number >= len(base):
            copy["code"] = f"{product['code']}-{number // len(base)}"
        products.append(copy)
    return products


def _of_type(product: Product, payout_type: str, details: Any) -> Product:
    """A product of another payout type."""
    place = list(product).index(product["payout_type"])
    changed = [(name, value) for name, value in product.items() if name != product["payout_type"]]
    changed[place:place] = [(payout_type, details)]
    return dict(changed) | {"payout_type": payout_type}


def odd_products() -> Iterator[Product]:
    """Products that differ from the documents as real ones do, each with a code of its own."""
    products = {product["code"]: product for product in recorded_products(200)}
    card, payment = products["AMZ-US"], products["P2C-US"]

    def odd(code: str, original: Product = card, /, **changes: Any) -> Product:
        return deepcopy(original) | {"code": code} | changes

    yield odd("ODD-STATE", state="RETIRING")
    yield odd("ODD-CURRENCY", currency="XTS")
    yield odd("ODD-LONG-CURRENCY", currency="USDC")
    yield odd("ODD-COUNTRY", countries_redeemable_in=["XK", "GLOBAL"])
    yield odd("ODD-CATEGORY", categories=["pets", "Charity & Giving"])
    yield odd("ODD-NOWHERE", countries_redeemable_in=[], categories=[])
    yield odd("ODD-ANNOUNCED", approval_state=None, availability=None, announced_at=None)
    ranged = {"denominations": {"minimum_value": "1.5", "maximum_value": "20"}}
    yield _of_type(odd("ODD-TYPE", payment), "bank_transfer", ranged)
    yield _of_type(odd("ODD-TYPE-WITHOUT-VALUES"), "crypto", {"wallets": ["any"]})
    yield _of_type(odd("ODD-TYPE-WITHOUT-DETAILS"), "points", None)
    missing = _of_type(odd("ODD-TYPE-OF-ANOTHER-KEY"), "bonus", None)
    del missing["bonus"]
    yield missing | {"payout_type": "customer_service"}
    fixed = odd("ODD-SPELLING")
    fixed["gift_card"]["denominations"] = {
        "type": "fixed",
        "minimum_value": "10",
        "maximum_value": "500.0",
        "available_list": ["20", "500.00", "15.0", "10", "10.00"],
    }
    fixed["gift_card"]["website_url"] = "https://shop.example/gift cards "
    fixed["gift_card"]["balance_check_url"] = ""
    fixed["gift_card"]["content_resources"]["description_markdown_url"] += " "
    yield fixed
    no_dots = odd("ODD-ADDRESSES")
    no_dots["gift_card"]["website_url"] = "shop.example"
    no_dots["gift_card"]["assets"] = dict.fromkeys(no_dots["gift_card"]["assets"])
    no_dots["gift_card"]["expiry"] |= {
        "date_policy": "See the card \u2013 it\u2019s printed",
        "in_months": 0,
    }
    yield no_dots
    plans = _from_elsewhere(next(p for p in CATALOGUE["catalog"] if p["code"] == "EXSTRM-US"))
    same = deepcopy(plans) | {"code": "ODD-PLAN"}
    same["subscription"]["subscription_plans"] = [
        same["subscription"]["subscription_plans"][0] | {"subscription_plan_code": "ODD-PLAN"}
    ]
    yield same


def page_text(products: list[Product]) -> str:
    """A page as ``GET /product`` answers it: no blanks between its parts."""
    pagination = {"cursors": {"after": None, "before": None}, "page": {"limit": 500}}
    page = {"catalog": products, "pagination": pagination}
    return json.dumps(page, ensure_ascii=False, separators=(",", ":"))
