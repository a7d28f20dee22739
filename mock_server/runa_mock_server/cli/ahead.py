"""Loading what first calls need before they come, but after the server has begun to answer.

It is done on the event loop: another thread would hold requests up as much, and could meet them in
the middle of an import. So it comes in pieces, of some hundredths of a second each, with pauses
in which requests are served and the server can be stopped.
"""

import asyncio
import gc
from importlib import import_module

# Whoever has waited for the server to start asks first.
_HEAD_START = 0.05  # seconds
_PAUSE = 0.005
# The large parts of pydantic come by themselves, for they would all come with what needs them.
_FOR_ORDERS = (
    "pydantic_core",
    "pydantic.errors",
    "annotated_types",
    "pydantic.types",
    "runa_mock_server.contract.request_models",
)
_FOR_CONTROL = (
    "runa_mock_server.config.settings",
    "runa_mock_server.control.models",
    "runa_mock_server.control.webhook_models",
    "runa_mock_server.server_state.snapshots",
    "runa_mock_server.control.api",
)


async def load_ahead() -> None:
    """Load the models of orders, then the control API; harmless if a request was faster."""
    await asyncio.sleep(_HEAD_START)
    await _load(_FOR_ORDERS)
    from runa_mock_server.contract.request_models import NewOrder, validator  # noqa: PLC0415 - loaded by now

    validator(NewOrder)
    await _load(_FOR_CONTROL)
    gc.collect()  # what requests have left behind does not stay
    gc.freeze()  # what was loaded does: the collector need not walk it again and again


async def _load(pieces: tuple[str, ...]) -> None:
    for piece in pieces:
        import_module(piece)
        await asyncio.sleep(_PAUSE)
