"""Everything about a server that can be chosen, in one place.

The command line, its environment variables, configuration files and ``MockServer`` all build this
object; the field descriptions are the help texts. A field marked ``writeOnly`` is a secret.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from runa_mock_server.base.address import host_and_port
from runa_mock_server.base.clock import clock_of
from runa_mock_server.base.currencies import Currency
from runa_mock_server.base.errors import SettingsError
from runa_mock_server.config import flags
from runa_mock_server.config.nearest import nearest, suggestion
from runa_mock_server.contract.kindnesses import with_strict
from runa_mock_server.contract.processing import parse_processing
from runa_mock_server.contract.request_models import EmailAddress
from runa_mock_server.contract.triggers import KNOWN_TRIGGERS
from runa_mock_server.contract.webhook_subscription import Subscriptions
from runa_schemas.contract_data import PROCESSING_SECONDS, ProfileName

S = TypeVar("S", bound="Settings")


def _pairs(given: Any) -> Any:
    """``["USD=500"]``, as the command line gives it, as ``{"USD": "500"}``."""
    if isinstance(given, Mapping) or not isinstance(given, list | tuple):
        return given
    pairs = {}
    for text in given:
        name, separator, value = str(text).partition("=")
        if not separator or not name.strip() or not value.strip():
            raise ValueError(f"must be NAME=VALUE, not {text!r}")
        if name.strip() in pairs:
            raise ValueError(f"{name.strip()} is given twice")
        pairs[name.strip()] = value.strip()
    return pairs


def _codes(given: Any) -> Any:
    return tuple(code.strip() for code in given.split(",")) if isinstance(given, str) else given


def _hosts(given: Any) -> str | tuple[str, ...]:
    """One address as it is given; several, as the command line gives even one, as a tuple."""
    hosts = (given,) if isinstance(given, str) else given
    if (
        not isinstance(hosts, list | tuple)
        or not hosts
        or not all(isinstance(host, str) and host for host in hosts)
    ):
        raise ValueError("must be an address, or a list of addresses")
    return hosts[0] if len(hosts) == 1 else tuple(hosts)


@dataclass(frozen=True, slots=True)
class Changeable:
    """Marks a setting that can be changed while the server runs, for all accounts or for one."""


Text = Annotated[str, Field(min_length=1)]
Amount = Annotated[Decimal, Field(ge=0, le=10**15, decimal_places=2, strict=False)]
SupportedCurrency = Annotated[Currency, Field(strict=False)]
Opening = dict[SupportedCurrency, Amount]
Codes = Annotated[
    tuple[Text, ...],
    Field(strict=False),
    BeforeValidator(_codes, json_schema_input_type=str | tuple[Text, ...]),
]
Templates = dict[str, Codes]
Hosts = Annotated[
    str | tuple[str, ...],
    BeforeValidator(
        _hosts, json_schema_input_type=Text | Annotated[list[Text], Field(min_length=1)]
    ),
]
Port = Annotated[int, Field(ge=0, le=65_535, description="Port to listen on; 0 picks a free one.")]


class Settings(BaseModel):
    """How a mock server behaves.

    Raises:
        pydantic.ValidationError: for an unknown setting or a value that does not fit.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True
    )

    host: Annotated[Hosts, flags.HOST] = Field(
        default=flags.DEFAULT_HOST, description="Address or host name to listen on."
    )
    port: Annotated[Port, flags.PORT] = 0
    public_url: str | None = Field(
        default=None,
        description="Base URL of payout links; by default the Host of the request that shows them.",
    )
    profile: ProfileName = Field(
        default="playground", description="Environment to imitate: playground or production."
    )
    strict: bool = Field(
        default=False,
        description="Refuse what the real service refuses; explicit settings prevail.",
    )
    processing_delay: Annotated[float, Field(ge=0, le=10**9), Changeable()] = Field(
        default=float(PROCESSING_SECONDS),
        description="Seconds that an async order stays PROCESSING.",
    )
    processing: Annotated[str | None, Changeable()] = Field(
        default=None,
        description="Complete async orders at-once, never, after seconds:N or reads:N.",
    )
    rate_limit: Annotated[Annotated[int, Field(ge=1)] | None, Changeable()] = Field(
        default=None, description="Maximum orders per minute and account; unlimited by default."
    )
    api_keys: Annotated[tuple[Text, ...], flags.Names("api_key")] = Field(
        default=(),
        repr=False,
        strict=False,
        json_schema_extra={"writeOnly": True},
        description="Accepted API key; by default any with the profile's prefix.",
    )
    balances: Annotated[
        Opening,
        BeforeValidator(_pairs, json_schema_input_type=Opening | list[str]),
        flags.Names("balance"),
        Changeable(),
    ] = Field(
        default={},
        strict=False,
        description="Opening balance of each account, CURRENCY=AMOUNT; defaults to the profile's.",
    )
    catalogue: Text | None = Field(
        default=None, description="JSON file with the products; the built-in catalogue by default."
    )
    templates: Annotated[
        Templates,
        BeforeValidator(_pairs, json_schema_input_type=Templates | list[str]),
        flags.Names("template"),
    ] = Field(
        default={},
        strict=False,
        description="Additional product-selection template, ID=CODE,CODE.",
    )
    link_lifetime_days: Annotated[Annotated[float, Field(gt=0, le=36_500)] | None, Changeable()] = (
        Field(default=None, description="Days until a payout link expires; never by default.")
    )
    redemption_api: Annotated[bool, Changeable()] = Field(
        default=True, description="Answer ?format=json on payout links."
    )
    redemption_error: Annotated[
        Annotated[str, Field(pattern=r"^RE(00[1-9]|01[0-3]|999)$")] | None, Changeable()
    ] = Field(
        default=None,
        description="Answer every redemption with this error code, RE001 to RE013 or RE999.",
    )
    max_body_bytes: Annotated[int, Field(ge=1)] = Field(
        default=1024 * 1024, description="Maximum size of a request body, in bytes."
    )
    legacy_item_fields: Annotated[bool, Changeable()] = Field(
        default=True, description="Include redemption_url and discount_multiplier in order items."
    )
    playground_estimates: Annotated[bool, Changeable()] = Field(
        default=True, description="Answer POST /order/estimate on the playground."
    )
    playground_webhooks: bool = Field(default=True, description="Send webhooks on the playground.")
    all_triggers: Annotated[bool, Changeable()] = Field(
        default=True,
        description="Let X-Trigger-Error ask for every error, not just the two documented.",
    )
    any_content_type: Annotated[bool, Changeable()] = Field(
        default=True, description="Accept orders with any Content-Type."
    )
    several_countries: Annotated[bool, Changeable()] = Field(
        default=True, description="Accept orders of products without a common country."
    )
    lenient_authentication: bool = Field(
        default=True, description="Accept API keys that are not PREFIX.SECRET."
    )
    fixed_templates: Annotated[bool, Changeable()] = Field(
        default=True,
        description="Let playground templates stand for the same products in every order.",
    )
    unknown_fields: Annotated[bool, Changeable()] = Field(
        default=False, description="Add undocumented fields to responses, as later versions might."
    )
    reordered_keys: Annotated[bool, Changeable()] = Field(
        default=False, description="Reverse the keys of objects in responses."
    )
    unknown_values: Annotated[bool, Changeable()] = Field(
        default=False,
        description="Add undocumented categories, countries and product details to responses.",
    )
    other_texts: Annotated[bool, Changeable()] = Field(
        default=False, description="Word errors in another way, without help."
    )
    default_page_limit: Annotated[Annotated[int, Field(ge=1, le=500)] | None, Changeable()] = Field(
        default=None,
        description="Entries of a list page without limit; defaults to the provider's 100 and 500.",
    )
    trigger_error: Annotated[str | None, Changeable()] = Field(
        default=None,
        description="Make every order fail with this error type, or with order_failed.",
    )
    seed: int | None = Field(
        default=None, description="Seed for ids, tokens and random choices; random by default."
    )
    clock: str = Field(
        default="system",
        description="Server time: system, manual, or a fixed time like 2026-01-31T12:00:00Z.",
    )
    store: str = Field(
        default="memory:",
        repr=False,  # it can hold a password
        description="Store of orders and all other state: memory: or sqlite:///FILE.",
    )
    control: bool = Field(default=True, description="Serve the control API under /_mock.")
    control_token: Annotated[str, Field(min_length=1, pattern=r"^[!-~]+$")] | None = Field(
        default=None,
        repr=False,
        json_schema_extra={"writeOnly": True},
        description="X-Mock-Token required by the control API; none by default.",
    )
    control_hosts: Annotated[Codes, flags.Names("control_host")] = Field(
        default=(),
        strict=False,
        description="Additional host name accepted by the control API.",
    )
    allow_shutdown: bool = Field(
        default=False, description="Let POST /_mock/shutdown stop the server."
    )
    journal_requests: Annotated[int, Field(ge=0, le=10**7), Changeable()] = Field(
        default=10_000, description="Maximum number of requests in the journal of an account."
    )
    journal_bytes: Annotated[int, Field(ge=0, le=2**40), Changeable()] = Field(
        default=16 * 1024 * 1024,
        description="Approximate maximum size of the journal of an account, in bytes.",
    )
    smtp: str | None = Field(
        default=None, description="Relay emails to this SMTP server, HOST:PORT; none by default."
    )
    smtp_from: EmailAddress = Field(
        default="payouts@runa-mock.invalid", description="Sender address of emails."
    )
    smtp_timeout: Annotated[float, Field(gt=0, le=600)] = Field(
        default=10.0, description="Timeout of the SMTP server for one email, in seconds."
    )

    webhooks: Annotated[Subscriptions, flags.Names("webhook")] = Field(
        default=(),
        description="Send events to this URL, URL=EVENT: order.completion or product.update.",
    )
    webhook_retries: Annotated[
        tuple[Annotated[float, Field(ge=0, le=10**9, strict=False)], ...],
        Field(strict=False, max_length=100),
        flags.Names("webhook_retry"),
        Changeable(),
    ] = Field(
        default=(0.0, 5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 36_000.0),
        description="Seconds to wait before each retry of a webhook delivery.",
    )
    webhook_timeout: Annotated[float, Field(gt=0, le=3_600), Changeable()] = Field(
        default=15.0, description="Timeout of a webhook endpoint, in seconds."
    )
    webhook_timestamps: Annotated[Literal["clock", "computer"], Changeable()] = Field(
        default="computer",
        description="Time in webhook signatures: the computer's, or the mock's clock.",
    )
    webhook_headers: Annotated[Literal["svix", "standard", "both"], Changeable()] = Field(
        default="svix",
        description="Webhook header names: svix-*, webhook-* of Standard Webhooks, or both.",
    )

    @property
    def hosts(self) -> tuple[str, ...]:
        """The addresses to listen on, at least one."""
        return (self.host,) if isinstance(self.host, str) else self.host

    @model_validator(mode="before")
    @classmethod
    def _strict(cls, values: Any) -> Any:
        return with_strict(values) if isinstance(values, Mapping) else values

    @field_validator("processing")
    @classmethod
    def _rule(cls, value: str | None) -> str | None:
        if value is not None:
            parse_processing(value)
        return value

    @field_validator("trigger_error")
    @classmethod
    def _trigger(cls, value: str | None) -> str | None:
        if value is not None and value not in KNOWN_TRIGGERS:
            raise ValueError(f"must be one of {', '.join(KNOWN_TRIGGERS)}")
        return value

    @field_validator("clock")
    @classmethod
    def _moment(cls, value: str) -> str:
        clock_of(value)
        return value

    @field_validator("smtp")
    @classmethod
    def _place(cls, value: str | None) -> str | None:
        if value is not None:
            host_and_port(value)
        return value

    @field_validator("public_url")
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        if value is not None:
            url = TypeAdapter(HttpUrl).validate_python(value)
            if url.query is not None or url.fragment is not None or url.username is not None:
                raise ValueError("must have neither a query, a fragment nor a user")
            return str(url).rstrip("/")
        return None


RUN_TIME = frozenset(
    name
    for name, field in Settings.model_fields.items()
    if any(isinstance(mark, Changeable) for mark in field.metadata)
)
"""The settings that can be changed while the server runs, for all accounts or for one."""

OF_THE_PROCESS = frozenset(
    {
        "host",
        "port",
        "public_url",
        "max_body_bytes",
        "control",
        "control_token",
        "control_hosts",
        "allow_shutdown",
        "store",
    }
)
"""The settings that each process has for itself; the others belong to the world."""


def changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """The settings with some of them changed at run time.

    Raises:
        SettingsError: naming each that is unknown, does not fit, or is chosen at the start.
    """
    fixed = [
        (name, "is chosen when the server starts")
        for name in changes
        if name in Settings.model_fields and name not in RUN_TIME
    ]
    chosen = {name: value for name, value in changes.items() if name not in dict(fixed)}
    try:
        made = make_settings(**settings.model_dump() | chosen)
    except SettingsError as error:
        raise SettingsError([*fixed, *error.problems]) from None
    if fixed:
        raise SettingsError(fixed)
    return made


def make_settings(**values: Any) -> Settings:
    """Settings from loose values, the defaults for those that are not given.

    Raises:
        SettingsError: naming each setting that is unknown or does not fit, and why.
    """
    return checked(Settings, values)


def checked(model: type[S], values: Mapping[str, Any]) -> S:
    """The settings of a kind from loose values, the defaults for those that are not given.

    Raises:
        SettingsError: naming each setting that is unknown or does not fit, and why.
    """
    try:
        return model(**values)
    except ValidationError as error:
        problems = [_problem(detail, tuple(model.model_fields)) for detail in error.errors()]
        raise SettingsError(problems) from None


def _problem(detail: ErrorDetails, names: Sequence[str]) -> tuple[str, str]:
    name, *inner = (str(step) for step in detail["loc"] if step != "[key]")
    if detail["type"] == "extra_forbidden" and inner:
        return name, f"{'.'.join(inner)}: there is no such field"
    if detail["type"] == "extra_forbidden":
        return name, f"there is no such setting{suggestion(nearest(name, names))}"
    reason = detail["msg"].removeprefix("Value error, ")
    choices = re.findall("'([^']+)'", str(detail.get("ctx", {}).get("expected", "")))
    reason += suggestion(nearest(str(detail["input"]), choices))
    return name, f"{'.'.join(inner)}: {reason}" if inner else reason
