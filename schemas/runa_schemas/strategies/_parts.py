"""The parts of an order, valid by the JSON Schemas; their products need not exist."""

from collections.abc import Collection, Iterable

from hypothesis import strategies as st

from runa_schemas.contract_data import (
    MAX_DESCRIPTION_LENGTH,
    MAX_METADATA_KEY_LENGTH,
    MAX_METADATA_PAIRS,
    MAX_METADATA_VALUE_LENGTH,
    PRODUCT_TEMPLATES,
)
from runa_schemas.strategies import _texts
from runa_schemas.strategies._json import Object
from runa_schemas.strategies._weighted import ELSE, Weighted, weighted

Objects = st.SearchStrategy[Object]

DISTRIBUTION_TYPES = ("PAYOUT_LINK", "EMAIL", "RECIPIENT")
PRODUCTS_TYPES = ("SINGLE", "TEMPLATE", "MULTIPLE")
UNKNOWN_FIELDS: tuple[Object, ...] = (
    {"note": "unknown"},
    {"": None},
    {"Type": 0},
    {"é": [[]]},
    {"items ": {"type": True}},
)
"""Fields that no part knows, so that the service has to ignore them."""

_LONG_ADDRESS = _texts.longest_address()
_PLAIN_DISTRIBUTIONS: tuple[Object, ...] = (
    {"type": "PAYOUT_LINK"},
    {"type": "EMAIL", "email_address": "a@example.test"},
    {"type": "RECIPIENT", "recipient_reference": "r", "email_address": "a@example.test"},
)
_ODD_DISTRIBUTIONS: tuple[Object, ...] = (
    {"type": "PAYOUT_LINK", "template_id": "DT-01HPSF51G0ZWHJ3JTNWRH0WDYK"},
    {"type": "PAYOUT_LINK", "template_id": None},
    {"type": "PAYOUT_LINK", "email_address": 1, "recipient_reference": None},
    {"type": "EMAIL", "email_address": "a@example.invalid", "template_id": None},
    {"type": "EMAIL", "email_address": "é.😀@bücher.invalid", "recipient_reference": ""},
    {"type": "EMAIL", "email_address": _LONG_ADDRESS, "note": {"unknown": []}},
    {
        "type": "RECIPIENT",
        "recipient_reference": "0",
        "email_address": "a+b-c@1.2",
        "template_id": "DT-0123456789ABCDEFGHJKMNPQRS",
    },
    {
        "type": "RECIPIENT",
        "recipient_reference": _texts.LONGEST_REFERENCE,
        "email_address": _LONG_ADDRESS,
        "template_id": "DT-TVWXYZTVWXYZ01234567890123",
    },
)
_PLAIN_PRODUCTS: tuple[Object, ...] = (
    {"type": "SINGLE", "value": "1800FL-US"},
    {"type": "TEMPLATE", "template_id": PRODUCT_TEMPLATES["USD"]},
    {"type": "MULTIPLE", "values": ["AMZ-US", "1800FL-US"]},
)
_ODD_PRODUCTS: tuple[Object, ...] = (
    {"type": "SINGLE", "value": "\x00", "usage_config": None},
    {"type": "SINGLE", "value": "😀", "values": 0, "template_id": []},
    {"type": "SINGLE", "value": "1800FL-US", "usage_config": {}},
    {
        "type": "SINGLE",
        "value": "VISASL-3M-USD",
        "usage_config": {"spend_rules_template_id": None, "note": "unknown"},
    },
    {
        "type": "SINGLE",
        "value": "VISASL-3M-USD",
        "usage_config": {"spend_rules_template_id": "PSR-0123456789ABCDEFGHJKMNPQRS"},
    },
    {"type": "TEMPLATE", "template_id": "", "value": None},
    {"type": "MULTIPLE", "values": ["", "é"], "note": "unknown"},
    {"type": "MULTIPLE", "values": ["a", "A", "a ", "A-1", "\x00"]},
)
_PLAIN_FACE_VALUES: tuple[float, ...] = (10, 1, 20, 10.5, 9.99, 100)
_ODD_FACE_VALUES: tuple[float, ...] = (
    *(0.01, 0.02, 10.0, 1_000_000, 10**13, 12.345, 0.30000000000000004),
    *(0.010000000000000002, 1e15, 1e16, 3.3e22),
)


def one_of_types(name: str, given: Collection[str], known: Iterable[str]) -> tuple[str, ...]:
    """The types that a caller wants.

    Raises:
        ValueError: if there is none, or one that is not known.
    """
    types = (given,) if isinstance(given, str) else tuple(given)
    unknown = sorted(set(types) - set(known))
    if unknown or not types:
        fault = f"not {', '.join(map(repr, unknown))}" if unknown else "at least one"
        raise ValueError(f"{name}: give some of {', '.join(known)}, {fault}")
    return types


def payment_in(currency: str) -> Object:
    """``payment_method`` in one currency."""
    return {"type": "ACCOUNT_BALANCE", "currency": currency}


def payment_methods() -> Objects:
    """``payment_method``: the account's balance in any currency."""
    return PAYMENT_METHODS.strategy


PAYMENT_METHODS = Weighted(
    st.sampled_from([*map(payment_in, _texts.CURRENCIES), *[ELSE] * 3]),
    st.sampled_from([payment_in("USD") | unknown for unknown in UNKNOWN_FIELDS]),
)


def face_values() -> st.SearchStrategy[float]:
    """Face values, as ``int`` and as ``float``: 0.01 and more (page "Create order").

    ``json.dumps`` writes them as JSON numbers. Not every number of cents is a ``float``: a reader
    who wants decimals parses with ``parse_float=Decimal``.
    """
    return FACE_VALUES.strategy


FACE_VALUES: Weighted[float] = weighted(
    _PLAIN_FACE_VALUES, _ODD_FACE_VALUES, st.integers(1, 10**13) | st.floats(0.01, 1e15)
)


def distributions(types: Collection[str] = DISTRIBUTION_TYPES) -> Objects:
    """``distribution_method``: by link, by mail, to a known recipient (page "Create order").

    Args:
        types: Which of ``PAYOUT_LINK``, ``EMAIL`` and ``RECIPIENT`` to draw.

    Raises:
        ValueError: No type, or an unknown one.
    """
    wanted = one_of_types("types", types, DISTRIBUTION_TYPES)
    return distributions_of(wanted, _TEMPLATE_IDS).strategy


def distributions_of(
    types: Collection[str], template_ids: st.SearchStrategy[str]
) -> Weighted[Object]:
    """``distribution_method`` of these types, with templates that are well-formed or drawn."""
    return weighted(
        _of_types(_PLAIN_DISTRIBUTIONS, types),
        _of_types(_ODD_DISTRIBUTIONS, types),
        _free_distributions(st.sampled_from(tuple(types)), st.none() | template_ids),
    )


def _of_types(parts: Iterable[Object], types: Collection[str]) -> list[Object]:
    return [part for part in parts if part["type"] in types]


@st.composite
def _free_distributions(
    draw: st.DrawFn,
    types: st.SearchStrategy[str],
    template_ids: st.SearchStrategy[str | None],
) -> Object:
    type_ = draw(types)
    method: Object = {"type": type_}
    if type_ == "RECIPIENT":
        method["recipient_reference"] = draw(_REFERENCES)
    if type_ != "PAYOUT_LINK":
        method["email_address"] = draw(_ADDRESSES)
    method["template_id"] = draw(template_ids)
    return method


_REFERENCES = _texts.recipient_references()
_ADDRESSES = _texts.email_addresses()
_TEMPLATE_IDS = _texts.redemption_template_ids() | st.text(max_size=6)


def products(types: Collection[str] = PRODUCTS_TYPES) -> Objects:
    """``products`` of an item: one, a template, or a listed choice (page "Create order").

    Args:
        types: Which of ``SINGLE``, ``TEMPLATE`` and ``MULTIPLE`` to draw.

    Raises:
        ValueError: No type, or an unknown one.
    """
    return _products_of(one_of_types("types", types, PRODUCTS_TYPES)).strategy


def _products_of(types: Collection[str]) -> Weighted[Object]:
    return weighted(
        _of_types(_PLAIN_PRODUCTS, types),
        _of_types(_ODD_PRODUCTS, types),
        _free_products(st.sampled_from(tuple(types))),
    )


@st.composite
def _free_products(draw: st.DrawFn, types: st.SearchStrategy[str]) -> Object:
    type_ = draw(types)
    if type_ == "SINGLE":
        rules = {"spend_rules_template_id": draw(_SPEND_RULES)}
        return {"type": "SINGLE", "value": draw(_CODES), "usage_config": rules}
    if type_ == "TEMPLATE":
        return {"type": "TEMPLATE", "template_id": draw(_PRODUCT_TEMPLATES)}
    return {"type": "MULTIPLE", "values": draw(_CHOICES)}


_CODES = _texts.product_codes()
_SPEND_RULES = _texts.spend_rules_template_ids()
_PRODUCT_TEMPLATES = st.text(max_size=6)
_CHOICES = st.lists(st.text(max_size=6), min_size=2, max_size=4, unique=True)


def descriptions() -> st.SearchStrategy[str]:
    """``description``: any text of at most 128 characters (page "Create order")."""
    return _texts.words(MAX_DESCRIPTION_LENGTH)


def metadata() -> st.SearchStrategy[dict[str, str]]:
    """``metadata``: at most 20 pairs, keys of at most 40 characters, values of at most 200."""
    keys = _texts.words(MAX_METADATA_KEY_LENGTH)
    values = _texts.words(MAX_METADATA_VALUE_LENGTH)
    many = st.integers(0, 2 * MAX_METADATA_PAIRS).map(
        lambda count: {f"key-{n}": "v" for n in range(min(count, MAX_METADATA_PAIRS))}
    )
    return st.dictionaries(keys, values, max_size=3) | many


@st.composite
def items(draw: st.DrawFn) -> Object:
    """Items of an order (page "Create order")."""
    return {
        "face_value": FACE_VALUES.of(draw),
        "distribution_method": _ANY_DISTRIBUTION.of(draw),
        "products": _ANY_PRODUCTS.of(draw),
    }


@st.composite
def estimate_items(draw: st.DrawFn) -> Object:
    """Items of an estimate: they have no distribution and no template (page "Estimate order")."""
    return {"face_value": FACE_VALUES.of(draw), "products": _ESTIMATED_PRODUCTS.of(draw)}


_ANY_DISTRIBUTION = distributions_of(DISTRIBUTION_TYPES, _TEMPLATE_IDS)
_ANY_PRODUCTS = _products_of(PRODUCTS_TYPES)
_ESTIMATED_PRODUCTS = _products_of(("SINGLE", "MULTIPLE"))
