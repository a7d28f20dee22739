"""The constants of the contract against the JSON Schemas and the OpenAPI document."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import pytest

from runa_schemas import contract_data as data
from runa_schemas import iter_errors, load, openapi


def at(schema: str, *path: str) -> Any:
    """The value at a place of a schema."""
    found: Any = load(schema)
    for step in path:
        found = found[step]
    return found


def parameter(path: str, name: str) -> Mapping[str, Any]:
    """The schema of a parameter of a GET operation, in the OpenAPI document."""
    document = openapi()
    known = document["components"]["parameters"]
    given = document["paths"][path]["get"]["parameters"]
    parameters = [known[p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in given]
    schema: dict[str, Any] = next(p["schema"] for p in parameters if p["name"] == name)
    return schema


@pytest.mark.parametrize(
    ("constant", "stated"),
    [
        (data.MAX_ORDER_ITEMS, at("new_order", "properties", "items", "maxItems")),
        (data.MAX_ORDER_ITEMS, at("order", "properties", "items", "maxItems")),
        (data.MAX_ESTIMATE_ITEMS, at("new_estimate", "properties", "items", "maxItems")),
        (data.MAX_ESTIMATE_ITEMS, at("estimate", "properties", "items", "maxItems")),
        (
            data.MAX_DESCRIPTION_LENGTH,
            at("order_description", "maxLength"),
        ),
        (data.MAX_METADATA_PAIRS, at("metadata", "maxProperties")),
        (data.MAX_METADATA_KEY_LENGTH, at("metadata", "propertyNames", "maxLength")),
        (data.MAX_METADATA_VALUE_LENGTH, at("metadata", "additionalProperties", "maxLength")),
        (data.MAX_EMAIL_ADDRESS_LENGTH, at("email_address", "maxLength")),
        (float(data.MIN_FACE_VALUE), at("new_face_value", "minimum")),
        (data.MAX_PAGE_LIMIT, at("order_page", "properties", "items", "maxItems")),
        (data.MAX_PAGE_LIMIT, at("product_page", "properties", "catalog", "maxItems")),
        (
            data.MAX_PAGE_LIMIT,
            at("pagination", "properties", "page", "properties", "limit", "maximum"),
        ),
        (data.MAX_PAGE_LIMIT, parameter("/order", "limit")["maximum"]),
        (data.MAX_PAGE_LIMIT, parameter("/product", "limit")["maximum"]),
        (data.DEFAULT_ORDER_LIMIT, parameter("/order", "limit")["default"]),
        (data.DEFAULT_PRODUCT_LIMIT, parameter("/product", "limit")["default"]),
    ],
)
def test_schemas_state_the_same_limits(constant: float, stated: float) -> None:
    """A limit has one value, in the data and wherever a schema states it."""
    assert constant == stated


@pytest.mark.parametrize(
    ("constant", "stated"),
    [
        (data.Currency, at("currency", "enum")),
        (data.ORDER_STATUSES[1:], at("order_status", "enum")),
        (data.ORDER_STATUSES[:1], [at("accepted_order", "properties", "status", "const")]),
        (data.ORDER_STATUSES[:1], [at("incomplete_order", "properties", "status", "const")]),
        (data.PAYOUT_STATUSES, at("payout", "properties", "status", "enum")),
        (data.PRODUCT_STATES, at("product_facts", "properties", "state", "examples")),
        (data.PAYOUT_TYPES, at("other_product", "properties", "payout_type", "not", "enum")),
        ((*data.BARCODE_FORMATS, None), at("e_code_code", "properties", "barcode_format", "enum")),
        (data.REDEMPTION_ERRORS, at("redemption_error_code", "enum")),
        (data.WEBHOOK_EVENTS, openapi()["webhooks"]),
        (
            data.EXECUTION_MODES,
            openapi()["components"]["parameters"]["ExecutionMode"]["schema"]["enum"],
        ),
    ],
)
def test_schemas_list_the_same_values(constant: Iterable[str], stated: Iterable[str]) -> None:
    """A set of values has the same members and order in the data and in the schemas."""
    assert [*constant] == [*stated]


@pytest.mark.parametrize(
    ("schema", "limit", "make"),
    [
        (
            "recipient_distribution",
            data.MAX_RECIPIENT_REFERENCE_LENGTH,
            lambda length: {
                "type": "RECIPIENT",
                "recipient_reference": "r" * length,
                "email_address": "a@example.test",
            },
        ),
        (
            "email_address",
            data.MAX_EMAIL_ADDRESS_LENGTH,
            lambda length: "a" * (length - len("@example.test")) + "@example.test",
        ),
    ],
)
def test_a_limit_lies_where_the_schema_has_it(
    schema: str, limit: int, make: Callable[[int], object]
) -> None:
    """A text of the longest length fits the schema, one more character does not."""
    assert not [*iter_errors(make(limit), schema)]
    assert [*iter_errors(make(limit + 1), schema)]


def test_from_usd_only_currencies_are_the_documented_nine() -> None:
    """The subset is the provider's, and USD is not in it."""
    expected = ["AED", "ARS", "BRL", "CLP", "COP", "INR", "MYR", "PEN", "SAR"]
    assert sorted(data.FROM_USD_ONLY) == expected
    assert set(data.FROM_USD_ONLY) < set(data.Currency)


def test_numbers_without_a_schema_are_the_documented_ones() -> None:
    """What no schema can state is what the provider's pages say."""
    assert (data.RATE_LIMIT, data.RATE_LIMIT_SECONDS) == (300, 60)
    assert (data.IDEMPOTENCY_DAYS, data.PROCESSING_SECONDS) == (30, 1)
    assert (data.MAX_DISTINCT_TEMPLATES, data.PRODUCTS_PER_TEMPLATE) == (10, 10)
    assert Decimal(1_000_000_000_000) == data.MAX_CHOICE_FACE_VALUE
    assert data.API_KEY_PREFIXES == {"playground": "XX", "production": "wg"}
    assert data.API_VERSION == "2024-02-05"
    assert set(data.RETIRED_API_VERSIONS) == {"2023-07-27", "2023-01-16"}


def test_templates_are_named_by_currency() -> None:
    """Each of four currencies has one template, whose id is ``PT-`` and a ULID."""
    assert [*data.PRODUCT_TEMPLATES] == ["USD", "GBP", "EUR", "CAD"]
    ids = [*data.PRODUCT_TEMPLATES.values()]
    assert len({*ids}) == len(ids)
    assert all(re.fullmatch("PT-[0-7][0-9A-HJKMNP-TV-Z]{25}", id_) for id_ in ids)


def test_every_name_is_exported_and_read_only() -> None:
    """`__all__` names every public value, and none of them can be changed in place."""
    imported = {"Decimal", "Final", "Literal", "Mapping", "MappingProxyType", "StrEnum"}
    public = {name for name in vars(data) if not name.startswith("_")}
    assert {*data.__all__} == public - imported - {"TypeAlias", "get_args"}
    values = [getattr(data, name) for name in data.__all__]
    assert not [value for value in values if isinstance(value, dict | list | set)]


def test_the_data_is_importable_without_heavy_libraries() -> None:
    """Importing the constants loads neither jsonschema nor hypothesis."""
    code = (
        "import sys, runa_schemas.contract_data;"
        "print(sorted({'jsonschema', 'referencing', 'hypothesis', 'requests'} & set(sys.modules)))"
    )
    done = subprocess.run(  # noqa: S603 - this interpreter, a literal program
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
