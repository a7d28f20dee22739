"""``runa-mock serve``."""

import asyncio
import gc
import logging
import signal
from collections.abc import Callable

import click

from runa_mock_server._version import __version__
from runa_mock_server.catalogue.catalogue import CatalogueError
from runa_mock_server.cli.ahead import load_ahead
from runa_mock_server.cli.options import Effective, RefusedError, takes_settings
from runa_mock_server.config import logs
from runa_mock_server.contract.kindnesses import summary
from runa_mock_server.server_state.server_state import World
from runa_mock_server.web.http_server import HttpServer, PortBusyError

log = logging.getLogger(__name__)
announcement = logging.getLogger(f"{__name__}.announcement")
announcement.setLevel(logging.INFO)  # whatever the log level: who asked for port 0 needs the URL


@click.command("serve")
@takes_settings
def command(effective: Effective) -> None:
    """Serve until SIGINT or SIGTERM."""
    settings = effective.settings
    logs.configure(settings.log_level, settings.log_format)
    try:
        world = World(settings.server)
    except CatalogueError as error:
        raise RefusedError(str(error)) from None
    try:
        with asyncio.Runner(loop_factory=_loop_factory(settings.event_loop)) as runner:
            runner.run(_serve(world))
    except PortBusyError as error:
        raise click.ClickException(f"{error}; choose another with --port") from None
    except OSError as error:  # no file descriptor is left, for example
        raise click.ClickException(f"cannot start the server: {error.strerror or error}") from None


def _loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the event loop; ``None`` leaves that to asyncio."""
    if name == "asyncio":
        return None
    try:
        import uvloop  # noqa: PLC0415 - an extra, and most do without
    except ImportError:
        raise RefusedError("uvloop is not installed: pip install 'runa-mock[uvloop]'") from None
    return uvloop.new_event_loop


async def _serve(world: World) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, stopped.set)
    world.stop = stopped.set
    server = HttpServer(world)
    url = await server.start()
    gc.freeze()  # what was loaded stays: the collector need not walk it again and again
    announcement.info(
        "runa-mock %s (%s, %s) serves %s/v2",
        __version__,
        world.profile.name,
        summary(world.settings),
        url,
    )
    ahead = asyncio.create_task(load_ahead())
    await stopped.wait()
    ahead.cancel()
    await server.stop()
    log.info("stopped")
