"""What a fault can be: its kind, its place, the requests that it hits.

Kinds and places are this double's own; the service has none of them.
"""

from collections.abc import Mapping
from random import Random
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    field_validator,
    model_validator,
)

Kind = Literal["reset", "close", "hang", "delay", "status", "rate_limit", "malformed_json", "slow"]
Method = Literal["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
Place = Literal["before", "inside", "after_commit", "in_body"]

PLACES: Mapping[Kind, tuple[Place, ...]] = {
    "reset": ("before", "after_commit", "in_body"),
    "close": ("before", "after_commit", "in_body"),
    "hang": ("before", "inside", "after_commit", "in_body"),
    "delay": ("before", "inside", "after_commit"),
    "status": ("before", "after_commit"),
    "rate_limit": ("before",),
    "malformed_json": ("after_commit",),
    "slow": ("in_body",),
}
"""Where each kind can be; the first is where it is unless something else is asked for."""

_OWN_FIELDS: Mapping[str, tuple[Kind, ...]] = {
    "delay": ("delay", "slow"),
    "status": ("status",),
    "body": ("status",),
    "content_type": ("status",),
    "retry_after": ("status", "rate_limit"),
}
_SERVED = ("/v2", "/payout", "/content", "/openapi.json", "/*")
_ORDERS = ("POST", "/v2/order")
_LONGEST_DELAY = 3_600
_COUNT = {"type": "integer", "minimum": 1}
_NULL = {"type": "null"}

Seconds = Annotated[float, Field(ge=0, le=_LONGEST_DELAY)]


class Uniform(BaseModel):
    """A delay between two bounds, each value as likely as any other."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    distribution: Literal["uniform"]
    low: Seconds
    high: Seconds

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError("low must not be above high")
        return self

    def draw(self, random: Random) -> float:
        """One delay, in seconds."""
        return random.uniform(self.low, self.high)


class LogNormal(BaseModel):
    """A delay as networks have it: mostly near the median, now and then much longer."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    distribution: Literal["lognormal"]
    median: Annotated[float, Field(gt=0, le=_LONGEST_DELAY)]
    sigma: Annotated[float, Field(ge=0, le=5)]

    def draw(self, random: Random) -> float:
        """One delay, in seconds."""
        drawn = self.median * random.lognormvariate(0, self.sigma)
        return min(drawn, _LONGEST_DELAY)


def _shape_of_delay(given: Any) -> str | None:
    if isinstance(given, Mapping):
        return str(given.get("distribution"))
    if isinstance(given, Uniform | LogNormal):
        return given.distribution
    return "seconds" if type(given) in (int, float) else None


Delay = Annotated[
    Annotated[Seconds, Tag("seconds")]
    | Annotated[Uniform, Tag("uniform")]
    | Annotated[LogNormal, Tag("lognormal")],
    Discriminator(
        _shape_of_delay,
        custom_error_type="delay",
        custom_error_message="must be seconds, or an object whose distribution is uniform or "
        "lognormal",
    ),
]


def _several(given: Any) -> Any:
    return [given] if isinstance(given, int) else given


class FaultSpec(BaseModel):
    """A fault: what goes wrong, where, for which requests, and how often."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True
    )

    kind: Kind = Field(
        description="reset: the connection is reset; close: closed without a (whole) answer; "
        "hang: nothing more comes until the client gives up or the fault is removed; delay: the "
        "answer is late; status: another answer, as gateways give it; rate_limit: 429; "
        "malformed_json: the answer's JSON is cut; slow: the body comes in drops."
    )
    place: Place = Field(
        default="before",
        description="before: nothing has happened; inside: while the idempotency key is in "
        "progress; after_commit: the service has done its work, the client does not hear; "
        "in_body: headers are sent, the body is not whole. By default the first that the kind can "
        "have.",
    )
    method: Method | None = Field(default=None, description="Only requests with this method.")
    path: str | None = Field(
        default=None,
        description="Only requests to this path, without a query; * stands for anything: "
        "/v2/order/*.",
    )
    idempotency_key: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="Only requests with this idempotency key."
    )
    nth: Annotated[
        list[Annotated[int, Field(ge=1)]] | None,
        Field(min_length=1),
        BeforeValidator(_several),
        WithJsonSchema(
            {"anyOf": [_COUNT, {"type": "array", "items": _COUNT, "minItems": 1}, _NULL]}
        ),
    ] = Field(
        default=None,
        description="Which of the requests that it fits, counted from 1: a number or a list.",
    )
    probability: Annotated[float, Field(gt=0, le=1)] = Field(
        default=1, description="How likely it strikes a request that it fits."
    )
    times: Annotated[int, Field(ge=1)] | None = Field(
        default=1,
        description="How many requests it hits; null for any number. With a list of nth, all of "
        "them unless said otherwise.",
    )
    expires_after: Annotated[float, Field(gt=0, le=10**9)] | None = Field(
        default=None, description="Seconds, by the mock's clock, after which it is over."
    )
    delay: Delay = Field(
        default=1.0,
        description="For delay and slow: seconds of real time, or a distribution of them.",
    )
    share: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.5, description="For in_body: how much of the body is sent before it is cut."
    )
    status: Annotated[int, Field(ge=200, le=599)] = Field(
        default=503, description="For status: the HTTP status."
    )
    body: str | None = Field(
        default=None, description="For status: the body; by default a gateway's HTML page."
    )
    content_type: Annotated[str, Field(pattern=r"^[!-~ ]+$")] = Field(
        default="text/html", description="For status: the type of the body."
    )
    retry_after: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        default=None, description="For status and rate_limit: seconds to put into Retry-After."
    )

    @model_validator(mode="before")
    @classmethod
    def _usual(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        usual: dict[str, Any] = {}
        places = next((PLACES[kind] for kind in PLACES if kind == given.get("kind")), None)
        if places is not None:
            usual["place"] = places[0]
        if isinstance(given.get("nth"), list):
            usual["times"] = len(given["nth"])
        return usual | dict(given)

    @field_validator("method", mode="before")
    @classmethod
    def _upper(cls, given: Any) -> Any:
        return given.upper() if isinstance(given, str) else given

    @field_validator("path")
    @classmethod
    def _plain_path(cls, given: str | None) -> str | None:
        if given is None:
            return None
        if not given.startswith("/") or "?" in given or "#" in given:
            raise ValueError("must be a path like /v2/order/*, with neither host nor query")
        if not given.startswith(_SERVED):
            raise ValueError(f"begins with {' or '.join(_SERVED)}, as all that is served")
        return given.rstrip("/") or "/"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        places = PLACES[self.kind]
        if self.place not in places:
            raise ValueError(f"place: {self.kind} can be {' or '.join(places)}, not {self.place}")
        for name, kinds in _OWN_FIELDS.items():
            if name in self.model_fields_set and self.kind not in kinds:
                raise ValueError(f"{name}: is for {' and '.join(kinds)}, not for {self.kind}")
        if "share" in self.model_fields_set and self.place != "in_body":
            raise ValueError(f"share: is for the place in_body, not for {self.place}")
        if self.place == "inside":
            for name, given, only in zip(
                ("method", "path"), (self.method, self.path), _ORDERS, strict=True
            ):
                if given not in (None, only):
                    raise ValueError(f"{name}: only {' '.join(_ORDERS)} has an inside, not {given}")
        return self

    def seconds(self, random: Random) -> float:
        """How long this delay is, or how long the slow body takes."""
        return self.delay if isinstance(self.delay, float | int) else self.delay.draw(random)
