"""Running a server in this process until a signal stops it."""

import asyncio
import gc
import logging
import os
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from socket import socket

import click

from runa_mock_server._version import __version__
from runa_mock_server.base.collector import freezes_accounts
from runa_mock_server.base.listening import PortBusyError, bind, close
from runa_mock_server.base.signals import stop_signals
from runa_mock_server.catalogue.catalogue import CatalogueError
from runa_mock_server.cli.early import Early
from runa_mock_server.cli.errors import RefusedError
from runa_mock_server.config import logs
from runa_mock_server.config.serve_settings import ServeSettings
from runa_mock_server.config.settings import Settings
from runa_mock_server.contract.kindnesses import summary
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.store.engine import StoreDownError, StoreError, StoreUrlError
from runa_mock_server.store.records import RecordVersionError
from runa_mock_server.store.urls import IN_MEMORY, open_engine
from runa_mock_server.web.http_server import HttpServer

_DATABASE_SECONDS = 30
_DATABASE_PAUSE = 0.5

log = logging.getLogger(__name__)
announcement = logging.getLogger(f"{__name__}.announcement")
announcement.setLevel(logging.INFO)  # whatever the log level: who asked for port 0 needs the URL


def run(settings: ServeSettings, early: Early | None, traffic: Path | None = None) -> None:
    """Serve until a signal or the control API stops the server.

    Args:
        settings: of the server and its process.
        early: sockets that listen already, if they listen where the settings say.
        traffic: the file to record traffic in.

    Raises:
        click.ClickException: if the address cannot be listened on.
        RefusedError: for a catalogue that cannot be used, or an event loop that is missing.
    """
    logs.configure(settings.log_level, settings.log_format)
    try:
        # In memory it is made before anything listens, so that a wrong catalogue is told first.
        server_state = ServerState(settings.server) if settings.store == IN_MEMORY else None
        if server_state is not None:
            _record(server_state, traffic)
        sockets = _sockets(settings, early)
    except CatalogueError as error:
        raise RefusedError(str(error)) from None
    except PortBusyError as error:
        raise click.ClickException(f"{error}; choose another with --port") from None
    try:
        with asyncio.Runner(loop_factory=_loop_factory(settings.event_loop)) as runner:
            if server_state is None:
                server_state = runner.run(_opened(settings.server))
                _record(server_state, traffic)
            runner.run(_serve(server_state, sockets, settings.ready_file))
    except CatalogueError as error:
        raise RefusedError(str(error)) from None
    except (StoreError, RecordVersionError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:  # no file descriptor is left, for example
        raise click.ClickException(f"cannot start the server: {error.strerror or error}") from None


def _record(server_state: ServerState, traffic: Path | None) -> None:
    """Record the traffic of a server in a file, if one is named."""
    if traffic is None:
        return
    from runa_mock_server.server_state.traffic import TrafficRecorder  # noqa: PLC0415 - rarely used
    from runa_mock_server.testing.recording import TrafficFile  # noqa: PLC0415 - as above

    try:
        file = TrafficFile(traffic, "serve")
    except OSError as error:
        raise RefusedError(f"--traffic: {traffic}: {error.strerror}") from None
    server_state.observers.append(TrafficRecorder(server_state, file.write))


def _sockets(settings: Settings, early: Early | None) -> list[socket]:
    """Those that listen early, or others if all options together say another place."""
    if early is not None and (early.hosts, early.port) == (settings.hosts, settings.port):
        return early.sockets
    if early is not None:
        close(early.sockets)
    return bind(settings.hosts, settings.port)


def _loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the event loop; ``None`` leaves that to asyncio."""
    if name == "asyncio":
        return None
    try:
        import uvloop  # noqa: PLC0415 - an extra, and most do without
    except ImportError:
        raise RefusedError("uvloop is not installed: pip install 'runa-mock[uvloop]'") from None
    return uvloop.new_event_loop


async def _serve(server_state: ServerState, sockets: list[socket], ready_file: str | None) -> None:
    stream = server_state.log
    if stream is not None:
        await stream.start()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in stop_signals():
        loop.add_signal_handler(signal_number, stopped.set)
    server_state.stop = stopped.set
    server_state.installed.append(freezes_accounts())
    exposed = _exposed(server_state.settings, sockets)
    server = HttpServer(server_state, sockets)
    url = await server.start()
    if ready_file is not None:
        try:
            _tell_ready(Path(ready_file), f"{url}/v2")
        except RefusedError:
            await server.stop()
            raise
    gc.freeze()  # what was loaded stays: the collector need not walk it again and again
    announcement.info(
        "runa-mock %s (%s, %s%s) serves %s/v2",
        __version__,
        server_state.profile.name,
        summary(server_state.settings),
        f", dashboard: {url}/_mock/" if server_state.settings.control else "",
        url,
    )
    if exposed:
        log.warning("the control API is open to the network; restrict it with --control-token")
    await stopped.wait()
    await server.stop()
    if stream is not None:
        await stream.close()
    log.info("stopped")


async def _opened(settings: Settings) -> ServerState:
    """The world in the store, whose database is waited for.

    Raises:
        StoreError: if the store cannot be used.
        RecordVersionError: if a newer version of this program wrote it.
    """
    from runa_mock_server.control.world import open_world  # noqa: PLC0415 - few servers have a store

    until, has_told = time.monotonic() + _DATABASE_SECONDS, False
    while True:
        engine = open_engine(settings.store)
        if engine.shared:
            raise StoreUrlError(
                f"store {engine.place}: servers cannot share a world yet; use sqlite:///FILE"
            )
        try:
            return await open_world(engine, settings, None, None)
        except StoreDownError as error:
            await engine.close()
            if time.monotonic() > until:
                raise StoreDownError(f"{error}; waited {_DATABASE_SECONDS} seconds") from None
            if not has_told:
                log.warning("waiting for %s", engine.place)
            has_told = True
            await asyncio.sleep(_DATABASE_PAUSE)


def _tell_ready(file: Path, url: str) -> None:
    """Write the URL into a file, in one step: who waits for the file never reads half of it.

    Raises:
        RefusedError: if the file cannot be written.
    """
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        part.write_text(f"{url}\n", encoding="utf-8")
        part.replace(file)
    except OSError as error:
        raise RefusedError(f"--ready-file: {file}: {error.strerror}") from None


def _exposed(settings: Settings, sockets: Sequence[socket]) -> bool:
    """Whether other computers can use the control API without a token."""
    addresses = [each.getsockname()[0].partition("%")[0] for each in sockets]
    return (
        settings.control
        and settings.control_token is None
        and not all(ip_address(address).is_loopback for address in addresses)
    )
