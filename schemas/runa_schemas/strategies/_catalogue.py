"""What can be ordered: a product list of the provider, read for what the strategies need."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from runa_schemas.contract_data import PAYOUT_TYPES, PRODUCT_TEMPLATES

_AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?")


class Offer(NamedTuple):
    """What a code in an order stands for: a product, or a plan of a subscription product.

    Attributes:
        code: The product or plan code.
        currency: The currency of its face values.
        payout_type: ``gift_card``, ``subscription``, ``payment``, or one that the service added.
        least: The smallest face value.
        most: The largest face value.
        listed: The only face values there are, or None where all from least to most are.
        is_orderable: Whether orders for it are taken.
    """

    code: str
    currency: str
    payout_type: str
    least: Decimal
    most: Decimal
    listed: tuple[Decimal, ...] | None = None
    is_orderable: bool = True


class Template(NamedTuple):
    """A product-selection template.

    Attributes:
        id: ``PT-...``.
        currency: The currency of its products.
        enough: A face value that is not too small for it.
        least: The smallest minimum of its products, or None where they are not known.
    """

    id: str
    currency: str
    enough: Decimal
    least: Decimal | None


class Catalogue(NamedTuple):
    """Offers by code, and templates by id."""

    offers: Mapping[str, Offer]
    templates: Mapping[str, Template]


def _gift_card(code: str, currency: str, *values: int | str) -> Offer:
    """A gift card of the values from one to another, or of several single ones."""
    amounts = tuple(map(Decimal, values))
    listed = amounts if len(amounts) > 2 else None  # noqa: PLR2004 - two ends
    return Offer(code, currency, "gift_card", amounts[0], amounts[-1], listed)


def _payment(code: str, currency: str, least: int, most: int) -> Offer:
    """A payment of the values from one to another."""
    return Offer(code, currency, "payment", Decimal(least), Decimal(most))


# The products that the provider's pages name. Where they give no face values, those of the mock.
_NAMED = (
    _gift_card("1800FL-US", "USD", 10, 100),
    _gift_card("AMZ-US", "USD", 1, 2000),
    _gift_card("AIRBNB-US", "USD", 5, 500),
    _gift_card("AMC-US", "USD", 3, 200),
    _gift_card("FIVEG-US", "USD", 5, 500),
    _gift_card("VISASL-3M-USD", "USD", 1, 1000),
    _gift_card("VISASL-6M-USD", "USD", 1, 1000),
    _gift_card("VISASL-12M-USD", "USD", 1, 1000),
    _payment("VISARL-USD", "USD", 1, 1000),
    _payment("P2C-US", "USD", 1, 10_000),
    _gift_card("AMZ-GB", "GBP", 1, 1000),
    _gift_card("ADAS-GB", "GBP", "0.01", 500),
    _gift_card("ABO-GB", "GBP", 5, 250),
    _gift_card("BAW-GB", "GBP", 5, 10, 20, 30, 50, 100),
    _payment("P2C-GB", "GBP", 1, 5000),
    _gift_card("CDISC-FR", "EUR", 20, 50, 100, 200, 300),
    _gift_card("AUCHAN-FR", "EUR", *range(10, 151)),
    _payment("P2C-EUR", "EUR", 1, 5000),
    _gift_card("LUSH-CA", "CAD", 10, 250),
)


def named_products() -> Catalogue:
    """The products and templates that the provider's pages name."""
    offers = {offer.code: offer for offer in _NAMED}
    return Catalogue(offers, {t.id: t._replace(least=None) for t in _playground(offers)})


def read_catalogue(given: Any, templates: Mapping[str, Iterable[str]] | None) -> Catalogue:
    """What a catalogue offers.

    Args:
        given: The products as ``GET /product`` answers them: a page, a list of pages, or a list of
            products; None for those that the provider's pages name.
        templates: For each further product-selection template the codes it stands for.

    Raises:
        ValueError: naming product, field and reason.
    """
    if given is None:
        catalogue = named_products()
    else:
        offers: dict[str, Offer] = {}
        for place, product in _products(given):
            for offer in _offers(place, product):
                if offer.code in offers:
                    raise _fault(place, f"{offer.code!r} is there twice")
                offers[offer.code] = offer
        catalogue = Catalogue(offers, {t.id: t for t in _playground(offers)})
    own = {id_: _own_template(id_, codes, catalogue) for id_, codes in (templates or {}).items()}
    return catalogue._replace(templates={**catalogue.templates, **own})


def unknown(name: str, wanted: str, known: Iterable[str]) -> ValueError:
    """The error for a value that is none of those there are; it offers the nearest."""
    near = difflib.get_close_matches(wanted, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return _fault(name, f"the catalogue has no {wanted!r} that can be ordered{hint}")


def _fault(place: str, reason: str) -> ValueError:
    return ValueError(f"{place}: {reason}")


def _playground(offers: Mapping[str, Offer]) -> Iterator[Template]:
    """The playground's templates, as far as there are gift cards that they can stand for."""
    for currency, id_ in PRODUCT_TEMPLATES.items():
        # Which ten of them a template stands for is not known, so all of them count.
        minimums = [
            offer.least
            for offer in offers.values()
            if offer.is_orderable and (offer.currency, offer.payout_type) == (currency, "gift_card")
        ]
        if minimums:
            yield Template(id_, currency, max(minimums), min(minimums))


def _own_template(id_: str, codes: Iterable[str], catalogue: Catalogue) -> Template:
    if isinstance(codes, str):
        raise _fault(f"templates[{id_!r}]", "give a list of codes, not a text")
    chosen = []
    for code in codes:
        offer = catalogue.offers.get(code)
        if offer is None or not offer.is_orderable:
            raise unknown(f"templates[{id_!r}]", code, catalogue.offers)
        chosen.append(offer)
    if len({offer.currency for offer in chosen}) != 1:
        raise _fault(f"templates[{id_!r}]", "give codes of one currency")
    least = min(offer.least for offer in chosen)
    return Template(id_, chosen[0].currency, least, least)


def _products(given: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every product document and where it stands."""
    entries = [given] if isinstance(given, Mapping) else given
    if not isinstance(entries, Iterable) or isinstance(entries, str | bytes):
        wanted = 'a page, {"catalog": [...]}, a list of pages or a list of products'
        raise _fault("catalogue", f"give {wanted}, not {type(given).__name__}")
    for number, entry in enumerate(entries):
        if isinstance(entry, Mapping) and isinstance(entry.get("catalog"), list):
            for index, product in enumerate(entry["catalog"]):
                yield f"catalogue, page {number + 1}, catalog[{index}]", product
        else:
            yield f"catalogue[{number}]", entry


def _offers(place: str, product: Any) -> Iterator[Offer]:
    code = _field(place, product, "code", str)
    place = f"{place} ({code})"
    currency = _field(place, product, "currency", str)
    payout_type = _field(place, product, "payout_type", str)
    is_orderable = _field(place, product, "is_orderable", bool)
    if payout_type not in PAYOUT_TYPES and not _has_denominations(product.get(payout_type)):
        return  # the service adds types; without face values nothing can be ordered
    details = _field(place, product, payout_type, Mapping)
    place = f"{place}: {payout_type}"
    if payout_type == "subscription":
        for index, plan in enumerate(_field(place, details, "subscription_plans", list)):
            here = f"{place}.subscription_plans[{index}]"
            price = _amount(f"{here}.price", _field(here, plan, "price", str))
            plan_code = _field(here, plan, "subscription_plan_code", str)
            yield Offer(plan_code, currency, payout_type, price, price, (price,), is_orderable)
        return
    denominations = _field(place, details, "denominations", Mapping)
    place = f"{place}.denominations"
    if denominations.get("type") == "fixed":
        given = _field(place, denominations, "available_list", list)
        listed = tuple(sorted(_amount(f"{place}.available_list", value) for value in given))
        if listed:
            yield Offer(code, currency, payout_type, listed[0], listed[-1], listed, is_orderable)
        return
    least, most = (
        _amount(f"{place}.{end}", _field(place, denominations, end, str))
        for end in ("minimum_value", "maximum_value")
    )
    yield Offer(code, currency, payout_type, least, most, None, is_orderable)


def _has_denominations(details: Any) -> bool:
    """Whether a product of an unknown type has face values, from one to another or listed."""
    given = details.get("denominations") if isinstance(details, Mapping) else None
    if not isinstance(given, Mapping):
        return False
    if given.get("type") == "fixed":
        listed = given.get("available_list")
        return isinstance(listed, list) and all(map(_is_amount, listed))
    least, most = given.get("minimum_value"), given.get("maximum_value")
    ends = given.get("type") in {"open", None} and _is_amount(least) and _is_amount(most)
    return ends and Decimal(str(least)) <= Decimal(str(most))


def _field(place: str, part: Any, name: str, kind: type) -> Any:
    if not isinstance(part, Mapping):
        raise _fault(place, f"must be an object, not {type(part).__name__}")
    if name not in part:
        raise _fault(place, f"{name} is required")
    if not isinstance(part[name], kind):
        wanted = {str: "a text", bool: "true or false", list: "a list"}.get(kind, "an object")
        raise _fault(place, f"{name} must be {wanted}, not {part[name]!r}")
    return part[name]


def _is_amount(value: object) -> bool:
    return isinstance(value, str) and _AMOUNT.fullmatch(value) is not None


def _amount(place: str, value: Any) -> Decimal:
    if not _is_amount(value):
        raise _fault(place, f"must be an amount such as '10.00', not {value!r}")
    return Decimal(value)
