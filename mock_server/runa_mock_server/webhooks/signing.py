"""Signatures of webhooks, as Svix makes them (contract of the provider's page "Webhooks")."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Literal

from runa_mock_server.contract.webhook_events import secret_bytes

HeaderNames = Literal["svix", "standard", "both"]

_PREFIXES: Mapping[HeaderNames, tuple[str, ...]] = {
    "svix": ("svix",),
    "standard": ("webhook",),
    "both": ("svix", "webhook"),
}


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """``v1,`` and the base64 of the HMAC-SHA256 over ``id.timestamp.body``.

    Args:
        secret: ``whsec_`` and the base64 of the key.
        message_id: the id of the message.
        timestamp: seconds since the epoch.
        body: the bytes that are sent.
    """
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    digest = hmac.digest(secret_bytes(secret), signed, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def signed_headers(
    secrets: Iterable[str], message_id: str, timestamp: int, body: bytes, names: HeaderNames
) -> dict[str, str]:
    """The headers that a receiver verifies.

    Args:
        secrets: the secrets in use; each makes a signature, separated by spaces.
        message_id: the id of the message.
        timestamp: seconds since the epoch.
        body: the bytes that are sent.
        names: ``svix`` for ``svix-*``, which the package `svix` reads; ``standard`` for
            ``webhook-*``, which the packages `standardwebhooks` and `svix` read; or ``both``.
    """
    signatures = " ".join(signature(s, message_id, timestamp, body) for s in secrets)
    values = {"id": message_id, "timestamp": str(timestamp), "signature": signatures}
    return {
        f"{prefix}-{name}": value for prefix in _PREFIXES[names] for name, value in values.items()
    }
