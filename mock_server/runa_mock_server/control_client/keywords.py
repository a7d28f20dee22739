"""The keyword arguments of the controls, for type checkers.

Each of these mirrors a pydantic model, whose field descriptions say what a keyword means. The
server validates the values; a wrong one is refused by ``ControlRefusedError`` or ``SettingsError``.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, TypedDict

from runa_mock_server.contract.webhook_events import Event
from runa_mock_server.contract.webhook_subscription import Subscription
from runa_mock_server.control.product_models import DenominationsBody
from runa_mock_server.server_state.entry import Outcome
from runa_mock_server.server_state.fault_spec import LogNormal, Method, Uniform
from runa_mock_server.webhooks.messages import State
from runa_schemas.contract_data import ProfileName

_Amount = Decimal | float | str


class SettingsChanges(TypedDict, total=False):
    """The fields of ``Settings`` that can be changed at run time, for ``configure``."""

    processing_delay: float
    processing: str | None
    rate_limit: int | None
    balances: Mapping[str, _Amount] | Sequence[str]
    link_lifetime_days: float | None
    redemption_api: bool
    redemption_error: str | None
    legacy_item_fields: bool
    playground_estimates: bool
    all_triggers: bool
    any_content_type: bool
    several_countries: bool
    fixed_templates: bool
    unknown_fields: bool
    reordered_keys: bool
    unknown_values: bool
    other_texts: bool
    default_page_limit: int | None
    trigger_error: str | None
    journal_requests: int
    journal_bytes: int
    webhook_retries: Sequence[float]
    webhook_timeout: float
    webhook_headers: Literal["svix", "standard", "both"]
    webhook_timestamps: Literal["clock", "computer"]


class ServerSettings(SettingsChanges, total=False):
    """The fields of ``Settings``, except ``clock`` and ``catalogue``, for ``MockServer``."""

    host: str | Sequence[str]
    port: int
    public_url: str | None
    profile: ProfileName
    strict: bool
    playground_webhooks: bool
    lenient_authentication: bool
    api_keys: Sequence[str]
    templates: Mapping[str, Sequence[str] | str] | Sequence[str]
    max_body_bytes: int
    seed: int | None
    store: str
    control: bool
    control_token: str | None
    control_hosts: Sequence[str] | str
    allow_shutdown: bool
    smtp: str | None
    smtp_from: str
    smtp_timeout: float
    webhooks: Sequence[Subscription | Mapping[str, Any] | str]


class FaultFields(TypedDict, total=False):
    """The fields of ``FaultSpec`` beside ``kind`` and ``place``."""

    method: Method | None
    path: str | None
    idempotency_key: str | None
    nth: int | list[int] | None
    probability: float
    times: int | None
    expires_after: float | None
    delay: float | Uniform | LogNormal | Mapping[str, Any]
    share: float
    status: int
    body: str | None
    content_type: str
    retry_after: int | None


class WebhookFaultFields(TypedDict, total=False):
    """The fields of a webhook fault beside ``kind``."""

    times: int | None
    seconds: float
    endpoint_id: str | None


class RequestFilters(TypedDict, total=False):
    """The filters of ``journal.read``, as in ``GET /_mock/requests``."""

    method: str | None
    path: str | None
    status: int | None
    idempotency_key: str | None
    outcome: Outcome | None
    error_type: str | None
    fault: str | None
    after: int
    before: int | None
    brief: bool
    limit: int


class MessageFilters(TypedDict, total=False):
    """The filters of ``webhooks.messages``, as in ``GET /_mock/webhooks/messages``."""

    order_id: str | None
    event: Event | None
    endpoint_id: str | None
    state: State | None
    limit: int


class ProductChanges(TypedDict, total=False):
    """The changes of ``products.change``, as in ``PATCH /_mock/products/{code}``."""

    is_orderable: bool | None
    discount_multiplier: str | None
    denominations: DenominationsBody | Mapping[str, Any] | None
