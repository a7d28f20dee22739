"""The record of what was asked and answered: capped, searchable, and without API keys."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.control_client.transport import ControlRefusedError
from runa_mock_server.server_state.entry import BODY_LIMIT
from support.api import KEY, Api, body
from support.raw import ORDER, exchange, message
from support.waiting import until

OTHER = "XX-other.secret"
SENT_KEY = f"X-Api-Key: {KEY}".encode()
PING = message("GET", "/v2/ping")
AWKWARD = 'XX-a/b+c=="de.g&h%41:*~'  # whatever a header can carry


def test_an_entry_tells_the_whole_exchange(
    server: MockServer, api: Api, clock: ManualClock
) -> None:
    """What was sent and answered, when, by whom, and what came of it."""
    answer = api.order(key="a", X_Custom="yes")
    clock.advance(1)
    api.get("/v2/order?limit=1")
    first, second = server.journal
    assert (first.number, first.method, first.path, first.query) == (1, "POST", "/v2/order", "")
    assert (first.status, first.outcome, first.order_id) == (202, "created", answer.json()["id"])
    assert json.loads(first.request_body) == body()
    assert first.response_body == answer.text
    assert (first.idempotency_key, first.headers["x-custom"], first.faults) == ("a", "yes", [])
    assert first.at.isoformat() == "2026-03-14T12:00:00.250000+00:00"
    assert (second.number, second.path, second.query, second.outcome) == (
        2,
        "/v2/order",
        "limit=1",
        None,
    )
    assert second.at - first.at == timedelta(seconds=1)
    assert first.account == second.account
    assert str(first.account).startswith("XX-test~")


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"method": "post"}, [1, 2, 3]),
        ({"path": "/v2/order*"}, [1, 2, 3, 5]),
        ({"status": 202}, [1, 2]),
        ({"status": 0}, [6]),
        ({"idempotency_key": "a"}, [1, 2]),
        ({"outcome": "replayed"}, [2]),
        ({"error_type": "not_found"}, [5]),
        ({"fault": "*"}, [6]),
        ({"fault": "F-1"}, [6]),
        ({"fault": "F-2"}, []),
        ({"after": 4}, [5, 6]),
        ({"limit": 2}, [5, 6]),
        ({"limit": 0}, []),
        ({"method": "POST", "status": 422}, [3]),
    ],
)
def test_filters(server: MockServer, api: Api, filters: dict[str, Any], numbers: list[int]) -> None:
    """Each narrows, all together; the total does not depend on the limit."""
    api.order(key="a")
    api.order(key="a")
    api.order({}, key="b")
    api.get("/v2/ping")
    api.get("/v2/order/O-none")
    server.faults.arm("close")
    exchange_cut(server)
    found = server.journal.read(**filters)
    assert [entry.number for entry in found.requests] == numbers
    assert found.total == (6 if "limit" in filters else len(numbers))
    assert found.kept == 6
    if not filters:
        assert found.by_status == {"0": 1, "200": 1, "202": 2, "404": 1, "422": 1}


def exchange_cut(server: MockServer) -> None:
    """Send a ping that gets no answer, on a connection of its own."""
    with pytest.raises((ConnectionError, OSError)):
        exchange(server.url, PING)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "ok"),
        ("outcome", "made"),
        ("limit", -1),
        ("limit", 10_001),
        ("after", "x"),
        ("mehtod", "GET"),
    ],
)
def test_a_wrong_filter_is_named(name: str, value: Any) -> None:
    """Nothing is shown for a question that was not understood."""
    with pytest.raises(ControlRefusedError, match=name):
        MockServer().journal.read(**{name: value})


def test_the_oldest_are_forgotten_beyond_the_cap(clock: ManualClock) -> None:
    """By count, and told how many; each account has its own share."""
    with MockServer(clock=clock, journal_requests=3) as server:
        for _ in range(5):
            exchange(server.url, PING)
        exchange(server.url, PING.replace(KEY.encode(), OTHER.encode()))
        mine = server.account(KEY).journal.read()
        theirs = server.account(OTHER).journal.read()
        assert [entry.number for entry in mine.requests] == [3, 4, 5]
        assert (mine.kept, mine.dropped, theirs.kept, theirs.dropped) == (3, 2, 1, 0)
        assert len(server.journal) == 4
        server.account(KEY).configure(journal_requests=1)
        assert [e.number for e in server.account(KEY).journal] == [5]
        server.configure(journal_requests=0)
        exchange(server.url, PING)
        assert server.account(OTHER).journal.read().kept == 0
        assert server.account(KEY).journal.read().kept == 1


@pytest.mark.parametrize("where", ["path", "header", "body"])
def test_bytes_are_capped_wherever_they_are(clock: ManualClock, where: str) -> None:
    """A caller cannot fill the memory by long paths, headers or bodies."""
    filler = "x" * 4_000
    sent = {
        "path": message("GET", f"/v2/ping?{filler}"),
        "header": message("GET", "/v2/ping", X_Filler=filler),
        "body": message("POST", "/v2/order", filler.encode(), X_Idempotency_Key="a"),
    }[where]
    with MockServer(clock=clock, journal_bytes=20_000) as server:
        for _ in range(10):
            exchange(server.url, sent)
        found = server.journal.read()
    assert (found.kept, found.dropped) == (4, 6)


def test_a_long_body_is_kept_in_part(server: MockServer) -> None:
    """Its first bytes; what is no text is shown by its bytes."""
    exchange(server.url, message("POST", "/v2/order", b"\xff" * 9_000, X_Idempotency_Key="a"))
    (entry,) = server.journal
    assert entry.request_body == "\\xff" * BODY_LIMIT


def test_no_part_of_a_key_stays_where_a_body_is_cut(server: MockServer) -> None:
    """The key comes out first, however it lies across the limit."""
    for before in range(BODY_LIMIT - len(KEY) - 1, BODY_LIMIT + 1):
        sent = b"-" * before + KEY.encode() + b"-" * 9_000
        exchange(server.url, message("POST", "/v2/order", sent, X_Idempotency_Key=f"{before}"))
    for entry in server.journal:
        assert len(entry.request_body) == BODY_LIMIT
        assert entry.request_body.strip("-") in "[API key]"


def test_strangers_have_a_journal_of_their_own(server: MockServer) -> None:
    """No account sees them, and what they tried to use as a key is not kept."""
    for key in ("", "wrong-key.secret"):
        exchange(server.url, PING.replace(KEY.encode(), key.encode()))
    wrong = {"X_Idempotency_Key": "a", "X_Note": "wrong-key.secret"}
    told = message("POST", "/v2/order?wrong%2Dkey.secret", b"wrong-key.secret", **wrong)
    exchange(server.url, told.replace(KEY.encode(), b"wrong-key.secret"))
    exchange(server.url, PING)
    assert [(e.account is None, e.status) for e in server.journal] == [
        (True, 401),
        (True, 403),
        (True, 403),
        (False, 200),
    ]
    assert len(server.account(KEY).journal) == 1
    shown = server.journal.read().model_dump_json()
    assert '"query":"[API key]"' in shown
    assert "key.secret" not in shown


def in_url(key: str) -> st.SearchStrategy[str]:
    """The key as a URL may have it: what must be is percent-encoded, the rest at will."""
    one = [
        st.sampled_from([f"%{ord(char):02x}", f"%{ord(char):02X}", quote(char, safe="")])
        for char in key
    ]
    return st.tuples(*one).map("".join)


def in_json(key: str) -> st.SearchStrategy[str]:
    """The key as a JSON text may have it: what must be is escaped, the rest at will."""
    one = [
        st.sampled_from([f"\\u{ord(char):04x}", f"\\u{ord(char):04X}", json.dumps(char)[1:-1]])
        for char in key
    ]
    return st.tuples(*one).map("".join)


def readings(document: Any) -> Iterator[str]:
    """Every text in a document, as it is and as it reads without its escapes."""
    if isinstance(document, str):
        unescaped = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), document)
        yield from (document, unquote(document), unescaped, unescaped.replace("\\", ""))
    elif isinstance(document, dict):
        yield from readings([*document, *document.values()])
    elif isinstance(document, list):
        for part in document:
            yield from readings(part)


@given(
    st.sampled_from([KEY, AWKWARD]).flatmap(lambda k: st.tuples(st.just(k), in_url(k), in_json(k)))
)
@settings(max_examples=30)
def test_the_api_key_is_nowhere(spellings: tuple[str, str, str]) -> None:
    """Wherever a client puts it: headers, path, query, body, idempotency key, however spelt."""
    key, url, text = spellings
    document = json.dumps(body(description="HERE")).replace("HERE", f"{text} {text}").encode()
    sent = [
        message("POST", "/v2/order", document, X_Idempotency_Key=f"k-{key}", X_Note=f"is {key}."),
        message("GET", f"/v2/order/{url}?after={url}", X_Url=url),
        message("GET", "/v2/balance", Authorization=f"Bearer {key}", Cookie=f"k={key}"),
    ]
    with MockServer(api_keys=[key]) as server:
        statuses = [
            exchange(server.url, each.replace(SENT_KEY, f"X-Api-Key: {key}".encode())).status
            for each in sent
        ]
        shown = [server.journal.read().model_dump_json(), server.effects().model_dump_json()]
    assert statuses == [202, 404, 200]
    for part in shown:
        assert "[API key]" in part
        assert not [reading for reading in readings(json.loads(part)) if key in reading]


def test_the_api_key_is_in_no_log(server: MockServer, caplog: pytest.LogCaptureFixture) -> None:
    """Not in the line of a request whose path holds it, nor of one that a fault hits."""
    with caplog.at_level(logging.DEBUG):
        exchange(server.url, message("GET", f"/v2/order/{KEY}?after={quote(KEY, safe='')}"))
        exchange(server.url, message("GET", f"/v2/order/{KEY.replace('t', '%74')}"))
        server.faults.arm("status")
        exchange(server.url, message("GET", f"/v2/{KEY}"))
        until(lambda: sum("/v2/" in record.getMessage() for record in caplog.records) == 3)
        exchange(server.url, message("GET", f"/_mock/{KEY}").replace(SENT_KEY, b"X-None: 1"))
        until(lambda: sum("/_mock/" in record.getMessage() for record in caplog.records) == 1)
    assert "/v2/order/[API key]?after=[API key]" in caplog.text
    assert KEY not in caplog.text
    assert "%74es%74" not in caplog.text


def test_errors_of_the_control_api_do_not_repeat_a_key(server: MockServer) -> None:
    """Neither the one that is not accepted nor the account's own."""
    for key in ("wrong-key.secret", KEY):
        with pytest.raises(ControlRefusedError) as caught:
            server.account(key).journal.read(limit=-1)
        assert key not in str(caught.value)
        assert key not in str(caught.value.details)


def test_a_key_in_a_webhook_url_or_a_fault_is_not_shown(server: MockServer) -> None:
    """As it is or percent-encoded, in every list of them."""
    account = server.account(KEY)
    spelt = "".join(f"%{ord(letter):02x}" for letter in KEY)
    for part in (KEY, spelt):
        account.webhooks.add(f"http://127.0.0.1:9/{part}?key={part}", "order.completion")
        account.faults.arm("reset", path=f"/v2/{part}")
    with closing(Api(server.url)) as api:
        api.order(mode="sync")
    (message,) = account.webhooks.messages()
    shown = f"{account.webhooks.endpoints} {message} {list(account.faults)}"
    assert shown.count("[API key]") == 10
    assert KEY not in shown
    assert spelt not in shown


def test_a_short_key_is_no_secret() -> None:
    """Or every X of every text would be taken for it."""
    with MockServer(api_keys=["XX"]) as server:
        exchange(server.url, PING.replace(KEY.encode(), b"XX").replace(b"/v2/ping", b"/v2/XX"))
        assert [entry.path for entry in server.journal] == ["/v2/XX"]


def test_numbers_grow_over_all_accounts(server: MockServer) -> None:
    """So the whole server's journal has one order, and a caller can ask for what is new."""
    for key in (KEY, OTHER, KEY, "wrong"):
        exchange(server.url, PING.replace(KEY.encode(), key.encode()))
    assert [entry.number for entry in server.journal] == [1, 2, 3, 4]
    last = server.journal.read(limit=1).requests[0].number
    exchange(server.url, message("POST", "/v2/order", ORDER, X_Idempotency_Key="a"))
    assert [entry.path for entry in server.journal.read(after=last).requests] == ["/v2/order"]


def test_single_requests_are_found_by_their_place(server: MockServer, api: Api) -> None:
    """The oldest is first, and -1 is the latest."""
    api.get("/v2/ping")
    api.get("/v2/balance")
    assert [server.journal[0].path, server.journal[-1].path] == ["/v2/ping", "/v2/balance"]
    with pytest.raises(IndexError):
        server.journal[2]


def test_the_keys_of_other_accounts_are_nowhere(server: MockServer) -> None:
    """Whoever uses the key of a known account in the wrong place does not give it away."""
    exchange(server.url, PING)
    spelt = KEY.replace("t", "%74")
    wrong = {"X_Idempotency_Key": f"k-{KEY}", "X_Note": KEY}
    for caller in (OTHER, "", "wrong-key.secret"):
        sent = message("POST", f"/v2/order?{spelt}", f'"{KEY}"'.encode(), **wrong)
        exchange(server.url, sent.replace(SENT_KEY, f"X-Api-Key: {caller}".encode()))
    shown = server.journal.read().model_dump_json() + server.effects().model_dump_json()
    assert [entry.query for entry in server.journal] == ["", *["[API key]"] * 3]
    assert KEY not in shown
    assert spelt not in shown


def test_passwords_of_webhook_urls_are_not_shown(server: MockServer, api: Api) -> None:
    """Neither with the endpoint nor with what was sent to it; they are sent all the same."""
    endpoint = server.webhooks.add("http://me:s3same@127.0.0.1:9/hook", "order.completion")
    api.order(mode="sync")
    shown = [endpoint.url, *(d.url for m in server.webhooks for d in m.deliveries)]
    assert shown == ["http://[redacted]@127.0.0.1:9/hook"] * 2
