"""Effects of the requests in a test."""

from typing import Any

from runa_mock_server import MockServer
from runa_mock_server.server_state.effects import KeyEffects
from support.raw import ORDER, exchange, message


def verdicts(server: Any, **options: Any) -> dict[str, str]:
    """The verdict on each key."""
    return {key.idempotency_key: key.verdict for key in server.effects(**options).keys}


def only(server: Any, key: str) -> KeyEffects:
    """What one key has caused."""
    (found,) = server.effects(key).keys
    assert isinstance(found, KeyEffects)
    return found


def lose(server: MockServer, key: str, raw: bytes = ORDER) -> str:
    """Place an order whose answer does not reach the client; its id."""
    server.faults.arm("status", "after_commit", status=504, idempotency_key=key)
    sent = message("POST", "/v2/order", raw, X_Idempotency_Key=key)
    assert exchange(server.url, sent).status == 504
    return only(server, key).orders[-1]
