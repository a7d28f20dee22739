"""Payout links: where the request goes, what it carries, and what the answer means."""

from __future__ import annotations

import json
import logging
import pickle
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from runa_client import (
    ConfigurationError,
    NotFoundError,
    Order,
    RedemptionError,
    RedirectError,
    RetryPolicy,
    RunaCallError,
    RunaClient,
    RunaResponseError,
    RunaTimeoutError,
    Timeout,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.conftest import Clients, KeepAliveServer, Patience, ScriptedServer

API_KEY = "XX.a-secret-nobody-may-see"
TOKEN = "4c77f610-fda9-4b7f-a06e-0c6feb10f604"  # noqa: S105 - of a link that leads nowhere
ORDER_ID = "O-01J6Y3JRYWCTNDRHP35302NZ30"
E_CODE: dict[str, Any] = {
    "type": "code",
    "status": "SUCCESS",
    "amount": "5.00",
    "code": "MOCK-BCDF",
    "pin": "0042",
    "barcode_format": "ean-13",
    "barcode_string": "2000000000008",
    "expiry_date": "2028-04-30",
    "url": None,
    "error_code": None,
    "error_string": None,
}
SUCCESS: dict[str, Any] = {
    "status": "SUCCESS",
    "order_id": ORDER_ID,
    "error_code": None,
    "error_string": None,
    "error_details": None,
    "e_code": E_CODE,
}
SECOND = {**E_CODE, "code": "MOCK-GHJK", "expiry_date": "3000-01-01"}
REFUSAL: dict[str, Any] = {
    "status": "ERROR",
    "order_id": ORDER_ID,
    "error_code": "RE004",
    "error_string": "The payout has expired.",
    "error_details": "A week ago.",
}
EMPTY = {"status": "COMPLETED", "id": ORDER_ID}


def _origin(server: ScriptedServer) -> str:
    return server.url.removesuffix("/v2")


def _link(server: ScriptedServer) -> str:
    return f"{_origin(server)}/payout/{TOKEN}"


def test_a_link_is_redeemed(client: RunaClient, server: ScriptedServer) -> None:
    """The e-code comes back typed; its fields that the client does not know are in `raw`."""
    server.answer(200, {**SUCCESS, "e_code": {**E_CODE, "new": 1}})

    redemption = client.redeem(_link(server))

    [sent] = server.received
    assert (sent.method, sent.target) == ("GET", f"/payout/{TOKEN}?format=json")
    assert redemption.order_id == ORDER_ID
    e_code = redemption.e_code
    assert redemption.e_codes == (e_code,)
    assert (e_code.type, e_code.status, e_code.amount) == ("code", "SUCCESS", Decimal("5.00"))
    assert (e_code.code, e_code.pin, e_code.url) == ("MOCK-BCDF", "0042", None)
    assert (e_code.barcode_format, e_code.barcode_string) == ("ean-13", "2000000000008")
    assert (e_code.expiry_date, e_code.never_expires) == ("2028-04-30", False)
    assert (e_code.error_code, e_code.error_string) == (None, None)
    assert e_code.raw["new"] == 1
    assert pickle.loads(pickle.dumps(redemption)) == redemption  # noqa: S301 - own bytes


def test_the_link_gets_no_key_and_the_service_no_request(
    make_client: Clients, server: ScriptedServer, refused_url: str
) -> None:
    """Only the link's host is called, and nothing that it is told comes from the key."""
    server.answer(200, SUCCESS)

    make_client(base_url=refused_url).redeem(_link(server))

    [sent] = server.received
    assert not {"x-api-key", "x-api-version", "authorization", "cookie"} & sent.headers.keys()
    assert API_KEY not in repr(sent)
    assert sent.headers["accept"] == "application/json"
    assert sent.headers["user-agent"].startswith("runa-mock-client/")


def test_what_holds_a_link_is_redeemed(client: RunaClient, server: ScriptedServer) -> None:
    """An item, its payout and the older field of an item lead to the same request."""
    link = _link(server)
    server.answer(
        200, {**EMPTY, "items": [{"payout": {"url": link}}, {"redemption_url": link}, {}]}
    )
    item, older, unfinished = client.get_order(ORDER_ID).items
    server.clear()
    for _ in range(3):
        server.answer(200, SUCCESS)

    assert item.payout is not None
    for payout in (item, item.payout, older):
        assert client.redeem(payout).e_code.code == "MOCK-BCDF"
    with pytest.raises(ValueError, match="no payout link yet"):
        client.redeem(unfinished)
    assert [request.target for request in server.received] == [f"/payout/{TOKEN}?format=json"] * 3


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("/p?a=1&b", "/p?a=1&b&format=json"),
        ("/p?format=html&a=%2F", "/p?a=%2F&format=json"),
        ("/p?format=json", "/p?format=json"),
        ("/p?", "/p?format=json"),
        ("/p#top", "/p?format=json"),
        ("/p/a%2Fb", "/p/a%2Fb?format=json"),
        ("", "/?format=json"),
    ],
)
def test_the_query_of_a_link_stays(
    client: RunaClient, server: ScriptedServer, given: str, sent: str
) -> None:
    """The format is added to a link as it is; a fragment is not sent."""
    server.answer(200, SUCCESS)
    client.redeem(_origin(server) + given)
    assert server.received[0].target == sent


@pytest.mark.parametrize(
    "url",
    [
        "",
        TOKEN,
        f"/payout/{TOKEN}",
        f"ftp://spend.example/{TOKEN}",
        f"file:///{TOKEN}",
        f"http:///{TOKEN}",
        f"http://spend.example:99999/{TOKEN}",
        f"http://spend.example:0/{TOKEN}",
        f"http://spend.example/{TOKEN}\r\nX-Evil: 1",
        f"http://spend.example/ {TOKEN}",
        f"http://spend.éxample/{TOKEN}",
        f"http://[::1/{TOKEN}",
        f"http://user:{TOKEN}@spend.example/",
    ],
)
def test_what_is_no_link_is_refused(client: RunaClient, url: str) -> None:
    """Nothing is sent to what is no plain http or https URL, and the error keeps it to itself."""
    with pytest.raises(ValueError, match=r"^the payout link ") as caught:
        client.redeem(url)
    assert not isinstance(caught.value, ConfigurationError)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("code", ["RE001", "RE004", "RE008", "RE009", "RE011", "RE999"])
def test_a_refusal_is_an_error_at_once(
    client: RunaClient, server: ScriptedServer, patience: Patience, code: str
) -> None:
    """A status of ERROR is raised with all that was said, and never sent again."""
    server.answer(200, {**REFUSAL, "error_code": code})

    with pytest.raises(RedemptionError, match=f"^{code}: The payout has expired") as caught:
        client.redeem(_link(server))

    error = caught.value
    assert (error.code, error.order_id) == (code, ORDER_ID)
    assert (error.message, error.details) == ("The payout has expired.", "A week ago.")
    assert error.retry_after == (60.0 if code in {"RE008", "RE009"} else None)
    assert f"order {ORDER_ID}" in str(error)
    assert "A week ago." in str(error)
    assert (len(server.received), patience.sleeps) == (1, [])
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - own bytes
    assert (vars(copy), str(copy)) == (vars(error), str(error))


def test_what_a_refusal_says_shows_neither_the_link_nor_control_characters(
    client: RunaClient, server: ScriptedServer
) -> None:
    """The link's host may echo the link, in any spelling; the error does not."""
    encoded = "".join(f"%{ord(character):02X}" for character in TOKEN)
    said = f"\x1b[2J{TOKEN} {TOKEN.upper()}\n{encoded}"
    details = {said: [said, {"deep": said}], "number": 1}
    server.answer(200, {**REFUSAL, "error_string": said, "error_details": details})

    with pytest.raises(RedemptionError) as caught:
        client.redeem(_link(server))

    shown = str(caught.value) + str(vars(caught.value))
    assert not any(secret in shown for secret in (TOKEN, TOKEN.upper(), encoded, "\x1b"))
    assert isinstance(caught.value.details, dict)
    assert caught.value.details["number"] == 1


def test_a_link_never_gives_the_code_of_another(
    make_client: Clients, keep_alive: KeepAliveServer
) -> None:
    """Interim answers, and another answer behind the first, leave each link its own e-code."""

    def answer(code: str) -> bytes:
        body = json.dumps({**SUCCESS, "e_code": {**E_CODE, "code": code}}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    keep_alive.say(hints, answer("FIRST"))
    keep_alive.say(hints + answer("SECOND") + answer("STALE"))
    keep_alive.say(answer("THIRD"))
    client = make_client()
    links = [keep_alive.url.replace("/v2", f"/payout/{TOKEN}{number}") for number in range(3)]

    codes = [client.redeem(link).e_code.code for link in links]

    assert codes == ["FIRST", "SECOND", "THIRD"]
    assert len(keep_alive.received) == 3
    assert all("x-api-key" not in request.headers for request in keep_alive.received)


def test_a_refusal_may_say_little(client: RunaClient, server: ScriptedServer) -> None:
    """A code is enough for an error."""
    server.answer(200, {"status": "ERROR", "order_id": None, "error_code": "RE011"})
    with pytest.raises(RedemptionError) as caught:
        client.redeem(_link(server))
    assert str(caught.value) == "RE011"
    assert (caught.value.order_id, caught.value.message, caught.value.details) == (None,) * 3


def test_a_split_value_has_several_codes(client: RunaClient, server: ScriptedServer) -> None:
    """All codes are read where there are several; the first one stands for itself too."""
    server.answer(200, {**SUCCESS, "e_codes": [E_CODE, SECOND]})

    redemption = client.redeem(_link(server))

    assert redemption.e_code == redemption.e_codes[0]
    assert [e_code.code for e_code in redemption.e_codes] == ["MOCK-BCDF", "MOCK-GHJK"]
    assert redemption.e_codes[1].never_expires


def test_a_link_is_asked_again_after_passing_failures(
    client: RunaClient, server: ScriptedServer, patience: Patience
) -> None:
    """The rules of a GET hold: no answer, 5xx and 429 lead to another request."""
    server.cut(200, SUCCESS)
    server.answer(503, b"")
    server.answer(429, {"error": "rate exceeded"})
    server.answer(200, SUCCESS)

    assert client.redeem(_link(server)).e_code.code == "MOCK-BCDF"
    assert [server.received[0]] * 4 == server.received
    assert patience.sleeps == [0.25, 0.5, 5.0]


@pytest.mark.parametrize(
    "bad",
    [
        b"<html>Your payout</html>",
        b"[]",
        b"{}",
        b'{"status": "PENDING"}',
        b'{"status": "SUCCESS"}',
        b'{"status": "SUCCESS", "e_code": []}',
        b'{"status": "SUCCESS", "e_code": {"amount": "NaN"}}',
        b'{"status": "ERROR"}',
    ],
)
def test_what_is_no_redemption_is_no_success(
    client: RunaClient, server: ScriptedServer, bad: bytes
) -> None:
    """A page for people, or an answer of another form, is an unreadable answer."""
    for _ in range(4):
        server.answer(200, bad)
    with pytest.raises(RunaResponseError) as caught:
        client.redeem(_link(server))
    assert (caught.value.attempts, caught.value.status) == (4, 200)


ECHOES: dict[str, tuple[Callable[[ScriptedServer], None], type[RunaCallError]]] = {
    "silence": (lambda server: server.hang(), RunaTimeoutError),
    "reset": (lambda server: server.reset(), RunaCallError),
    "no HTTP": (
        lambda server: server.script.append(lambda peer: peer.sendall(TOKEN.encode())),
        RunaCallError,
    ),
    "redirect": (
        lambda server: server.answer(302, b"", Location=f"/payout/{TOKEN}?format=json"),
        RedirectError,
    ),
    "login": (
        lambda server: server.answer(302, b"", Location=f"/login?next=/payout/{TOKEN}"),
        RedirectError,
    ),
    "echo": (
        lambda server: server.answer(
            404, {"type": "not_found", "message": f"/payout/{TOKEN}", "help": API_KEY}
        ),
        NotFoundError,
    ),
}


@pytest.mark.parametrize("echo", ECHOES)
def test_no_error_or_record_shows_the_link(
    echo: str, make_client: Clients, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever reads a log cannot redeem: only the link's host is shown."""
    caplog.set_level(logging.DEBUG, logger="runa_client")
    script, kind = ECHOES[echo]
    script(server)
    client = make_client(retry=RetryPolicy(attempts=1), timeout=Timeout(connect=5, read=0.3))

    with pytest.raises(kind) as caught:
        client.redeem(_link(server))

    error = caught.value
    assert error.path == f"{_origin(server)}/…"
    assert error.idempotency_key is None
    records = [record for record in caplog.records if record.name == "runa_client"]
    shown = [str(error), repr(error), repr(vars(error)), *(repr(vars(r)) for r in records)]
    assert len(records) == 1
    assert all(TOKEN not in text and API_KEY not in text for text in shown)


def test_a_link_where_nobody_listens(make_client: Clients, refused_url: str) -> None:
    """A refused connection is an error that names the host, not the link."""
    origin = refused_url.removesuffix("/v2")
    with pytest.raises(RunaCallError) as caught:
        make_client().redeem(f"{origin}/payout/{TOKEN}")
    assert caught.value.attempts == 4
    assert TOKEN not in str(caught.value)


def test_the_links_of_an_order(client: RunaClient, server: ScriptedServer) -> None:
    """`urls` of an order are what `redeem` takes."""
    server.answer(200, {**EMPTY, "items": [{"payout": {"url": _link(server)}}]})
    server.answer(200, SUCCESS)
    order = client.get_order(ORDER_ID)
    assert isinstance(order, Order)
    assert [client.redeem(url).order_id for url in order.urls] == [order.id]
