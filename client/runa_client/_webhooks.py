"""What the service sends by itself: whether it is genuine, and what it says.

Messages are signed as Svix and Standard Webhooks do it. Which event a message is shows in its
body alone: the service names it nowhere else.
"""

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, TypeAlias

from runa_client._errors import ConfigurationError, WebhookUsageError, WebhookVerificationError
from runa_client._fields import Raw, boolean, json_object, moment, money, optional, required, string
from runa_client._json import decode
from runa_client._products import Denominations, parse_denominations
from runa_client._record import Record
from runa_client._results import Order, parse_order

_SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret starts with
_VERSION = b"v1"
# As the signer writes it: the signature is over this text.
_SECONDS = re.compile(b"0|[1-9][0-9]{0,10}")

HeaderValue: TypeAlias = str | bytes | Sequence[str | bytes]
WebhookHeaders: TypeAlias = (
    Mapping[str, HeaderValue]
    | Mapping[bytes, HeaderValue]
    | Iterable[tuple[str | bytes, HeaderValue]]
)


class WebhookEvent(Record):
    """A message that is genuine; as such one whose body this version does not know.

    `id` is the same on every attempt to deliver a message: keep it, and a second delivery is
    seen. `timestamp` is when this attempt was made, aware. `type` is the name of the event, None
    where it is not known. `raw` is the JSON document, its fractions as `Decimal`.
    """

    type: ClassVar[str | None] = None

    id: str
    timestamp: datetime
    raw: Any


class OrderCompletionEvent(WebhookEvent):
    """An order has ended: `order` has its basic form, or id and status alone if it failed."""

    type = "order.completion"

    order: Order


class ProductState(Record):
    """How a product is at one moment.

    `price_multiplier` is the share of the face value that is paid; `raw` is the JSON object.
    """

    price_multiplier: Decimal | None
    is_orderable: bool | None
    denominations: Denominations | None
    raw: Raw


class ProductUpdateEvent(WebhookEvent):
    """A product has changed, at `changed_at`; events may come in another order than changes."""

    type = "product.update"

    product_code: str
    old_state: ProductState
    new_state: ProductState
    changed_at: datetime | None


def verify_webhook(
    payload: bytes | bytearray | memoryview | str,
    headers: WebhookHeaders,
    secret: str,
    *,
    tolerance: float = 300,
    now: float | None = None,
) -> WebhookEvent:
    """Check that a message comes from the service, and read it.

    Args:
        payload: The body, byte for byte as it came, any object that holds bytes or a string.
            JSON that was read and written again is not what was signed.
        headers: The request's headers, as a mapping or as pairs; names in any case, and names
            and values as strings or bytes, or several values in a list. `svix-id`,
            `svix-timestamp` and `svix-signature` are looked at, or the same with `webhook-`.
        secret: The endpoint's, `whsec_…`.
        tolerance: How many seconds the message may be old, or ahead of this computer's clock.
        now: The time, in seconds since 1970, by default this computer's.

    Returns:
        An `OrderCompletionEvent`, a `ProductUpdateEvent`, or a plain `WebhookEvent` for a body
        that is neither, as a later version of the service may send.

    Raises:
        WebhookVerificationError: The message is not to be believed; `reason` says why.
        ConfigurationError: The secret is none, or the tolerance is negative or no number.
        WebhookUsageError: An argument is of a wrong type, such as a payload that is JSON that
            was read already; it is a `ConfigurationError` and a `TypeError`.
    """
    if not _number("tolerance", tolerance) >= 0:
        raise ConfigurationError(f"tolerance is a number of seconds from 0, not {tolerance!r}")
    body, key = _body(payload), _key(secret)
    given = _svix_headers(headers)
    message_id, seconds = (_one(given, name) for name in ("id", "timestamp"))
    signatures = b" ".join(_all(given, "signature"))
    sent_at = _sent_at(seconds, tolerance, time.time() if now is None else _number("now", now))
    if not _is_signed(b".".join((message_id, seconds, body)), key, signatures):
        raise WebhookVerificationError("signature", "no signature fits: other body, other secret?")
    try:
        document = decode(body)
    except ValueError as error:
        raise WebhookVerificationError("body", f"the body is no JSON: {error}") from None
    name = message_id.decode(errors="backslashreplace")
    return _event(document, id=name, timestamp=sent_at, raw=document)


def _number(name: str, value: object) -> float:
    if not isinstance(value, int | float):
        raise WebhookUsageError(f"{name} is a number of seconds, not {type(value).__name__}")
    return value


def _key(secret: object) -> bytes:
    if not isinstance(secret, str):
        raise WebhookUsageError(f"secret is a string, not {type(secret).__name__}")
    encoded = secret.removeprefix(_SECRET_PREFIX)
    if encoded == secret:
        raise ConfigurationError(f"the webhook secret must start with {_SECRET_PREFIX}")
    try:
        # The provider's own library takes secrets without padding, too.
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:
        raise ConfigurationError("the webhook secret is no base64 behind its prefix") from None
    if not key:
        raise ConfigurationError("the webhook secret is empty behind its prefix")
    return key


def _svix_headers(headers: Any) -> dict[str, list[bytes]]:
    """Collect the values of each header that counts, by the name behind its prefix."""
    found: dict[str, dict[str, list[bytes]]] = {"svix-": {}, "webhook-": {}}
    try:
        pairs = [(name, value) for name, value in getattr(headers, "items", lambda: headers)()]
    except (TypeError, ValueError):
        kind = type(headers).__name__
        raise WebhookUsageError(f"headers is a mapping or a list of pairs, not {kind}") from None
    for name, value in pairs:
        text = name.decode("latin-1") if isinstance(name, bytes) else str(name)
        for prefix, values in found.items():
            if text.lower().startswith(prefix):
                values.setdefault(text.lower().removeprefix(prefix), []).extend(
                    _values(text, value)
                )
    return {**found["webhook-"], **found["svix-"]}


def _values(name: str, value: object) -> list[bytes]:
    values = list(value) if isinstance(value, list | tuple) else [value]
    if not all(isinstance(one, str | bytes | bytearray | memoryview) for one in values):
        raise WebhookVerificationError("headers", f"{name} is neither text nor bytes")
    return [_as_bytes(one) for one in values]


def _all(given: Mapping[str, list[bytes]], name: str) -> list[bytes]:
    values = [value for value in given.get(name, []) if value]
    if not values:
        raise WebhookVerificationError("headers", f"there is no header svix-{name}")
    return values


def _one(given: Mapping[str, list[bytes]], name: str) -> bytes:
    first, *others = set(_all(given, name))
    if others:
        raise WebhookVerificationError("headers", f"there are several headers svix-{name}")
    return first


def _sent_at(seconds: bytes, tolerance: float, now: float) -> datetime:
    if not _SECONDS.fullmatch(seconds):
        raise WebhookVerificationError("timestamp", "svix-timestamp is no number of seconds")
    age = now - int(seconds)
    if not abs(age) <= tolerance:
        where = "old" if age > 0 else "ahead of this computer's clock"
        raise WebhookVerificationError("timestamp", f"the message is {abs(age):.0f} s {where}")
    return datetime.fromtimestamp(int(seconds), UTC)


def _body(payload: object) -> bytes:
    try:
        return _as_bytes(payload)
    except TypeError:
        kind = type(payload).__name__
        told = f"payload is the body as it came, bytes or a string, not {kind}"
        raise WebhookUsageError(told) from None


def _as_bytes(value: Any) -> bytes:
    # What is no Unicode was never signed, so that any bytes will do for it.
    return (
        value.encode(errors="surrogatepass")
        if isinstance(value, str)
        else memoryview(value).tobytes()
    )


def _is_signed(signed: bytes, key: bytes, signatures: bytes) -> bool:
    """Whether one of several signatures is right; there are two while a secret is changed."""
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    expected = binascii.b2a_base64(digest, newline=False)
    found = False
    for versioned in signatures.split(b" "):
        version, _, signature = versioned.partition(b",")
        if version == _VERSION:
            found |= hmac.compare_digest(signature, expected)
    return found


def _event(document: object, **envelope: Any) -> WebhookEvent:
    try:
        raw = json_object(document)
        if "product_code" in raw:
            return ProductUpdateEvent(
                product_code=required(raw, "product_code", string),
                old_state=required(raw, "old_state", _state),
                new_state=required(raw, "new_state", _state),
                changed_at=optional(raw, "timestamp", moment),
                **envelope,
            )
        order = parse_order(raw)
        if order.ended:
            return OrderCompletionEvent(order=order, **envelope)
    except ValueError:
        pass  # genuine, and none of what this version knows
    return WebhookEvent(**envelope)


def _state(data: object) -> ProductState:
    raw = json_object(data)
    return ProductState(
        price_multiplier=optional(raw, "price_multiplier", money),
        is_orderable=optional(raw, "is_orderable", boolean),
        denominations=optional(raw, "denominations", parse_denominations),
        raw=raw,
    )
