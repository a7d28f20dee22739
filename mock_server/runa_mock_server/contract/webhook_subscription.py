"""A wish to be told of events: where, of which, and signed with what (page "Webhooks")."""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    model_serializer,
)

from runa_mock_server.contract.webhook_events import EVENTS, MOST_ENDPOINTS, Event, secret_bytes

_URL = TypeAdapter(HttpUrl, config=ConfigDict(defer_build=True))


def _checked_secret(secret: str) -> str:
    secret_bytes(secret)
    return secret


def _checked_url(url: str) -> str:
    try:
        parsed = _URL.validate_python(url)
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"]) from None
    if parsed.fragment is not None:
        raise ValueError("must have no fragment")
    return url


Url = Annotated[str, Field(max_length=2_000), AfterValidator(_checked_url)]
Secret = Annotated[str, AfterValidator(_checked_secret)]


class Subscription(BaseModel):
    """One event type, and where it is told."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    url: Url = Field(description="Where the event is POSTed to: http or https.")
    event: Event = Field(description="What the endpoint is told of.")
    secret: Secret | None = Field(
        default=None,
        repr=False,
        description="whsec_ and base64: what signs the messages; by default one is made.",
    )

    @model_serializer(mode="wrap")
    def _given(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what was not given: TOML has no null."""
        return {name: value for name, value in dump(self).items() if value is not None}


def _from_text(given: Any) -> Any:
    """``URL=EVENT``, as the command line gives it. A URL may hold an equals sign, no event does."""
    if not isinstance(given, str):
        return given
    url, separator, event = given.rpartition("=")
    if not separator or event not in EVENTS:
        raise ValueError(f"must be URL=EVENT with one of {', '.join(EVENTS)}, not {given!r}")
    return {"url": url.strip(), "event": event}


def _listed(given: Any) -> Any:
    return [_from_text(entry) for entry in given] if isinstance(given, list | tuple) else given


Subscriptions = Annotated[
    tuple[Subscription, ...],
    Field(strict=False, max_length=MOST_ENDPOINTS),
    BeforeValidator(_listed, json_schema_input_type=tuple[Subscription | str, ...]),
]
