"""The stream of what changes, for pages that show it: ``GET /_mock/events``, server-sent events.

It names the parts that have changed and carries no data, so a reader that is slow or gone costs
nothing: what it has not taken in yet is one set of names. Nothing looks for changes while nobody
listens.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress

import orjson
from aiohttp import web

from runa_mock_server.control.changes import PARTS, Mark, marks
from runa_mock_server.control.problems import ControlError
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.web.connection import connection_of

HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent, so that dead connections are found."""
MOST_STREAMS = 32
"""How many may listen at the same time."""

_PAUSE = 0.25  # between two looks


class EventStreams:
    """Everybody who listens to one server_state.

    Args:
        server_state: the server's state.
    """

    def __init__(self, server_state: ServerState) -> None:
        self._server_state = server_state
        self._streams: set[_Stream] = set()
        self._watcher: asyncio.Task[None] | None = None

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Tell one listener what changes, until it is gone or the server stops.

        Raises:
            ControlError: if too many are listening already.
        """
        if len(self._streams) >= MOST_STREAMS:
            raise ControlError(
                503,
                "too_many_streams",
                f"{MOST_STREAMS} are listening already.",
                help_="Close a dashboard.",
            )
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        stream = _Stream()
        self._streams.add(stream)
        if self._watcher is None:
            # Marked before the first event leaves: what happens from then on must be told.
            self._watcher = asyncio.create_task(self._watch(marks(self._server_state)))
        forget = connection_of(request).when_lost(stream.end)
        try:
            with suppress(ConnectionError):  # the listener is gone
                await response.prepare(request)
                await stream.send_to(response)
        finally:
            forget()
            self._leave(stream)
        response.force_close()
        return response

    def end(self) -> None:
        """End every stream, for the server stops."""
        for stream in self._streams:
            stream.end()

    def _leave(self, stream: "_Stream") -> None:
        self._streams.discard(stream)
        if not self._streams and self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None

    async def _watch(self, before: Mapping[str, Mark]) -> None:
        while True:
            await asyncio.sleep(_PAUSE)
            now = marks(self._server_state)
            changed = [part for part in PARTS if now[part] != before[part]]
            before = now
            if changed:
                for stream in self._streams:
                    stream.tell(changed)


class _Stream:
    """One listener; at first everything is new to it."""

    def __init__(self) -> None:
        self._news = set(PARTS)
        self._is_over = False
        self._woken = asyncio.Event()
        self._woken.set()

    def tell(self, parts: Iterable[str]) -> None:
        """Have the listener know that some parts have changed."""
        self._news.update(parts)
        self._woken.set()

    def end(self) -> None:
        """Have ``send_to`` return."""
        self._is_over = True
        self._woken.set()

    async def send_to(self, response: web.StreamResponse) -> None:
        """Send what there is to be told, until the end."""
        while not self._is_over:
            try:
                async with asyncio.timeout(HEARTBEAT):
                    await self._woken.wait()
            except TimeoutError:
                await response.write(b": still here\n\n")
                continue
            self._woken.clear()
            parts, self._news = sorted(self._news), set()
            if parts:
                await response.write(b"event: changed\ndata: %s\n\n" % orjson.dumps(parts))
