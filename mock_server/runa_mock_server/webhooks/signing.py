"""Signatures of webhooks, as Svix makes them (contract of the provider's page "Webhooks")."""

import base64
import hashlib
import hmac
from collections.abc import Iterable

from runa_mock_server.contract.webhook_events import secret_bytes


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """``v1,`` and the base64 of the HMAC-SHA256 over ``id.timestamp.body``.

    Args:
        secret: ``whsec_`` and the base64 of the key.
        message_id: ``svix-id``.
        timestamp: ``svix-timestamp``, seconds since the epoch.
        body: the bytes that are sent.
    """
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    digest = hmac.digest(secret_bytes(secret), signed, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def signed_headers(
    secrets: Iterable[str], message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """The headers that a receiver verifies; one signature for each secret that is in use."""
    return {
        "svix-id": message_id,
        "svix-timestamp": str(timestamp),
        "svix-signature": " ".join(signature(s, message_id, timestamp, body) for s in secrets),
    }
