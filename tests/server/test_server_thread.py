"""`MockServer` when its thread cannot start, and in a forked child process: an error, no hang."""

import asyncio
import gc
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import NoReturn

import pytest
import requests

from runa_mock_server import MockServer, connect
from runa_mock_server.web.http_server import HttpServer
from support.api import KEY, TIMEOUT

PROMPT = 120  # seconds


def error_of(start: Callable[[], object]) -> BaseException:
    """The error that a call raises; fails if the call hangs."""
    errors: list[BaseException] = []

    def call() -> None:
        try:
            start()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test judges it
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(PROMPT)
    assert not thread.is_alive(), "start() hangs"
    (error,) = errors
    return error


class _BlockedSocket(socket.socket):
    """A socket that cannot be made, as under ``pytest --disable-socket``."""

    def __new__(cls, *_args: object, **_kwargs: object) -> NoReturn:
        raise RuntimeError("sockets are blocked")


def _fail(*_args: object) -> NoReturn:
    raise RuntimeError("no event loop")


async def _exit(_: HttpServer) -> NoReturn:
    raise SystemExit(3)


REASONS: dict[str, tuple[object, str, object, type[BaseException], str]] = {
    "sockets are blocked": (socket, "socket", _BlockedSocket, RuntimeError, "sockets are blocked"),
    "no event loop": (asyncio.events, "new_event_loop", _fail, RuntimeError, "no event loop"),
    "exit": (HttpServer, "start", _exit, SystemExit, "3"),
}


@pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("reason", REASONS)
def test_what_ends_the_thread_is_raised_by_start(
    monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    """The caller gets the error at once, no thread is left, and a later start succeeds."""
    owner, name, replacement, kind, message = REASONS[reason]
    server = MockServer()
    with monkeypatch.context() as broken:
        broken.setattr(owner, name, replacement)
        error = error_of(server.start)
    assert (type(error), str(error)) == (kind, message)
    del error
    gc.collect()  # asyncio's half-made event loop, while its warnings are ignored
    assert server.orders.list() == []
    assert "runa-mock" not in {thread.name for thread in threading.enumerate()}
    with server:
        assert requests.get(f"{server.url}/_mock/health", timeout=TIMEOUT).status_code == 200


FEW_DESCRIPTORS = """
import os, resource
from runa_mock_server import MockServer

with MockServer():  # imports what a start needs, for which a descriptor is needed, too
    pass
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
for free in range(12):
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
    for _ in range(free):
        os.close(taken.pop())
    try:
        with MockServer():
            outcome = "started"
    except Exception as error:
        outcome = f"{type(error).__name__} {error.errno}"
    for descriptor in taken:
        os.close(descriptor)
    print(outcome)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_a_server_without_file_descriptors_says_so() -> None:
    """However few are free: an `OSError` that does not blame the port, or the server starts."""
    done = subprocess.run(  # noqa: S603 - this interpreter, a literal program
        [sys.executable, "-c", FEW_DESCRIPTORS],
        capture_output=True,
        text=True,
        check=True,
        timeout=10 * PROMPT,
    )
    outcomes = done.stdout.splitlines()
    failures = [outcome for outcome in outcomes if outcome != "started"]
    assert failures
    assert set(failures) == {"OSError 24"}
    assert outcomes == failures + ["started"] * (len(outcomes) - len(failures))
    assert outcomes[-1] == "started"


@pytest.fixture
def in_child() -> Iterator[Callable[[Callable[[], object]], str]]:
    """Calls a function in a forked child process and returns its result or error as text."""
    context = multiprocessing.get_context("fork")
    children = []

    def run(function: Callable[[], object]) -> str:
        ours, theirs = context.Pipe()

        def report(channel: Connection) -> None:
            try:
                channel.send(str(function()))
            except Exception as error:  # noqa: BLE001 - whatever it is, the test judges it
                channel.send(f"{type(error).__name__}: {error}")

        child = context.Process(target=report, args=[theirs])
        children.append(child)
        child.start()
        assert ours.poll(PROMPT), "the child process hangs"
        text = str(ours.recv())
        child.join(PROMPT)
        assert child.exitcode == 0
        return text

    yield run
    for child in children:
        child.kill()


def forking(test: Callable[..., None]) -> Callable[..., None]:
    """Marks a test that forks."""
    for mark in (
        pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork"),
        pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
    ):
        test = mark(test)
    return test


CONTROLS: dict[str, Callable[[MockServer], object]] = {
    "orders": lambda server: server.orders.list(),
    "account": lambda server: server.account(KEY).clock.now(),
    "settings": lambda server: server.settings,
    "account settings": lambda server: server.account(KEY).settings,
    "start": lambda server: server.start(),
}


@forking
@pytest.mark.parametrize("name", CONTROLS)
def test_controls_in_a_forked_child_say_where_the_server_is(
    in_child: Callable[[Callable[[], object]], str], name: str
) -> None:
    """A `RuntimeError` with the way out, instead of a hang; the parent's controls work on."""
    with MockServer() as server:
        error = in_child(lambda: CONTROLS[name](server))
        assert error.startswith("RuntimeError: ")
        assert "parent process" in error
        assert f"connect('{server.url}')" in error
        assert server.orders.list() == []


@forking
def test_a_forked_child_calls_and_controls_the_server_over_http(
    in_child: Callable[[Callable[[], object]], str],
) -> None:
    """The base URL is the parent's, and so are the requests and the orders."""

    def call() -> int:
        headers = {"X-Api-Key": KEY}
        requests.get(f"{server.base_url}/ping", headers=headers, timeout=TIMEOUT)
        with connect(server.url) as remote:
            return len(remote.account(KEY).journal)

    with MockServer() as server:
        assert in_child(call) == "1"
        assert len(server.account(KEY).journal) == 1


@forking
def test_closing_in_a_forked_child_leaves_the_server_alone(
    in_child: Callable[[Callable[[], object]], str],
) -> None:
    """It returns at once, and the parent's server goes on."""
    with MockServer() as server:
        assert in_child(server.close) == "None"
        assert requests.get(f"{server.url}/_mock/health", timeout=TIMEOUT).status_code == 200
        assert server.orders.list() == []


@forking
def test_a_server_that_was_not_started_can_be_started_in_a_forked_child(
    in_child: Callable[[Callable[[], object]], str],
) -> None:
    """The child has its own copy then, of which the parent sees nothing."""
    server = MockServer()

    def use() -> int:
        with server:
            server.faults.arm("status")
            return requests.get(f"{server.base_url}/ping", timeout=TIMEOUT).status_code

    assert in_child(use) == "503"
    assert list(server.faults) == []
