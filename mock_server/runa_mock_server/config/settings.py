"""Everything about a server that can be chosen, in one place.

The command line, its environment variables, configuration files and ``MockServer`` all build this
object; the field descriptions are the help texts. A field marked ``writeOnly`` is a secret.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
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
from runa_mock_server.config.flags import DEFAULT_HOST
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
Port = Annotated[int, Field(ge=0, le=65_535, description="Port to listen on; 0 picks a free one.")]


class Settings(BaseModel):
    """How a mock server behaves.

    Raises:
        pydantic.ValidationError: for an unknown setting or a value that does not fit.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True
    )

    host: Text = Field(default=DEFAULT_HOST, description="Address to listen on.")
    port: Port = 0
    public_url: str | None = Field(
        default=None,
        description="Where clients reach the server, for payout links; "
        "by default the address it listens on.",
    )
    profile: ProfileName = Field(
        default="playground",
        description="Which environment to be: playground, or production with its balances, "
        "discounts and wording.",
    )
    strict: bool = Field(
        default=False,
        description="Refuse what the real service refuses; settings given explicitly prevail.",
    )
    processing_delay: Annotated[float, Field(ge=0, le=10**9)] = Field(
        default=float(PROCESSING_SECONDS),
        description="Seconds for which an async order stays PROCESSING.",
    )
    processing: str | None = Field(
        default=None,
        description="When an async order ends, instead of after the delay: at-once, never, "
        "seconds:N, or reads:N for N reads that show it PROCESSING.",
    )
    rate_limit: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Orders a minute and account; unlimited by default."
    )
    api_keys: tuple[Text, ...] = Field(
        default=(),
        repr=False,
        strict=False,
        json_schema_extra={"writeOnly": True},
        description="The only API keys to accept; by default any that starts with XX, "
        "or with wg in production.",
    )
    balances: Annotated[
        Opening, BeforeValidator(_pairs, json_schema_input_type=Opening | list[str])
    ] = Field(
        default={},
        strict=False,
        description="Opening balance of every account, CURRENCY=AMOUNT; by default 10000.00 of "
        "USD, GBP, EUR and CAD on the playground, and nothing in production.",
    )
    catalogue: Text | None = Field(
        default=None,
        description="File with the products, in the shape of the provider's product list; "
        "by default the built-in catalogue.",
    )
    templates: Annotated[
        Templates, BeforeValidator(_pairs, json_schema_input_type=Templates | list[str])
    ] = Field(
        default={},
        strict=False,
        description="A product-selection template more, ID=CODE,CODE.",
    )
    link_lifetime_days: Annotated[float, Field(gt=0, le=36_500)] | None = Field(
        default=None,
        description="Days after which a payout link expires; by default it never does.",
    )
    redemption_api: bool = Field(
        default=True,
        description="Whether payout links answer ?format=json.",
    )
    redemption_error: Annotated[str, Field(pattern=r"^RE(00[1-9]|01[0-3]|999)$")] | None = Field(
        default=None,
        description="Answer every redemption with this error code, RE001 to RE013 or RE999.",
    )
    max_body_bytes: Annotated[int, Field(ge=1)] = Field(
        default=1024 * 1024, description="The largest request body, in bytes."
    )
    legacy_item_fields: bool = Field(
        default=True,
        description="Whether the items of an order carry redemption_url and "
        "discount_multiplier, which the provider's newest documentation no longer has.",
    )
    playground_estimates: bool = Field(
        default=True, description="Answer POST /order/estimate on the playground."
    )
    playground_webhooks: bool = Field(default=True, description="Send webhooks on the playground.")
    all_triggers: bool = Field(
        default=True,
        description="Let X-Trigger-Error ask for every error, not just the two documented ones.",
    )
    any_content_type: bool = Field(default=True, description="Accept orders with any Content-Type.")
    several_countries: bool = Field(
        default=True, description="Accept orders of products without a common country."
    )
    lenient_authentication: bool = Field(
        default=True, description="Accept API keys that are not PREFIX.SECRET."
    )
    fixed_templates: bool = Field(
        default=True,
        description="Let the playground's templates stand for the same products in every order.",
    )
    unknown_fields: bool = Field(
        default=False,
        description="Whether answers have fields that no documentation knows, as those of a later "
        "version may.",
    )
    trigger_error: str | None = Field(
        default=None,
        description="What orders are answered with, as if each asked for it by X-Trigger-Error: "
        "an error type, or order_failed for orders that are accepted and end FAILED.",
    )
    seed: int | None = Field(
        default=None,
        description="Makes ids, tokens and chance repeatable: the same seed and calls, the same "
        "bytes.",
    )
    clock: str = Field(
        default="system",
        description="The server's time: system, manual (stands still until it is moved), or a "
        "moment at which it stands still, such as 2026-01-31T12:00:00Z.",
    )
    control: bool = Field(
        default=True,
        description="Whether /_mock answers: clock, faults, journal and all other control.",
    )
    control_token: Annotated[str, Field(min_length=1, pattern=r"^[!-~]+$")] | None = Field(
        default=None,
        repr=False,
        json_schema_extra={"writeOnly": True},
        description="What X-Mock-Token has to be on calls of the control API; "
        "by default they need none.",
    )
    control_hosts: Codes = Field(
        default=(),
        strict=False,
        description="A host name more under which the control API may be called; addresses, "
        "localhost and names without a dot always may.",
    )
    allow_shutdown: bool = Field(
        default=False,
        description="Whether POST /_mock/shutdown ends the server.",
    )
    journal_requests: Annotated[int, Field(ge=0, le=10**7)] = Field(
        default=10_000,
        description="Requests that the journal of an account keeps.",
    )
    journal_bytes: Annotated[int, Field(ge=0, le=2**40)] = Field(
        default=16 * 1024 * 1024,
        description="Bytes that the journal of an account keeps, about.",
    )
    smtp: str | None = Field(
        default=None,
        description="SMTP server, HOST:PORT, that mails are relayed to as they leave, without TLS "
        "and login; by default none leaves the mock.",
    )
    smtp_from: EmailAddress = Field(
        default="payouts@runa-mock.invalid", description="The sender of mails."
    )
    smtp_timeout: Annotated[float, Field(gt=0, le=600)] = Field(
        default=10.0, description="Seconds that the SMTP server may take for a mail."
    )

    webhooks: Subscriptions = Field(
        default=(),
        description="Who is told of events, URL=EVENT: order.completion or product.update.",
    )
    webhook_retries: Annotated[
        tuple[Annotated[float, Field(ge=0, le=10**9, strict=False)], ...],
        Field(strict=False, max_length=100),
    ] = Field(
        default=(0.0, 5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 36_000.0),
        description="Seconds between a failed attempt of a webhook and the next, one after the "
        "other; by default 0, 5, 300, 1800, 7200, 18000, 36000 and 36000.",
    )
    webhook_timeout: Annotated[float, Field(gt=0, le=3_600)] = Field(
        default=15.0, description="Seconds that the receiver of a webhook has to answer."
    )
    webhook_timestamps: Literal["clock", "computer"] = Field(
        default="clock",
        description="Whose time stands in the signature of a webhook: the mock's clock, or the "
        "computer, for receivers that cannot be told the mock's.",
    )

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
    {
        "processing_delay",
        "processing",
        "rate_limit",
        "balances",
        "link_lifetime_days",
        "redemption_api",
        "redemption_error",
        "legacy_item_fields",
        "playground_estimates",
        "all_triggers",
        "any_content_type",
        "several_countries",
        "fixed_templates",
        "unknown_fields",
        "trigger_error",
        "journal_requests",
        "journal_bytes",
        "webhook_retries",
        "webhook_timeout",
        "webhook_timestamps",
    }
)
"""The settings that can be changed while the server runs, for all accounts or for one."""


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
        return name, f"there is no such setting{_nearest(name, names)}"
    reason = detail["msg"].removeprefix("Value error, ")
    choices = re.findall("'([^']+)'", str(detail.get("ctx", {}).get("expected", "")))
    reason += _nearest(str(detail["input"]), choices)
    return name, f"{'.'.join(inner)}: {reason}" if inner else reason


def _nearest(word: str, known: Sequence[str]) -> str:
    """A question after the known word that a wrong one looks like; empty if there is none."""
    lowered = {name.lower(): name for name in known}
    found = get_close_matches(word.lower().replace("-", "_"), lowered, 1)
    return f"; did you mean {lowered[found[0]]!r}?" if found else ""
