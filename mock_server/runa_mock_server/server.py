"""A mock server inside a Python process, with a thread and an event loop of its own."""

import asyncio
import os
import threading
from collections.abc import Awaitable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self, Unpack

from runa_mock_server.base.clock import Clock
from runa_mock_server.base.slices import finish_in_slices
from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.config.file import load_settings
from runa_mock_server.config.settings import Settings
from runa_mock_server.control import stored
from runa_mock_server.control.api import OPERATION_OF, ControlApi
from runa_mock_server.control.operation import ControlRequest
from runa_mock_server.control.world import open_world
from runa_mock_server.control_client.client import ControlClient
from runa_mock_server.control_client.keywords import ServerSettings
from runa_mock_server.control_client.transport import Caller, Response
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.store.engine import StoreError, StoreUrlError
from runa_mock_server.store.log import Log, run_now
from runa_mock_server.store.urls import IN_MEMORY, open_engine
from runa_mock_server.web.answers import unavailable
from runa_mock_server.web.http_server import HttpServer


class MockServer(ControlClient, AbstractContextManager["MockServer"]):
    """A mock server that runs during a ``with`` block.

    >>> with MockServer(processing_delay=0) as server:
    ...     server.base_url  # doctest: +ELLIPSIS
    'http://127.0.0.1:.../v2'

    The controls also work before the server starts and after it stops. In a forked child process
    they raise ``RuntimeError``, because the server runs in the parent process; HTTP requests and
    ``connect(server.url)`` work there.

    Args:
        settings: the settings; by default a free port and the behaviour of the playground.
        config: a configuration file (TOML or JSON) with settings; paths in it are relative to
            the file, and its settings of the log are ignored.
        clock: a clock, for example ``ManualClock()``, or a value of the setting ``clock``; by
            default the system time.
        catalogue: the products, or the path of a catalogue file; by default the built-in ones.
        **values: single settings instead of ``settings``; they override those of ``config``.

    Raises:
        ConfigError: for an invalid configuration file.
        SettingsError: for an unknown or invalid setting.
        CatalogueError: for an invalid catalogue file or template.
        StoreError: for a store that cannot be used.
        TypeError: if ``settings`` is combined with ``config`` or single settings.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        config: str | Path | None = None,
        clock: Clock | str | None = None,
        catalogue: Catalogue | str | Path | None = None,
        **values: Unpack[ServerSettings],
    ) -> None:
        single = dict(values)
        if isinstance(catalogue, str | Path):
            single["catalogue"], catalogue = str(catalogue), None
        if isinstance(clock, str):
            single["clock"], clock = clock, None
        others = [*single, *(["config"] if config is not None else [])]
        if settings is not None and others:
            raise TypeError(f"settings: cannot be combined with {', '.join(others)}")
        super().__init__(Caller(self._send, OPERATION_OF))
        settings = settings or load_settings(config, **single)
        self._server_state = _opened(settings, clock, catalogue)
        self._control = ControlApi(self._server_state)
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self._url: str | None = None
        # Held while a request is handed to the event loop, or runs where no loop does.
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._unanswered = 0  # requests that were handed to the event loop

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Scheme, host and port of the running server.

        Raises:
            RuntimeError: if the server is not running.
        """
        if self._url is None:
            raise RuntimeError("the server is not running: use `with MockServer() as server:`")
        return self._url

    @property
    def base_url(self) -> str:
        """The base URL for a client: ``url`` with ``/v2``."""
        return self.url + "/v2"

    @property
    def settings(self) -> Settings:
        """The settings of the server, including API keys.

        Raises:
            RuntimeError: in a forked child process.
        """
        self._check_process()
        return self._server_state.settings

    def start(self) -> None:
        """Start the server; returns when it answers requests.

        Raises:
            PortBusyError: if the server cannot listen on the address.
            RuntimeError: if the server is running already, or in a forked child process.
            BaseException: whatever else ended the server's thread before it was listening, for
                example ``OSError`` when no file descriptor is left.
        """
        self._check_process()
        if self._thread is not None and self._thread.is_alive():
            raise RuntimeError("the server is running already")
        started: Future[str] = Future()
        thread = threading.Thread(target=self._run, args=[started], name="runa-mock", daemon=True)
        thread.start()
        try:
            self._url = started.result()
        except BaseException:
            if started.done():  # else the wait was interrupted, and the thread still runs
                thread.join()
            raise
        self._thread, self._process = thread, os.getpid()

    def close(self) -> None:
        """Stop the server. Does nothing if it is not running, or in a forked child process."""
        if self._thread is None or self._is_forked:
            return
        with self._lock:
            if self._loop is not None:  # else the server was shut down already
                self._loop.call_soon_threadsafe(self._server_state.stop)
        self._thread.join()
        self._thread = self._url = None

    @property
    def _is_forked(self) -> bool:
        return self._thread is not None and self._process != os.getpid()

    def _check_process(self) -> None:
        # In the child neither the thread nor the state exists: a request would wait for ever.
        if self._is_forked:
            raise RuntimeError(
                f"this MockServer runs in the parent process ({self._process}) and cannot be "
                f"controlled from a forked child: use runa_mock_server.connect({self._url!r})"
            )

    def _send(self, request: ControlRequest) -> Response:
        """Call the control API: on the server's thread while it runs, else on this thread."""
        self._check_process()
        if self._server_state.log is not None:
            return self._send_stored(request, self._server_state.log)
        with self._lock:
            loop = self._loop
            if loop is None or threading.current_thread() is self._thread:
                return Response(*self._control(request)[:2])
            self._unanswered += 1
            reply = asyncio.run_coroutine_threadsafe(self._answer(request), loop)
        return Response(*reply.result()[:2])

    def _send_stored(self, request: ControlRequest, log: Log) -> Response:
        """Call the control API of a world in a store, which waits for the store."""

        async def answer() -> Answer:
            try:
                return await stored.answer(self._control, self._server_state, log, request)
            except StoreError as error:
                return unavailable(error)

        with self._lock:
            loop = self._loop
            if loop is None:
                return Response(*asyncio.run(_opening(log, answer()))[:2])
            if threading.current_thread() is self._thread:
                raise RuntimeError("call the controls of a server with a store on another thread")
            self._unanswered += 1
            reply = asyncio.run_coroutine_threadsafe(self._counted(answer()), loop)
        return Response(*reply.result()[:2])

    async def _counted(self, answer: Awaitable[Answer]) -> Answer:
        try:
            return await answer
        finally:
            self._unanswered -= 1

    async def _answer(self, request: ControlRequest) -> Answer:
        """Answer a request on the event loop, in slices."""
        try:
            return await finish_in_slices(self._control.slices(request))
        finally:
            self._unanswered -= 1

    def _run(self, started: Future[str]) -> None:
        """The thread's target; ``started`` receives the URL, or the error that ended the thread."""
        try:
            with asyncio.Runner() as runner:
                runner.get_loop()  # if this fails, no coroutine is left that was never awaited
                runner.run(self._serve(started))
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    async def _serve(self, started: Future[str]) -> None:
        """Serve until the server is stopped."""
        stopped = asyncio.Event()
        log = self._server_state.log
        if log is not None:
            await log.start()
        http = HttpServer(self._server_state)
        url = await http.start()
        self._server_state.stop = stopped.set
        self._loop = asyncio.get_running_loop()
        started.set_result(url)
        try:
            await stopped.wait()
            await http.stop()
        finally:
            with self._lock:
                self._loop = None
            while self._unanswered:  # noqa: ASYNC110 - each turn runs their next slices
                await asyncio.sleep(0)
            if log is not None:
                await log.close()


async def _opening(log: Log, answer: Awaitable[Answer]) -> Answer:
    """Open the store of a server that was stopped meanwhile."""
    if not log.is_closed:
        return await answer
    await log.start()
    try:
        return await answer
    finally:
        await log.close()


def _opened(settings: Settings, clock: Clock | None, catalogue: Catalogue | None) -> ServerState:
    """The state of a new server, or of the world in its store."""
    if settings.store == IN_MEMORY:
        return ServerState(settings, clock, catalogue)
    engine = open_engine(settings.store)
    if engine.shared:
        raise StoreUrlError(
            f"store {engine.place}: servers cannot share a world yet; use sqlite:///FILE"
        )
    return run_now(open_world(engine, settings, clock, catalogue))
