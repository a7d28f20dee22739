"""The API key reaches the service and nothing else."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runa_client import (
    RetryPolicy,
    RunaCallError,
    RunaClient,
    Timeout,
    item,
    make_settings,
    single,
)

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


def _encoded(text: str) -> str:
    return "".join(f"%{ord(character):02x}" for character in text)


@pytest.mark.parametrize(
    "spelt",
    [
        API_KEY.lower(),
        API_KEY.upper(),
        _encoded(API_KEY),
        _encoded(API_KEY).upper(),
        quote(_encoded(API_KEY)),
        quote(API_KEY, safe="").replace("-", "%2D"),
        _encoded(API_KEY[:5]) + API_KEY[5:].title(),
    ],
)
def test_a_key_that_is_spelt_otherwise_is_hidden_as_well(
    spelt: str, make_client: Clients, server: ScriptedServer
) -> None:
    """An echo in another case or percent-encoded, as in a URL, does not show the key either."""
    server.answer(400, {"type": f"a{spelt}", "message": f"key={spelt}&x", "help": spelt})
    server.answer(307, b"", Location=f"/elsewhere?key={spelt}")

    for _ in range(2):
        with pytest.raises(RunaCallError) as caught:
            make_client().create_order(ITEMS)
        shown = str(caught.value) + repr(vars(caught.value))
        assert spelt not in shown
        assert "[API key]" in shown


secrets = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=20)


@given(secret=secrets, before=st.text(max_size=9), after=st.text(max_size=9))
def test_a_key_is_hidden_in_any_text(secret: str, before: str, after: str) -> None:
    """As it is, in quotes of Python, encoded once and encoded twice."""
    scrub = make_settings("http://127.0.0.1:1/v2", secret, {}).scrub
    for spelt in (secret, repr(secret)[1:-1], quote(secret), quote(quote(secret, safe=""))):
        assert secret not in scrub(before + spelt + after).replace("[API key]", "\0")
        assert scrub(f"\0{spelt}\0") == "\0[API key]\0"


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
