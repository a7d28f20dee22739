"""Hypothesis strategies for the contract: requests that are valid, and some that just are not.

``order_bodies`` draws what the JSON Schemas allow, ``orders`` what a service with a catalogue
accepts, and ``invalid_order_bodies`` near misses: a valid body, the same with exactly one rule of
the contract broken, and what is answered. ``fault_plans`` says how a double is to fail. All shrink
to what a person reads at a glance.

It needs hypothesis: install ``runa-mock[hypothesis]``. Nothing else of this package imports it.
"""

try:
    import hypothesis as _hypothesis  # noqa: F401 - only to say what is missing
except ImportError as error:
    raise ImportError(
        "runa_schemas.strategies needs hypothesis; install runa-mock[hypothesis]"
    ) from error

from runa_schemas.contract_data import PRODUCT_TEMPLATES
from runa_schemas.strategies._bodies import estimate_bodies, order_bodies
from runa_schemas.strategies._faults import FAULT_PLACES, fault_plans
from runa_schemas.strategies._from_schema import from_schema
from runa_schemas.strategies._headers import headers, invalid_headers
from runa_schemas.strategies._json import json_objects, json_values, mutations, places, spellings
from runa_schemas.strategies._json_rules import malformed_json
from runa_schemas.strategies._misses import (
    RULES,
    boundary_order_bodies,
    breakable_rules,
    invalid_estimate_bodies,
    invalid_order_bodies,
)
from runa_schemas.strategies._near_miss import HeaderMiss, NearMiss, Rule
from runa_schemas.strategies._orders import estimates, orders
from runa_schemas.strategies._parts import (
    descriptions,
    distributions,
    estimate_items,
    face_values,
    items,
    metadata,
    payment_methods,
    products,
)
from runa_schemas.strategies._texts import (
    api_keys,
    currencies,
    email_addresses,
    idempotency_keys,
    product_codes,
    product_template_ids,
    recipient_references,
    redemption_template_ids,
    spend_rules_template_ids,
)

__all__ = [
    "FAULT_PLACES",
    "PRODUCT_TEMPLATES",
    "RULES",
    "HeaderMiss",
    "NearMiss",
    "Rule",
    "api_keys",
    "boundary_order_bodies",
    "breakable_rules",
    "currencies",
    "descriptions",
    "distributions",
    "email_addresses",
    "estimate_bodies",
    "estimate_items",
    "estimates",
    "face_values",
    "fault_plans",
    "from_schema",
    "headers",
    "idempotency_keys",
    "invalid_estimate_bodies",
    "invalid_headers",
    "invalid_order_bodies",
    "items",
    "json_objects",
    "json_values",
    "malformed_json",
    "metadata",
    "mutations",
    "order_bodies",
    "orders",
    "payment_methods",
    "places",
    "product_codes",
    "product_template_ids",
    "products",
    "recipient_references",
    "redemption_template_ids",
    "spellings",
    "spend_rules_template_ids",
]
