"""A server that looks where its time goes: ``python -m benchmarks.sampled ours|bare PORT``.

While it has the core, a timer interrupts it again and again, and what it is just doing is counted
under the stage of a request that it belongs to. Unlike a profiler this makes no call dearer than
another. When the server is told to stop it writes the counts, as JSON in a line.
"""

import asyncio
import json
import signal
import sys
from collections import Counter
from functools import cache
from types import FrameType

from benchmarks import bare, filled

INTERVAL = 0.001  # seconds of CPU time; systems may round it up

OTHER = "the rest"
# A piece of a file's path, a function in it or nothing, and the stage. The first that fits counts;
# what fits nothing belongs to the stage of its caller.
RULES = (
    ("asyncio/selector_events", "_read_ready__data_received", "reading from the socket"),
    ("aiohttp/web_protocol", "data_received", "parsing HTTP"),
    ("asyncio/selector_events", "write", "writing to the socket"),
    ("asyncio/", "", "event loop"),
    ("/selectors", "", "event loop"),
    ("runa_mock_server/web/direct", "", "writing: head and body"),
    ("runa_mock_server/web/answers", "", "writing: head and body"),
    ("runa_mock_server/journal", "", "journal"),
    ("runa_mock_server/web/gateway", "_record", "journal"),
    ("runa_mock_server/web/routing", "", "route"),
    ("runa_mock_server/path_table", "", "route"),
    ("runa_mock_server/web/body", "", "reading the body"),
    ("runa_mock_server/web/checks", "", "header checks"),
    ("runa_mock_server/access", "", "header checks"),
    ("runa_mock_server/rate_limit", "", "header checks"),
    ("runa_mock_server/idempotency", "", "idempotency"),
    ("runa_mock_server/strict_json", "", "JSON, validation and rules"),
    ("runa_mock_server/bodies", "", "JSON, validation and rules"),
    ("runa_mock_server/order_body", "", "JSON, validation and rules"),
    ("runa_mock_server/order_rules", "", "JSON, validation and rules"),
    ("runa_mock_server/pricing", "", "JSON, validation and rules"),
    ("runa_mock_server/balances", "", "balance and mail"),
    ("runa_mock_server/emails", "", "balance and mail"),
    ("runa_mock_server/ids", "", "ids and the order's text"),
    ("runa_mock_server/clock", "", "ids and the order's text"),
    ("runa_mock_server/order_document", "", "ids and the order's text"),
    ("runa_mock_server/order_template", "", "ids and the order's text"),
    ("runa_mock_server/order_store", "", "storing the order"),
    ("runa_mock_server/orders", "", "storing the order"),
    ("runa_mock_server/progress", "", "storing the order"),
    ("runa_mock_server/web/", "", "gateway and handler"),
    ("runa_mock_server/", "", OTHER),
    ("benchmarks/bare", "", "the handler: JSON both ways"),
    ("aiohttp/", "", "aiohttp: request, response, connection"),
)


@cache
def _stage_of(path: str, function: str) -> str | None:
    for piece, name, stage in RULES:
        if piece in path and name in ("", function):
            return stage
    return None


def stage(frame: FrameType | None) -> str:
    """The stage that what runs now belongs to."""
    while frame is not None:
        found = _stage_of(frame.f_code.co_filename, frame.f_code.co_name)
        if found is not None:
            return found
        frame = frame.f_back
    return OTHER


async def main(which: str, port: int) -> None:
    """Serve until SIGTERM, and count."""
    counts: Counter[str] = Counter()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    # asyncio would only note the signal; here it matters what is running when it comes.
    signal.signal(signal.SIGPROF, lambda _, frame: counts.update((stage(frame),)))
    signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
    if which == "bare":
        await bare.serve(port, stopped)
    else:
        await filled.serve(port, 0, 0, stopped)
    signal.setitimer(signal.ITIMER_PROF, 0)
    print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
