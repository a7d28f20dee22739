"""A thin client of the Runa payouts API v2: orders placed once, whatever the network does.

`RunaClient` works on requests, `AsyncRunaClient` on aiohttp; both have the same methods. Base
URL and API key come from arguments or from `RUNA_BASE_URL` and `RUNA_API_KEY`, so that the same
code runs against a mock server and the real service.

Beside the clients, their results and their errors, the package exports what a program needs that
speaks to the service by itself: `make_settings` and `checked_header` check settings,
`encode_json` and `decode_json` read and write JSON with exact decimals, `parse_product` reads a
product, and `network_failure` puts an HTTP library's exception into words without the API key.
"""

from typing import TYPE_CHECKING

import runa_client._installed  # noqa: F401 - refuses mixed files, which may not even import
from runa_client._build import (
    FaceValue,
    JsonObject,
    email,
    item,
    multiple,
    payout_link,
    recipient,
    single,
    template,
)
from runa_client._client import RunaClient
from runa_client._errors import (
    AccessDeniedError,
    AuthenticationError,
    BadRequestError,
    Call,
    ConfigurationError,
    ErrorDetail,
    IdempotencyConflictError,
    IdempotencyInProgressError,
    NotFoundError,
    OrderFailedError,
    OrderTimeoutError,
    Problem,
    RateLimitError,
    RedemptionError,
    RedirectError,
    RunaApiError,
    RunaCallError,
    RunaConnectionError,
    RunaError,
    RunaResponseError,
    RunaTimeoutError,
    ServerError,
    ValidationError,
    WebhookFlaw,
    WebhookUsageError,
    WebhookVerificationError,
)
from runa_client._exchange import NetworkFailure, network_failure
from runa_client._fields import Raw
from runa_client._funds import Balance, Estimate, EstimateItem
from runa_client._json import decode as decode_json
from runa_client._json import encode as encode_json
from runa_client._orders import EstimateOptions, NewOrder, OrderOptions, Progress, WaitOptions
from runa_client._page import Page
from runa_client._products import (
    ContentForm,
    Denominations,
    Product,
    ProductFilters,
    ProductPage,
    SubscriptionPlan,
    parse_product,
)
from runa_client._record import Record
from runa_client._redemption import ECode, Redeemable, Redemption
from runa_client._results import Order, OrderItem, OrderPage, OrderReceipt, Payout
from runa_client._settings import (
    Backoff,
    ClientOptions,
    RetryPolicy,
    Settings,
    Timeout,
    checked_header,
    make_settings,
)
from runa_client._transport import RunaAdapter, deadline
from runa_client._version import VERSION as __version__  # noqa: N811 - the name that packages state their version by
from runa_client._webhooks import (
    HeaderValue,
    OrderCompletionEvent,
    ProductState,
    ProductUpdateEvent,
    WebhookEvent,
    WebhookHeaders,
    verify_webhook,
)

if TYPE_CHECKING:
    from runa_client._async_client import AsyncRunaClient
else:

    def __getattr__(name: str) -> object:
        """Import the asynchronous client when it is first asked for: aiohttp loads slowly."""
        if name == "AsyncRunaClient":
            from runa_client._async_client import AsyncRunaClient  # noqa: PLC0415 - see above

            return AsyncRunaClient
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "AccessDeniedError",
    "AsyncRunaClient",
    "AuthenticationError",
    "Backoff",
    "BadRequestError",
    "Balance",
    "Call",
    "ClientOptions",
    "ConfigurationError",
    "ContentForm",
    "Denominations",
    "ECode",
    "ErrorDetail",
    "Estimate",
    "EstimateItem",
    "EstimateOptions",
    "FaceValue",
    "HeaderValue",
    "IdempotencyConflictError",
    "IdempotencyInProgressError",
    "JsonObject",
    "NetworkFailure",
    "NewOrder",
    "NotFoundError",
    "Order",
    "OrderCompletionEvent",
    "OrderFailedError",
    "OrderItem",
    "OrderOptions",
    "OrderPage",
    "OrderReceipt",
    "OrderTimeoutError",
    "Page",
    "Payout",
    "Problem",
    "Product",
    "ProductFilters",
    "ProductPage",
    "ProductState",
    "ProductUpdateEvent",
    "Progress",
    "RateLimitError",
    "Raw",
    "Record",
    "Redeemable",
    "Redemption",
    "RedemptionError",
    "RedirectError",
    "RetryPolicy",
    "RunaAdapter",
    "RunaApiError",
    "RunaCallError",
    "RunaClient",
    "RunaConnectionError",
    "RunaError",
    "RunaResponseError",
    "RunaTimeoutError",
    "ServerError",
    "Settings",
    "SubscriptionPlan",
    "Timeout",
    "ValidationError",
    "WaitOptions",
    "WebhookEvent",
    "WebhookFlaw",
    "WebhookHeaders",
    "WebhookUsageError",
    "WebhookVerificationError",
    "__version__",
    "checked_header",
    "deadline",
    "decode_json",
    "email",
    "encode_json",
    "item",
    "make_settings",
    "multiple",
    "network_failure",
    "parse_product",
    "payout_link",
    "recipient",
    "single",
    "template",
    "verify_webhook",
]
