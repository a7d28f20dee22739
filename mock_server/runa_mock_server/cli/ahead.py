"""Loading what the first order needs before there is one, but after the server has begun to answer.

A module is loaded on the event loop: another thread would hold requests up as long, and could meet
them in the middle of an import. So it comes in pieces, of some hundredths of a second each, with
pauses between them in which requests are served and the server can be stopped.
"""

import asyncio
import gc
from importlib import import_module

from runa_mock_server.bodies import NewOrder

# Whoever has waited for the server to start asks first.
_HEAD_START = 0.05  # seconds
_PAUSE = 0.005
# The large parts of pydantic, which would come all at once with the last.
_PIECES = (
    "pydantic_core",
    "pydantic.errors",
    "annotated_types",
    "pydantic.types",
    "runa_mock_server.body_models",
)


async def load_ahead() -> None:
    """Load the models of orders; harmless if they are loaded already, or in the meantime."""
    await asyncio.sleep(_HEAD_START)
    for piece in _PIECES:
        import_module(piece)
        await asyncio.sleep(_PAUSE)
    from runa_mock_server.body_models import build  # noqa: PLC0415 - loaded by now

    build(NewOrder)
    gc.freeze()  # what was loaded stays: the collector need not walk it again and again
