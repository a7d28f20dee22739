"""Strict mode refuses or changes exactly what the journal of the lenient mock notes."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import MockServer
from runa_schemas.contract_data import PRODUCT_TEMPLATES, RATE_LIMIT
from support.api import TIMEOUT
from support.money import MoneyApi, multiple, paid_in, single

START = "2026-03-14T12:00:00Z"
TEMPLATE = PRODUCT_TEMPLATES["EUR"]
ITEMS = (
    single("CDISC-FR", 50),
    single("EXBOOK-DE", 50),
    multiple(50, "CDISC-FR", "AUCHAN-FR"),
    multiple(50, "CDISC-FR", "EXBOOK-DE"),
    single("", 50, products={"type": "TEMPLATE", "template_id": TEMPLATE}),
    single("AMZ-US", 10),
    single("NOBODY", 10),
)


class Sent(NamedTuple):
    """A request: an order, an estimate or a redemption."""

    path: str
    document: Any
    headers: dict[str, str]


def optional(name: str, *values: str) -> st.SearchStrategy[dict[str, str]]:
    """A header that may be absent."""
    return st.sampled_from([{}, *({name: value} for value in values)])


def merged(parts: tuple[dict[str, str], ...]) -> dict[str, str]:
    """All headers."""
    return {name: value for part in parts for name, value in part.items()}


HEADERS = st.tuples(
    st.sampled_from([{"X-Api-Key": "XX-me.secret"}, {"X-Api-Key": "XX-plain"}]),
    st.sampled_from([{"Content-Type": "application/json"}, {"Content-Type": "text/plain"}]),
    optional("X-Execution-Mode", "sync", "async"),
    optional("X-Trigger-Error", "timeout", "nonsense", "insufficient_funds", "order_failed"),
    st.just({"X-Idempotency-Key": "k"}),
).map(merged)
DOCUMENTS = st.lists(st.sampled_from(ITEMS), max_size=2).map(lambda items: paid_in("EUR", *items))
REQUESTS = st.builds(
    Sent, st.sampled_from(["/v2/order", "/v2/order", "/v2/order/estimate"]), DOCUMENTS, HEADERS
)


class Pair(NamedTuple):
    """The lenient and the strict mock, which have one seed and one time."""

    lenient: MockServer
    strict: MockServer


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """Two servers that differ in nothing but strict mode."""
    with (
        MockServer(seed=1, clock=START) as lenient,
        MockServer(seed=1, clock=START, strict=True) as strict,
    ):
        yield Pair(lenient, strict)


def answer(server: MockServer, sent: Sent) -> tuple[int, str, Any]:
    """Status and body of an answer, wherever the server listens, and what was ordered."""
    body = requests.post(
        server.url + sent.path,
        data=json.dumps(sent.document),
        headers=sent.headers,
        timeout=TIMEOUT,
    )
    orders = [server.orders.get(order.id).order for order in server.orders]
    made = [(order["status"], [item["products"] for item in order["items"]]) for order in orders]
    return body.status_code, body.text.replace(server.url, ""), made


@given(sent=REQUESTS, subscribed=st.booleans())
def test_the_journal_notes_what_strict_would_change(
    pair: Pair, sent: Sent, *, subscribed: bool
) -> None:
    """Answers, and what follows them, differ if and only if a kindness is noted."""
    answers, messages = [], []
    for server in pair:
        server.reset()
        if subscribed:
            server.webhooks.add("http://127.0.0.1:1/closed", "order.completion")
        answers.append(answer(server, sent))
        server.clock.advance(2)
        messages.append(len(server.webhooks.messages()))
    (entry,) = pair.lenient.journal
    assert (answers[0] != answers[1]) == bool(
        {*entry.kindnesses, *entry.offered} - {"playground_webhooks"}
    ), (answers, entry.kindnesses, entry.offered)
    if "playground_webhooks" in entry.offered:
        assert messages == [1, 0]
    (strict,) = pair.strict.journal
    assert not strict.kindnesses
    assert not strict.offered


def test_attempts_beyond_the_usual_limit_are_noted(pair: Pair) -> None:
    """The journal notes those beyond 300 a minute, which strict mode answers with 429."""
    refused: list[bool] = []
    for server in pair:
        server.reset()
        with closing(MoneyApi(server.url)) as caller:
            for number in range(RATE_LIMIT + 12):
                if number in {100, RATE_LIMIT + 4}:
                    server.clock.advance(30)
                response = caller.order({}, key=str(number))
                refused.append(response.status_code == 429)
    noted = ["rate_limit" in entry.kindnesses for entry in pair.lenient.journal]
    assert noted == refused[RATE_LIMIT + 12 :]
    assert any(noted)
    assert not noted[-1]


@pytest.mark.parametrize("path", ["/payout/unknown", None])
def test_redemptions_are_noted(pair: Pair, path: str | None) -> None:
    """The redemption API is off in strict mode, whatever the link."""
    told = []
    for server in pair:
        server.reset()
        with closing(MoneyApi(server.url)) as caller:
            order = caller.finished(paid_in("USD", single("FIVEG-US", 5)))
            url = server.url + path if path else order["items"][0]["payout"]["url"]
            told.append(requests.get(f"{url}?format=json", timeout=TIMEOUT).json()["error_code"])
    assert told[0] != told[1] == "RE013"
    assert [*pair.lenient.journal][-1].kindnesses == ["redemption_api"]


def test_a_read_says_that_it_showed_older_fields(pair: Pair) -> None:
    """They were offered; a text that names them is none."""
    pair.lenient.reset()
    with closing(MoneyApi(pair.lenient.url)) as caller:
        body = paid_in("USD", single("AMZ-US", 10), description='"redemption_url":')
        order = caller.finished(body)
        caller.read(order["id"])
        pair.lenient.configure(legacy_item_fields=False)
        plain = caller.finished(body)
        caller.read(plain["id"])
        caller.get("/v2/order")
    shown = [entry.offered for entry in pair.lenient.journal]
    assert shown == [["legacy_item_fields"]] * 2 + [[]] * 3
