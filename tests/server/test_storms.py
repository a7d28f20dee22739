"""Many requests at the same moment."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import aiohttp
import pytest

from support.answers import order_ids
from support.api import KEY, Api, body, item

STORM = 200


class Sent(NamedTuple):
    """One request of a storm: its idempotency key, body and mode."""

    key: str
    document: dict[str, Any]
    mode: str = "async"


class Got(NamedTuple):
    """One answer of a storm."""

    status: int
    content: bytes


def _storm(api: Api, requests: Iterable[Sent]) -> list[Got]:
    """Send all requests at once, each on a connection of its own."""

    async def one(session: aiohttp.ClientSession, sent: Sent) -> Got:
        headers = {
            "X-Api-Key": KEY,
            "X-Idempotency-Key": sent.key,
            "X-Execution-Mode": sent.mode,
        }
        async with session.post(
            f"{api.url}/v2/order", json=sent.document, headers=headers
        ) as response:
            return Got(response.status, await response.read())

    async def all_at_once() -> list[Got]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            return await asyncio.gather(*(one(session, sent) for sent in requests))

    return asyncio.run(all_at_once())


@pytest.mark.parametrize(("mode", "status"), [("async", 202), ("sync", 200)])
def test_one_key_makes_one_order(api: Api, mode: str, status: int) -> None:
    """However many ask at once, there is one order and every answer has the same bytes."""
    answers = _storm(api, [Sent("one", body(), mode)] * STORM)
    assert len(answers) == STORM
    assert {answer.status for answer in answers} == {status}
    assert len({answer.content for answer in answers}) == 1
    assert len(order_ids(api)) == 1


def test_many_keys_make_as_many_orders(api: Api) -> None:
    """No order is lost, doubled or given to another key."""
    answers = _storm(api, [Sent(f"key-{n}", body()) for n in range(STORM)])
    assert {answer.status for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == STORM
    listed = order_ids(api)
    assert len(listed) == len(set(listed)) == STORM


def test_keys_in_groups_make_an_order_a_group(api: Api) -> None:
    """Twenty keys, ten requests each, mixed: each key has its one answer."""
    requests = [Sent(f"key-{n % 20}", body(description=str(n % 20))) for n in range(STORM)]
    answers = _storm(api, requests)
    by_key = {(sent.key, got) for sent, got in zip(requests, answers, strict=True)}
    assert len(by_key) == 20
    assert {got.status for _, got in by_key} == {202}
    assert len(order_ids(api)) == 20


def test_of_bodies_in_conflict_one_wins(api: Api) -> None:
    """One body gets the key and its order; all others are conflicts."""
    answers = _storm(api, [Sent("one", body(description=str(n))) for n in range(STORM)])
    assert Counter(answer.status for answer in answers) == {202: 1, 400: STORM - 1}
    refused = [answer.content for answer in answers if answer.status == 400]
    assert all(b'"idempotency_validation_error"' in content for content in refused)
    assert len(order_ids(api)) == 1


def test_a_storm_of_bad_bodies_makes_no_order(api: Api) -> None:
    """A stored refusal is replayed to everybody as it is."""
    bad = body(items=[item(face_value=0)])
    answers = _storm(api, [Sent("bad", bad)] * STORM)
    assert {answer.status for answer in answers} == {422}
    assert len({answer.content for answer in answers}) == 1
    assert order_ids(api) == []
