"""Constants of the contract: versions, currencies, limits, statuses and codes, each stated once.

The server, the conformance suite and the strategies import them from here. The JSON Schemas state
the same numbers for programs in other languages; a test holds the two together. The error types are
in ``runa_schemas.ERRORS``.

Pages are those of the provider's documentation; *inferred* marks what its sources do not say.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

__all__ = [
    "API_KEY_PREFIXES",
    "API_VERSION",
    "BARCODE_FORMATS",
    "DEFAULT_ORDER_LIMIT",
    "DEFAULT_PRODUCT_LIMIT",
    "EXECUTION_MODES",
    "FROM_USD_ONLY",
    "IDEMPOTENCY_DAYS",
    "MAX_CHOICE_FACE_VALUE",
    "MAX_DESCRIPTION_LENGTH",
    "MAX_DISTINCT_TEMPLATES",
    "MAX_EMAIL_ADDRESS_LENGTH",
    "MAX_ESTIMATE_ITEMS",
    "MAX_METADATA_KEY_LENGTH",
    "MAX_METADATA_PAIRS",
    "MAX_METADATA_VALUE_LENGTH",
    "MAX_ORDER_ITEMS",
    "MAX_PAGE_LIMIT",
    "MAX_RECIPIENT_REFERENCE_LENGTH",
    "MIN_FACE_VALUE",
    "ORDER_STATUSES",
    "PAYOUT_STATUSES",
    "PAYOUT_TYPES",
    "PROCESSING_SECONDS",
    "PRODUCTS_PER_TEMPLATE",
    "PRODUCT_STATES",
    "PRODUCT_TEMPLATES",
    "RATE_LIMIT",
    "RATE_LIMIT_SECONDS",
    "REDEMPTION_ERRORS",
    "RETIRED_API_VERSIONS",
    "WEBHOOK_EVENTS",
    "BarcodeFormat",
    "Currency",
    "ExecutionMode",
    "OrderStatus",
    "PayoutStatus",
    "PayoutType",
    "ProductState",
    "ProfileName",
    "WebhookEvent",
]

ProfileName: TypeAlias = Literal["playground", "production"]
API_KEY_PREFIXES: Final[Mapping[ProfileName, str]] = MappingProxyType(
    {"playground": "XX", "production": "wg"}
)
"""How the API keys of each environment start, in upper or lower case (page "Authentication")."""

API_VERSION: Final = "2024-02-05"
"""The only live version of the API, and the default of ``X-Api-Version`` (page "Versioning")."""
RETIRED_API_VERSIONS: Final = ("2023-07-27", "2023-01-16")
"""Versions that answer 410 ``version_removed`` (page "Versioning"), the newest first."""

ExecutionMode: TypeAlias = Literal["async", "sync"]
EXECUTION_MODES: Final[tuple[ExecutionMode, ...]] = get_args(ExecutionMode)
"""The values of ``X-Execution-Mode``, the default first (page "Create order")."""


class Currency(StrEnum):
    """Every currency that can pay for an order."""  # page "Currencies"; ISO 4217 codes

    AED = "AED"
    ARS = "ARS"
    AUD = "AUD"
    BRL = "BRL"
    CAD = "CAD"
    CHF = "CHF"
    CLP = "CLP"
    CNY = "CNY"
    COP = "COP"
    CZK = "CZK"
    DKK = "DKK"
    EUR = "EUR"
    GBP = "GBP"
    HUF = "HUF"
    ILS = "ILS"
    INR = "INR"
    JPY = "JPY"
    KRW = "KRW"
    MXN = "MXN"
    MYR = "MYR"
    NOK = "NOK"
    NZD = "NZD"
    PEN = "PEN"
    PLN = "PLN"
    RON = "RON"
    SAR = "SAR"
    SEK = "SEK"
    SGD = "SGD"
    USD = "USD"
    ZAR = "ZAR"


FROM_USD_ONLY: Final = frozenset(
    {
        Currency.AED,
        Currency.ARS,
        Currency.BRL,
        Currency.CLP,
        Currency.COP,
        Currency.INR,
        Currency.MYR,
        Currency.PEN,
        Currency.SAR,
    }
)
"""Currencies whose products are paid in their own currency or in USD (page "Embedded FX")."""

PRODUCT_TEMPLATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "USD": "PT-01HQ12PV4B8XMBRTK281JM54KK",
        "GBP": "PT-01HPPT8ME05693EG77RCGKMX7N",
        "EUR": "PT-01HQ130AHCKRRB45Z5XV2Y8W9K",
        "CAD": "PT-01HQ12SMX2964BVXG2N69K8HF3",
    }
)
"""The playground's product-selection templates, by currency (page "Create order")."""
PRODUCTS_PER_TEMPLATE: Final = 10
"""How many products each of the playground's templates stands for (page "Create order")."""

# Limits of a request (pages "Create order" and "Estimate order"). Lengths are in code points.
MAX_ORDER_ITEMS: Final = 200
MAX_ESTIMATE_ITEMS: Final = 500
MAX_DESCRIPTION_LENGTH: Final = 128
MAX_METADATA_PAIRS: Final = 20
MAX_METADATA_KEY_LENGTH: Final = 40
MAX_METADATA_VALUE_LENGTH: Final = 200
MAX_RECIPIENT_REFERENCE_LENGTH: Final = 255
MAX_EMAIL_ADDRESS_LENGTH: Final = 254
"""Inferred, from the longest address that SMTP can carry."""
MAX_DISTINCT_TEMPLATES: Final = 10
"""How many product templates one order can name, and as many redemption templates."""
MIN_FACE_VALUE: Final = Decimal("0.01")
MAX_CHOICE_FACE_VALUE: Final = 10**12
"""The largest face value of an item with a choice of products (inferred)."""

# Limits of a list (pages "List orders" and "List products"). Every limit starts at 1.
MAX_PAGE_LIMIT: Final = 500
DEFAULT_ORDER_LIMIT: Final = 100
DEFAULT_PRODUCT_LIMIT: Final = 500

RATE_LIMIT: Final = 300
"""Attempts to create an order in ``RATE_LIMIT_SECONDS``, per account (page "Rate limiting")."""
RATE_LIMIT_SECONDS: Final = 60
IDEMPOTENCY_DAYS: Final = 30
"""How long the first answer to an idempotency key is replayed (page "Idempotency")."""
PROCESSING_SECONDS: Final = 1
"""How long an order is processed: ``completed_at`` minus ``created_at`` (page "Create order")."""

OrderStatus: TypeAlias = Literal["PROCESSING", "COMPLETED", "FAILED"]
ORDER_STATUSES: Final[tuple[OrderStatus, ...]] = get_args(OrderStatus)
"""The statuses of an order, the first and then those that it can end with (page "Get order")."""

PayoutStatus: TypeAlias = Literal["ACTIVE", "CLAIMED", "CANCELLED", "EXPIRED"]
PAYOUT_STATUSES: Final[tuple[PayoutStatus, ...]] = get_args(PayoutStatus)
"""The statuses of a payout link, the first one first (page "Get order")."""

ProductState: TypeAlias = Literal["LIVE", "TEMPORARILY_DISABLED", "TEMPORARILY_DEGRADED"]
PRODUCT_STATES: Final[tuple[ProductState, ...]] = get_args(ProductState)
"""The values of a product's ``state`` (page "List products"); the service may add some."""

PayoutType: TypeAlias = Literal["gift_card", "subscription", "payment"]
PAYOUT_TYPES: Final[tuple[PayoutType, ...]] = get_args(PayoutType)
"""The values of ``payout_type``, each the key of a product's details (page "List products")."""

BarcodeFormat: TypeAlias = Literal["code-128", "code-39", "ean-13", "QR", "pdf417"]
BARCODE_FORMATS: Final[tuple[BarcodeFormat, ...]] = get_args(BarcodeFormat)
"""The formats of the barcode that a redeemed payout can have (page "Redemption")."""

REDEMPTION_ERRORS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "RE001": "The payout was not found.",
        "RE002": "The account is inactive.",
        "RE003": "The payout was invalidated.",
        "RE004": "The payout has expired.",
        "RE005": "The payout was cancelled.",
        "RE006": "The product is out of stock.",
        "RE007": "The product is inactive.",
        "RE008": "The payout could not be processed.",
        "RE009": "The payout was retried within a minute of a processing error.",
        "RE010": "The account is out of funds.",
        "RE011": "There is no payout with this token.",
        "RE012": "The order item is invalid, cancelled or refunded.",
        "RE013": "The redemption API is not enabled.",
        "RE999": "An unexpected error occurred.",
    }
)
"""The error codes of the redemption API and their meaning, for people (page "Redemption")."""

WebhookEvent: TypeAlias = Literal["order.completion", "product.update"]
WEBHOOK_EVENTS: Final[tuple[WebhookEvent, ...]] = get_args(WebhookEvent)
"""The events that webhook endpoints subscribe to (page "Webhooks")."""
