"""`runa-mock health`, asked of servers that answer whatever the test says."""

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from pathlib import Path
from socket import create_server, socket
from threading import Event, Thread

import pytest
from click.testing import Result

from runa_mock_server.base.address import url_of
from support.command import run

WELL = b'{"status": "ok", "version": "1.2.3"}'
LIMIT = 120  # seconds; nothing here takes a tenth of it, the rest is for a busy machine
SOON = "0.1"  # seconds to wait for a server that does not answer

LOADED = """
import sys
from runa_mock_server.cli import main

try:
    main(["health", "--url", "http://127.0.0.1:1"])
finally:
    print(*sorted({"aiohttp", "jinja2", "jiter", "orjson", "pydantic"} & {*sys.modules}))
"""


def health(*arguments: str, **environment: str) -> Result:
    """What `runa-mock health` does."""
    return run("health", *arguments, **environment)


def answer(body: bytes, status: str = "200 OK") -> bytes:
    """A whole HTTP answer."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def fake(pieces: Iterable[bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that sends these pieces to its one caller: its URL, and what it was sent."""
    with create_server(("127.0.0.1", 0)) as listener:
        received: list[bytes] = []
        thread = Thread(target=_serve, args=(listener, pieces, received), daemon=True)
        thread.start()
        yield url_of(*listener.getsockname()), received
        thread.join(LIMIT)
        assert not thread.is_alive(), "its caller did not hang up"


def _serve(listener: socket, pieces: Iterable[bytes], received: list[bytes]) -> None:
    connection, _ = listener.accept()
    with connection, suppress(OSError):  # whoever has heard enough goes away
        received.append(connection.recv(65_536))
        for piece in pieces:
            connection.sendall(piece)


def test_a_server_that_is_well() -> None:
    """Exit 0 and a line with its version and address; no key is sent, and no proxy asked."""
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "ALL_PROXY"), "http://127.0.0.1:1")
    with fake([answer(WELL)]) as (url, received):
        done = health("--url", url, **proxies)
    line = f"healthy: runa-mock 1.2.3 at {url}/_mock/health\n"
    assert (done.exit_code, done.stdout, done.stderr) == (0, line, "")
    (request,) = received
    assert request.startswith(b"GET /_mock/health HTTP/1.1\r\n")
    assert b"x-api-key" not in request.lower()


def test_a_server_behind_a_path() -> None:
    """What the URL has as a path comes before, with or without a slash at its end."""
    with fake([answer(WELL)]) as (url, received):
        assert health("--url", f"{url}/runa/").exit_code == 0
    assert received[0].startswith(b"GET /runa/_mock/health ")


@pytest.mark.parametrize("form", ["flags", "variables", "plain", "file", "flag over file"])
def test_it_asks_where_the_server_listens(tmp_path: Path, form: str) -> None:
    """By the flags, variables and file of `serve`; of a server on every address, at one."""
    with fake([answer(WELL)]) as (url, _):
        port = url.rpartition(":")[2]
        config = tmp_path / "a.toml"
        said = 9 if form == "flag over file" else port
        config.write_text(f"host = '0.0.0.0'\nport = {said}", encoding="utf-8")
        done = {
            "flags": lambda: health("--host", "0.0.0.0", "--port", port),  # noqa: S104 - the case under test
            "variables": lambda: health(RUNA_MOCK_HOST="0.0.0.0", RUNA_MOCK_PORT=port, PORT="9"),  # noqa: S104 - the case under test
            "plain": lambda: health(PORT=port),
            "file": lambda: health(RUNA_MOCK_CONFIG=str(config)),
            "flag over file": lambda: health("--config", str(config), "--port", port),
        }[form]()
    assert done.stdout == f"healthy: runa-mock 1.2.3 at {url}/_mock/health\n"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (answer(b"{}", "503 Service Unavailable"), "it answers 503"),
        (answer(b"{}", "302 Found\r\nLocation: /elsewhere"), "it answers 302"),
        (answer(b'{"status": "starting", "version": "1"}'), "its status is 'starting'"),
        (answer(b'{"status": "ok"}'), "it answers, but is no runa-mock"),
        (answer(b"[1]"), "it answers, but is no runa-mock"),
        (answer(b"<html>"), "it answers, but is no runa-mock"),
        (answer(b"\xff"), "it answers, but is no runa-mock"),
        (answer(b"[" * 60_000), "it answers, but is no runa-mock"),
        (answer(WELL)[:-5], "it answers, but is no runa-mock"),
        (b"SSH-2.0-\x1b[31mred\r\n", "it does not answer in HTTP"),
        (b"", "it does not answer in HTTP"),
    ],
)
def test_a_server_that_is_not_well(raw: bytes, reason: str) -> None:
    """Exit 1 and one line that says why."""
    with fake([raw]) as (url, _):
        done = health("--url", url)
    line = f"not healthy: {url}/_mock/health: {reason}"
    assert (done.exit_code, done.stdout, done.stderr.rstrip()) == (1, "", line)


def test_no_server_at_all() -> None:
    """Nobody listens, or there can be no such host: exit 1 and one line."""
    for url in ("http://127.0.0.1:1", f"http://{'a' * 70}.invalid", "http://a..b"):
        done = health("--url", url)
        assert (done.exit_code, done.stdout) == (1, ""), done.exception
        assert done.stderr.startswith(f"not healthy: {url}/_mock/health: ")
        assert len(done.stderr.splitlines()) == 1


def test_it_never_hangs() -> None:
    """A server that takes connections and says nothing, or drips, or never stops, is not well."""
    done = Event()

    def silent() -> Iterator[bytes]:
        done.wait()
        yield b""

    def dripping() -> Iterator[bytes]:
        while not done.wait(0.01):
            yield b"H"

    with fake(silent()) as (first, _), fake(dripping()) as (second, _):
        try:
            begin = time.monotonic()
            for url in (first, second):
                asked = health("--url", url, "--timeout", SOON)
                assert asked.exit_code == 1
                assert asked.stderr.endswith(f"/_mock/health: no answer within {SOON} s\n")
            assert time.monotonic() - begin < LIMIT
        finally:
            done.set()
    with fake(chain([b"HTTP/1.1 200 OK\r\n\r\n"], repeat(b" " * 1000))) as (url, _):
        assert "is no runa-mock" in health("--url", url).stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--url", "127.0.0.1:8484"), "--url"),
        (("--url", "ftp://127.0.0.1"), "--url"),
        (("--url", "http://"), "--url"),
        (("--url", "http://127.0.0.1:99999"), "--url"),
        (("--url", "http://[::1"), "--url"),
        (("--url", "http://127.0.0.1/?a"), "--url"),
        (("--url", "http://me@127.0.0.1/"), "--url"),
        (("--url", ""), "--url"),
        (("--timeout", "0"), "--timeout"),
        (("--timeout", "nan"), "--timeout"),
        (("--timeout", "soon"), "--timeout"),
        (("--port", "0"), "--port"),
        (("extra",), "extra"),
    ],
)
def test_nonsense_is_a_usage_error(arguments: tuple[str, ...], named: str) -> None:
    """Exit 2, with the name of what is wrong."""
    done = health(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert named in done.stderr


def test_it_loads_no_server() -> None:
    """It runs every few seconds, so it imports none of the libraries that a server needs."""
    done = subprocess.run(  # noqa: S603 - this interpreter, a literal program
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "\n"), done.stderr


def test_it_waits_until_the_server_is_up() -> None:
    """With ``--wait`` a server that refuses connections or is not well yet is asked again."""
    with create_server(("127.0.0.1", 0)) as taken:
        address = taken.getsockname()
    ready = Event()

    def serve() -> None:
        ready.wait(LIMIT)
        with create_server(address) as listener:
            for piece in (answer(b"starting", "503 Service Unavailable"), answer(WELL)):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(piece)

    thread = Thread(target=serve, daemon=True)
    thread.start()
    asked = health("--url", url_of(*address), "--wait", SOON)
    assert asked.exit_code == 1
    assert asked.stderr.count("\n") == 1
    ready.set()
    asked = health("--url", url_of(*address), "--wait", "60")
    thread.join(LIMIT)
    assert (asked.exit_code, asked.stderr) == (0, "")
    assert "1.2.3" in asked.stdout


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "3601", "soon"])
def test_a_wrong_wait_is_refused(seconds: str) -> None:
    """The seconds to wait are a number above 0, at most an hour."""
    assert health("--wait", seconds).exit_code == 2
