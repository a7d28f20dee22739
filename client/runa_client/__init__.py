"""A thin client of the Runa payouts API v2: orders placed once, whatever the network does.

`RunaClient` works on requests, `AsyncRunaClient` on aiohttp; both have the same methods. Base
URL and API key come from arguments or from `RUNA_BASE_URL` and `RUNA_API_KEY`, so that the same
code runs against a mock server and the real service.
"""

from typing import TYPE_CHECKING

from runa_client._build import (
    FaceValue,
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
    ConfigurationError,
    ErrorDetail,
    IdempotencyConflictError,
    IdempotencyInProgressError,
    NotFoundError,
    OrderFailedError,
    OrderTimeoutError,
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
    WebhookVerificationError,
)
from runa_client._funds import Balance, Estimate, EstimateItem
from runa_client._orders import EstimateOptions, OrderOptions, WaitOptions
from runa_client._products import (
    Denominations,
    Product,
    ProductFilters,
    ProductPage,
    SubscriptionPlan,
)
from runa_client._redemption import ECode, Redemption
from runa_client._results import Order, OrderItem, OrderPage, OrderReceipt, Payout
from runa_client._settings import Backoff, ClientOptions, RetryPolicy, Timeout
from runa_client._webhooks import (
    OrderCompletionEvent,
    ProductState,
    ProductUpdateEvent,
    WebhookEvent,
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
    "ClientOptions",
    "ConfigurationError",
    "Denominations",
    "ECode",
    "ErrorDetail",
    "Estimate",
    "EstimateItem",
    "EstimateOptions",
    "FaceValue",
    "IdempotencyConflictError",
    "IdempotencyInProgressError",
    "NotFoundError",
    "Order",
    "OrderCompletionEvent",
    "OrderFailedError",
    "OrderItem",
    "OrderOptions",
    "OrderPage",
    "OrderReceipt",
    "OrderTimeoutError",
    "Payout",
    "Product",
    "ProductFilters",
    "ProductPage",
    "ProductState",
    "ProductUpdateEvent",
    "RateLimitError",
    "Redemption",
    "RedemptionError",
    "RedirectError",
    "RetryPolicy",
    "RunaApiError",
    "RunaCallError",
    "RunaClient",
    "RunaConnectionError",
    "RunaError",
    "RunaResponseError",
    "RunaTimeoutError",
    "ServerError",
    "SubscriptionPlan",
    "Timeout",
    "ValidationError",
    "WaitOptions",
    "WebhookEvent",
    "WebhookVerificationError",
    "email",
    "item",
    "multiple",
    "payout_link",
    "recipient",
    "single",
    "template",
    "verify_webhook",
]
