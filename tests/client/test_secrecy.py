"""The API key reaches the service and nothing else."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from typing import TYPE_CHECKING

import pytest

from runa_client import RetryPolicy, RunaCallError, RunaClient, Timeout, item, single

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client.conftest import Clients, ScriptedServer

API_KEY = "XX.a-secret-nobody-may-see"
ITEMS = [item(10, products=single("AMZ-US"))]
ECHO = {
    "type": API_KEY,
    "message": f"key {API_KEY}",
    "help": API_KEY,
    "details": [{"type": API_KEY, "message": API_KEY, "location": [API_KEY]}],
}
ECHOES = {
    "silence": lambda server: server.hang(),
    "reset": lambda server: server.reset(),
    "no HTTP": lambda server: server.script.append(lambda peer: peer.sendall(API_KEY.encode())),
    "echo in an error": lambda server: server.answer(422, ECHO),
    "echo in a redirect": lambda server: server.answer(307, b"", Location=f"/{API_KEY}"),
    "echo in a bad result": lambda server: server.answer(
        200, {"id": "O-1", "status": "X", "created_at": API_KEY}
    ),
}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("echo", ECHOES)
def test_no_error_or_log_record_shows_the_key(
    echo: str, make_client: Clients, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Errors, their causes, their tracebacks' values and all records at DEBUG lack the key."""
    caplog.set_level(logging.DEBUG)
    ECHOES[echo](server)
    client = make_client(retry=RetryPolicy(attempts=1), timeout=Timeout(connect=5, read=0.3))

    with pytest.raises(RunaCallError) as caught:
        client.create_order(ITEMS)

    assert server.received[0].headers["x-api-key"] == API_KEY
    shown = [caplog.text, *(repr(vars(record)) for record in caplog.records)]
    for error in _chain(caught.value):
        shown += [repr(error), str(error), repr(vars(error)), repr(pickle.dumps(error))]
        with_values = traceback.TracebackException.from_exception(error, capture_locals=True)
        frames = [f for f in with_values.stack if "runa_client" in f.filename]
        shown.append(repr([frame.locals for frame in frames]))
    assert all(API_KEY not in text for text in shown)
    assert [r.levelname for r in caplog.records if r.name == "runa_client"] == ["DEBUG"]


def test_each_attempt_is_logged(
    client: RunaClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A line for each request says what was sent, the how-manieth it was, and what came."""
    caplog.set_level(logging.DEBUG, logger="runa_client")
    server.answer(502, b"")
    server.answer(200, {"message": "pong"})

    client.ping()

    lines = [record.getMessage() for record in caplog.records if record.name == "runa_client"]
    assert lines == ["GET /ping 1/4: 502", "GET /ping 2/4: 200"]


def test_a_client_shows_its_url_only(client: RunaClient, server: ScriptedServer) -> None:
    """The repr of a client, and of what it holds, lacks the key."""
    assert server.url in repr(client)
    inner = getattr(client, "client", client)
    shown = [repr(client), repr(inner), repr(vars(inner)), repr(copy.copy(inner))]
    assert all(API_KEY not in text for text in shown)
