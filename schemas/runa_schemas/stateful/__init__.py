"""A service against a model: any mix of orders, repeats and reads, as a hypothesis state machine.

``RunaStateMachine`` calls a service over HTTP, remembers what the service has to know, and holds
each answer against it: every accepted idempotency key made exactly one order, a repeat gets the
first answer byte for byte, the list holds each order once. A subclass says which service, and adds
rules of its own.

It needs hypothesis: install ``runa-mock[hypothesis]``.
"""

try:
    import hypothesis as _hypothesis  # noqa: F401 - only to say what is missing
except ImportError as error:
    raise ImportError(
        "runa_schemas.stateful needs hypothesis; install runa-mock[hypothesis]"
    ) from error

from runa_schemas.stateful._account import Account, Order, Sent
from runa_schemas.stateful._machine import RunaStateMachine
from runa_schemas.stateful._model import Kept, Request

__all__ = ["Account", "Kept", "Order", "Request", "RunaStateMachine", "Sent"]
