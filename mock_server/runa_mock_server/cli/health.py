"""``runa-mock health``: whether a server is up, for container checks.

It imports little and gives up in time, whatever the server does.
"""

import http.client
import json
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from threading import Thread
from urllib.parse import SplitResult, urlsplit

import click

from runa_mock_server.base.address import url_of
from runa_mock_server.cli.setting_option import SettingOption
from runa_mock_server.config.flags import CONFIG, DEFAULT_HOST, DEFAULT_PORT, HOST, PORT

_PATH = "/_mock/health"
_LONGEST = 3600  # seconds to wait
_PAUSE = 0.1  # seconds between two questions
_LARGEST = 64 * 1024  # bytes of an answer that are read
_CONNECTIONS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}


class _UnhealthyError(Exception):
    """The server answers, but not that it is well; the message says what."""


def _url(_: click.Context, __: click.Parameter, given: str | None) -> SplitResult | None:
    if given is None:
        return None
    try:
        url = urlsplit(given)
        usable = url.scheme in _CONNECTIONS and url.hostname and url.port != 0
    except ValueError as error:
        raise click.BadParameter(f"{given!r}: {error}") from None
    if not usable or url.query or url.fragment or url.username is not None:
        raise click.BadParameter(f"{given!r} is not like http://HOST:PORT")
    return url


def _seconds(_: click.Context, __: click.Parameter, given: float | None) -> float | None:
    if given is not None and not 0 < given <= _LONGEST:  # click's own range would take a NaN
        raise click.BadParameter(f"must be more than 0 and at most {_LONGEST}")
    return given


@click.command("health")
@click.option("--url", callback=_url, help="URL of the server, like http://127.0.0.1:8484.")
@click.option(
    HOST.flag,
    "hosts",
    cls=SettingOption,
    names=HOST,
    multiple=True,
    help="Address of the server, without --url; the first if repeated.",
)
@click.option(
    PORT.flag,
    "port",
    cls=SettingOption,
    names=PORT,
    type=click.IntRange(1, 65_535),
    help="Port of the server, without --url.",
)
@click.option(
    CONFIG.flag,
    "config",
    cls=SettingOption,
    names=CONFIG,
    type=click.Path(path_type=Path),
    help="Configuration file of the server, for its address and port.",
)
@click.option(
    "--timeout",
    type=float,
    callback=_seconds,
    default=3.0,
    show_default=True,
    help="Maximum seconds to wait for an answer.",
)
@click.option(
    "--wait",
    type=float,
    callback=_seconds,
    help="Ask again for so many seconds until the server is up.",
)
def command(  # noqa: PLR0913 - an argument for each option
    *,
    url: SplitResult | None,
    hosts: tuple[str, ...],
    port: int | None,
    config: Path | None,
    timeout: float,
    wait: float | None,
) -> None:
    """Ask a server whether it is up: exit 0 if it is, 1 if not.

    Without --url it asks where `serve` listens with the same flags, variables and file.
    """
    asked = url or urlsplit(_address(hosts, port, config))
    end = time.monotonic() + (wait or 0)
    while True:
        is_up, told = _told(asked, timeout)
        left = end - time.monotonic()
        if is_up or left <= 0:
            break
        time.sleep(min(_PAUSE, left))
    click.echo(told, err=not is_up)
    raise SystemExit(not is_up)


def _told(asked: SplitResult, timeout: float) -> tuple[bool, str]:
    """Whether the server is up, and a line that says so."""
    place = asked.geturl().rstrip("/") + _PATH
    answer: Future[str] = Future()
    # A timeout of a socket is not one of the name's look-up, nor of an answer that drips.
    Thread(target=_ask, args=(asked, timeout, answer), daemon=True).start()
    try:
        version = answer.result(timeout)
    except TimeoutError:
        problem = f"no answer within {timeout:g} s"
    except http.client.HTTPException:  # its text may be anything that the server sent
        problem = "it does not answer in HTTP"
    except (OSError, ValueError, _UnhealthyError) as error:  # ValueError: what can be no host
        problem = str(error)
    else:
        return True, f"healthy: runa-mock {version} at {place}"
    return False, f"not healthy: {place}: {problem}"


def _address(hosts: Sequence[str], port: int | None, config: Path | None) -> str:
    """Where a server listens that was started with the same settings."""
    file = {}
    if config is not None and not (hosts and port):
        from runa_mock_server.cli.options import read_config  # noqa: PLC0415 - takes its time

        file = read_config(config)
    listed = hosts or file.get("host", DEFAULT_HOST)
    host = listed if isinstance(listed, str) else listed[0]
    return url_of(host, port or file.get("port", DEFAULT_PORT))


def _ask(url: SplitResult, timeout: float, answer: "Future[str]") -> None:
    try:
        answer.set_result(_version(url, timeout))
    except Exception as error:  # noqa: BLE001 - whatever it is, the waiting thread gets it
        answer.set_exception(error)


def _version(url: SplitResult, timeout: float) -> str:
    """The version of a server that is well."""
    # http.client knows no proxies and follows no redirects.
    connection = _CONNECTIONS[url.scheme](str(url.hostname), url.port, timeout=timeout)
    with closing(connection):
        connection.request("GET", url.path.rstrip("/") + _PATH)
        with connection.getresponse() as response:
            raw = response.read(_LARGEST)
    if response.status != http.client.OK:
        raise _UnhealthyError(f"it answers {response.status}")
    try:
        document = json.loads(raw)
        status, version = document["status"], document["version"]
    except (ValueError, TypeError, LookupError, RecursionError):
        raise _UnhealthyError("it answers, but is no runa-mock") from None
    if status != "ok":
        raise _UnhealthyError(f"its status is {ascii(status)[:80]}")
    return ascii(str(version))[1:-1][:80]
