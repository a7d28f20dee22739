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
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

from runa_client._errors import ConfigurationError, WebhookVerificationError
from runa_client._fields import Raw, boolean, json_object, moment, money, optional, required, string
from runa_client._json import decode
from runa_client._products import Denominations, parse_denominations
from runa_client._record import Record
from runa_client._results import Order, parse_order

_SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret starts with
_VERSION = "v1"
# As the signer writes it: the signature is over this text.
_SECONDS = re.compile("0|[1-9][0-9]{0,10}")


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
    payload: bytes | str,
    headers: Mapping[str, str],
    secret: str,
    *,
    tolerance: float = 300,
    now: float | None = None,
) -> WebhookEvent:
    """Check that a message comes from the service, and read it.

    Args:
        payload: The body, byte for byte as it came. JSON that was read and written again is not
            what was signed.
        headers: The request's headers, names in any case; `svix-id`, `svix-timestamp` and
            `svix-signature` are looked at, or the same with `webhook-`.
        secret: The endpoint's, `whsec_…`.
        tolerance: How many seconds the message may be old, or ahead of this computer's clock.
        now: The time, in seconds since 1970, by default this computer's.

    Returns:
        An `OrderCompletionEvent`, a `ProductUpdateEvent`, or a plain `WebhookEvent` for a body
        that is neither, as a later version of the service may send.

    Raises:
        WebhookVerificationError: The message is not to be believed; `reason` says why.
        ConfigurationError: The secret is none.
        ValueError: The tolerance is negative or no number.
        TypeError: The payload is neither bytes nor text, such as JSON that was read already.
    """
    if not tolerance >= 0:
        raise ValueError(f"tolerance is a number of seconds from 0, not {tolerance!r}")
    body, key = _body(payload), _key(secret)
    given = {name.lower(): value for name, value in headers.items()}
    message_id, seconds, signatures = (
        _header(given, name) for name in ("id", "timestamp", "signature")
    )
    sent_at = _sent_at(seconds, tolerance, time.time() if now is None else now)
    signed = b".".join((_as_bytes(message_id), seconds.encode(), body))
    if not _is_signed(signed, key, signatures):
        raise WebhookVerificationError("signature", "no signature fits: other body, other secret?")
    try:
        document = decode(body)
    except ValueError as error:
        raise WebhookVerificationError("body", f"the body is no JSON: {error}") from None
    return _event(document, id=message_id, timestamp=sent_at, raw=document)


def _key(secret: str) -> bytes:
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


def _header(given: Mapping[str, str], name: str) -> str:
    value = given.get(f"svix-{name}", given.get(f"webhook-{name}"))
    if not value:
        raise WebhookVerificationError("headers", f"there is no header svix-{name}")
    return value


def _sent_at(seconds: str, tolerance: float, now: float) -> datetime:
    if not _SECONDS.fullmatch(seconds):
        raise WebhookVerificationError("timestamp", "svix-timestamp is no number of seconds")
    age = now - int(seconds)
    if not abs(age) <= tolerance:
        where = "old" if age > 0 else "ahead of this computer's clock"
        raise WebhookVerificationError("timestamp", f"the message is {abs(age):.0f} s {where}")
    return datetime.fromtimestamp(int(seconds), UTC)


def _body(payload: object) -> bytes:
    if not isinstance(payload, bytes | str):
        kind = type(payload).__name__
        raise TypeError(f"payload is the body as it came, bytes or a string, not {kind}")
    return _as_bytes(payload)


def _as_bytes(text: bytes | str) -> bytes:
    # What is no Unicode was never signed, so that any bytes will do for it.
    return text if isinstance(text, bytes) else text.encode(errors="surrogatepass")


def _is_signed(signed: bytes, key: bytes, signatures: str) -> bool:
    """Whether one of several signatures is right; there are two while a secret is changed."""
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    expected = binascii.b2a_base64(digest, newline=False)
    found = False
    for versioned in signatures.split(" "):
        version, _, signature = versioned.partition(",")
        if version == _VERSION:
            found |= hmac.compare_digest(_as_bytes(signature), expected)
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
