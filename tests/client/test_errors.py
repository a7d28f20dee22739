"""The errors: their classes, what they carry, and how they read."""

from __future__ import annotations

import inspect
import logging
import pickle
import re
from typing import TYPE_CHECKING

import pytest

import runa_client
from runa_client import (
    AccessDeniedError,
    AuthenticationError,
    BadRequestError,
    ErrorDetail,
    IdempotencyConflictError,
    NotFoundError,
    OrderFailedError,
    OrderTimeoutError,
    RetryPolicy,
    RunaApiError,
    RunaCallError,
    RunaClient,
    RunaError,
    ServerError,
    ValidationError,
    item,
    single,
)

if TYPE_CHECKING:
    from client.conftest import Clients, ScriptedServer

ITEMS = [item(10, products=single("AMZ-US"))]
INVALID = {
    "type": "validation_error",
    "message": "The request is not valid.",
    "help": "See the reference.",
    "details": [
        {
            "type": "missing",
            "message": "Field required",
            "location": ["body", "items", "0", "face_value"],
        },
        {"type": "enum", "message": "Input should be 'USD'", "location": ["body", "currency"]},
        "no detail",
    ],
}


@pytest.mark.parametrize(
    ("status", "name", "error"),
    [
        (400, "bad_request", BadRequestError),
        (400, "idempotency_validation_error", IdempotencyConflictError),
        (401, "unauthorized", AuthenticationError),
        (403, "ordering_restricted", AccessDeniedError),
        (404, "not_found", NotFoundError),
        (405, "method_not_allowed", RunaApiError),
        (410, "version_removed", RunaApiError),
        (422, "validation_error", ValidationError),
        (500, "internal_server_error", ServerError),
        (504, "timeout", ServerError),
    ],
)
def test_each_answer_has_its_error(
    status: int,
    name: str,
    error: type[RunaApiError],
    make_client: Clients,
    server: ScriptedServer,
) -> None:
    """Status and type decide the class, and the error carries all that the service said."""
    server.answer(status, {"type": name, "message": "It is so.", "help": "Do otherwise."})

    with pytest.raises(RunaApiError) as caught:
        make_client(retry=RetryPolicy(attempts=1)).create_order(ITEMS, idempotency_key="mine")

    raised = caught.value
    assert type(raised) is error
    assert (raised.status, raised.type, raised.message) == (status, name, "It is so.")
    assert (raised.help, raised.details) == ("Do otherwise.", ())
    assert (raised.method, raised.path, raised.attempts) == ("POST", "/order", 1)
    assert raised.idempotency_key == "mine"
    assert raised.safe_to_retry is (status >= 500)


def test_field_errors_are_seen_at_once(client: RunaClient, server: ScriptedServer) -> None:
    """The text of an error shows call, status, each field at fault, the help and the key."""
    server.answer(422, INVALID)

    with pytest.raises(ValidationError) as caught:
        client.create_order(ITEMS, idempotency_key="mine")

    assert caught.value.details[0] == ErrorDetail(
        type="missing", message="Field required", location=("body", "items", "0", "face_value")
    )
    assert str(caught.value).splitlines() == [
        "POST /order: 422 validation_error: The request is not valid.",
        "  body.items.0.face_value: Field required [missing]",
        "  body.currency: Input should be 'USD' [enum]",
        "  help: See the reference.",
        "  requests sent: 1, idempotency key: mine",
    ]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"type": 7, "details": {}}'])
def test_answers_without_error_body_are_told(
    body: bytes, client: RunaClient, server: ScriptedServer
) -> None:
    """A refusal that does not speak the service's language is still an API error."""
    server.answer(403, body)

    with pytest.raises(AccessDeniedError, match="without the service's error body") as caught:
        client.ping()

    assert (caught.value.type, caught.value.help, caught.value.details) == (None, None, ())
    assert caught.value.idempotency_key is None


def test_odd_details_do_not_hide_the_error(client: RunaClient, server: ScriptedServer) -> None:
    """Details of another form than documented are shown as far as they go."""
    server.answer(422, {**INVALID, "details": [{"location": ["items", 0]}, {"location": "x"}]})

    with pytest.raises(ValidationError) as caught:
        client.create_order(ITEMS)

    assert [detail.location for detail in caught.value.details] == [("items", "0"), ()]


def test_call_errors_pickle(client: RunaClient, server: ScriptedServer) -> None:
    """An error survives the way between processes whole."""
    server.answer(422, INVALID)
    with pytest.raises(ValidationError) as caught:
        client.create_order(ITEMS)

    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - own bytes

    assert type(copy) is ValidationError
    assert vars(copy) == vars(caught.value)
    assert str(copy) == str(caught.value)


def test_wait_errors_pickle(client: RunaClient, server: ScriptedServer) -> None:
    """The errors of waiting survive with their order."""
    server.answer(200, {"id": "O-1", "status": "FAILED"})
    order = client.get_order("O-1")

    for error in (OrderTimeoutError("O-1", 30.0, order), OrderFailedError(order)):
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - own bytes
        assert vars(copy) == vars(error)
        assert str(copy) == str(error)


def test_every_error_has_the_one_root_and_is_drawn() -> None:
    """Each public error is a `RunaError`, stands in the drawn tree, and the ↻ there is true."""
    errors = {
        name: kind
        for name in runa_client.__all__
        if inspect.isclass(kind := getattr(runa_client, name)) and issubclass(kind, Exception)
    }
    tree = inspect.getdoc(inspect.getmodule(RunaError)) or ""
    drawn = re.findall(r"(\w+Error)  +(↻)?|(\w+Error)$", tree, re.MULTILINE)

    assert all(issubclass(kind, RunaError) for kind in errors.values())
    assert {first or last for first, _, last in drawn} == errors.keys()
    assert {first for first, mark, _ in drawn if mark} == {
        name
        for name, kind in errors.items()
        if issubclass(kind, RunaCallError) and kind.safe_to_retry
    }


EVIL = "a\x1b[2Jb\r\nSent: yes\x00\u202ec\u2028d\x9b"


@pytest.mark.parametrize("status", [400, 422, 503, 307, 200])
def test_what_a_server_says_cannot_steer_a_terminal(
    status: int, make_client: Clients, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Control characters, line breaks and reversed writing are shown as escapes."""
    caplog.set_level(logging.DEBUG)
    body = {
        "type": EVIL,
        "message": EVIL,
        "help": EVIL,
        "details": [{"type": EVIL, "message": EVIL, "location": [EVIL]}],
        "id": "O-1",
        "status": "X",
        "created_at": EVIL,
    }
    server.answer(status, body, Location="/\x1b[2J")

    with pytest.raises(RunaCallError) as caught:
        make_client(retry=0).get_order("O-1")

    lines = str(caught.value).splitlines()
    assert all(line.isprintable() for line in lines)
    assert "Sent: yes" not in lines
    shown = [caught.value.message, caught.value.type or "", caught.value.help or ""]
    assert all(text.isprintable() for text in shown)
    assert all(detail.message.isprintable() for detail in caught.value.details)
    assert all(record.getMessage().isprintable() for record in caplog.records)
    if status in (400, 422, 503):
        assert r"\x1b[2J" in caught.value.message
