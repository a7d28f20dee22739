"""What a server can tell of, to how many, and signed with what (page "Webhooks")."""

import base64
import binascii

from runa_schemas.contract_data import WEBHOOK_EVENTS, WebhookEvent

Event = WebhookEvent
EVENTS = WEBHOOK_EVENTS

MOST_ENDPOINTS = 100
"""So many may be told of the events of one server."""

SECRET_PREFIX = "whsec_"  # noqa: S105 - what secrets start with
_LONGEST_SECRET = 256


def secret_bytes(secret: str) -> bytes:
    """The key in a secret.

    Raises:
        ValueError: if it is not ``whsec_`` and the base64 of 1 to 256 bytes.
    """
    wanted = f"must be {SECRET_PREFIX} and the base64 of 1 to {_LONGEST_SECRET} bytes"
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(wanted)
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(wanted) from None
    if not 0 < len(key) <= _LONGEST_SECRET:
        raise ValueError(wanted)
    return key
