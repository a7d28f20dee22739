"""Everything about a server that can be chosen, in one place.

The command line, its environment variables and ``MockServer`` all build this object; the field
descriptions are the help texts.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, TypeAdapter, ValidationError
from pydantic import field_validator as validator


class SettingsError(ValueError):
    """A setting that cannot be used; the message names each field and the reason."""


class Settings(BaseModel):
    """How a mock server behaves.

    Raises:
        pydantic.ValidationError: for an unknown setting or a value that does not fit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    host: Annotated[str, Field(min_length=1)] = Field(
        default="127.0.0.1", description="Address to listen on."
    )
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        default=0, description="Port to listen on; 0 picks a free one."
    )
    public_url: str | None = Field(
        default=None,
        description="Where clients reach the server, for payout links; "
        "by default the address it listens on.",
    )
    processing_delay: Annotated[float, Field(ge=0, le=10**9)] = Field(
        default=1.0, description="Seconds for which an async order stays PROCESSING."
    )
    rate_limit: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Orders a minute and account; unlimited by default."
    )
    api_keys: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(),
        strict=False,
        description="The only API keys to accept; by default any that starts with XX.",
    )
    max_body_bytes: Annotated[int, Field(ge=1)] = Field(
        default=1024 * 1024, description="The largest request body, in bytes."
    )
    legacy_item_fields: bool = Field(
        default=True,
        description="Whether the items of an order carry redemption_url and "
        "discount_multiplier, which the provider's newest documentation no longer has.",
    )
    seed: int | None = Field(
        default=None,
        description="Makes ids and tokens repeatable: the same seed and calls, the same bytes.",
    )

    @validator("public_url")
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        if value is not None:
            TypeAdapter(HttpUrl).validate_python(value)
            return value.rstrip("/")
        return None


def make_settings(**values: Any) -> Settings:
    """Settings from loose values, the defaults for those that are not given.

    Raises:
        SettingsError: naming each setting that is unknown or does not fit, and why.
    """
    try:
        return Settings(**values)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise SettingsError("; ".join(problems)) from None
