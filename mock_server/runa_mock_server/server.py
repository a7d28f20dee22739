"""A mock server inside a Python process, on a thread and an event loop of its own."""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from runa_mock_server.base.clock import Clock
from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.config.file import load_settings
from runa_mock_server.config.settings import Settings
from runa_mock_server.control.api import ControlApi, ControlRequest
from runa_mock_server.control_client.client import Controls
from runa_mock_server.control_client.transport import Reply
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.server_state.server_state import World
from runa_mock_server.web.http_server import HttpServer


class MockServer(Controls):
    """A server for the time of a ``with`` block.

    >>> with MockServer(processing_delay=0) as server:
    ...     server.base_url  # doctest: +ELLIPSIS
    'http://127.0.0.1:.../v2'

    Args:
        settings: how the server behaves; by default a free port and the playground's ways.
        config: a configuration file (TOML or JSON) with settings; what it says about the log is
            ignored, and paths in it are relative to its place.
        clock: the time it lives in, for example a ``ManualClock``, or what the setting ``clock``
            takes; by default the computer's.
        catalogue: what can be ordered, or the path of a catalogue file; by default the built-in
            catalogue.
        **values: single settings, instead of ``settings``; they beat those of ``config``.

    Raises:
        ConfigError: for a configuration file that cannot be used.
        SettingsError: for a setting that is unknown or does not fit.
        CatalogueError: for a catalogue file or a template that cannot be used.
        TypeError: if ``settings`` are given together with ``config`` or single settings.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        config: str | Path | None = None,
        clock: Clock | str | None = None,
        catalogue: Catalogue | str | Path | None = None,
        **values: Any,
    ) -> None:
        if isinstance(catalogue, str | Path):
            values["catalogue"], catalogue = str(catalogue), None
        if isinstance(clock, str):
            values["clock"], clock = clock, None
        others = [*values, *(["config"] if config is not None else [])]
        if settings is not None and others:
            raise TypeError(f"settings: cannot be combined with {', '.join(others)}")
        super().__init__(self._send)
        settings = settings or load_settings(config, **values)
        self._world = World(settings, clock, catalogue)
        self._control = ControlApi(self._world)
        self._thread: threading.Thread | None = None
        self._url: str | None = None
        # Where calls are carried out, which is on the caller's thread while there is no loop.
        self._place = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Scheme, host and port of the running server.

        Raises:
            RuntimeError: if it is not running.
        """
        if self._url is None:
            raise RuntimeError("the server is not running: use `with MockServer() as server:`")
        return self._url

    @property
    def base_url(self) -> str:
        """What a client takes as its base URL: ``url`` with ``/v2``."""
        return self.url + "/v2"

    @property
    def settings(self) -> Settings:
        """How the server behaves; API keys included, for it is in this very process."""
        return self._world.settings

    def start(self) -> None:
        """Listen, and return once requests are answered.

        Raises:
            PortBusyError: if the address cannot be listened on.
            RuntimeError: if it is running already.
        """
        if self._thread is not None and self._thread.is_alive():
            raise RuntimeError("the server is running already")
        started: Future[str] = Future()
        thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(started)), name="runa-mock", daemon=True
        )
        thread.start()
        try:
            self._url = started.result()
        except Exception:
            thread.join()
            raise
        self._thread = thread

    def close(self) -> None:
        """Stop; harmless if it is not running."""
        if self._thread is None:
            return
        with self._place:
            if self._loop is not None:  # else it was told to stop already
                self._loop.call_soon_threadsafe(self._world.stop)
        self._thread.join()
        self._thread = self._url = None

    def _send(
        self, method: str, path: str, query: Mapping[str, str], body: bytes, api_key: str | None
    ) -> Reply:
        """Call the control API where the world lives: on the server's thread while it runs."""
        lists = {name: (value,) for name, value in query.items()}
        request = ControlRequest(method, path, lists, body, api_key)
        reply: Future[Answer] = Future()

        def answer() -> None:
            try:
                reply.set_result(self._control(request))
            except Exception as error:  # noqa: BLE001 - whatever it is, the waiting thread gets it
                reply.set_exception(error)

        with self._place:
            if self._loop is None or threading.current_thread() is self._thread:
                answer()
            else:
                self._loop.call_soon_threadsafe(answer)
        return Reply(*reply.result()[:2])

    async def _serve(self, started: Future[str]) -> None:
        """The thread's work: serve until the world is told to stop."""
        stopped = asyncio.Event()
        http = HttpServer(self._world)
        try:
            url = await http.start()
        except Exception as error:  # noqa: BLE001 - whatever it is, the waiting thread gets it
            started.set_exception(error)
            return
        self._world.stop = stopped.set
        self._loop = asyncio.get_running_loop()
        started.set_result(url)
        try:
            await stopped.wait()
            await http.stop()
        finally:
            with self._place:
                self._loop = None
            await asyncio.sleep(0)  # calls that are on their way here come through
