"""An order is written out when somebody reads it, and nobody can tell when that was."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import ManualClock, MockServer
from runa_schemas.strategies import orders
from support.api import KEY, Api
from support.catalogue import CATALOGUE

# Of what could be taken for a part of a document, or for a slot in its text.
ODD_TEXTS = st.lists(
    st.sampled_from(['","items":[', '"', "%s", "%", "%%", "\0", "\x01", "\\", "é", "😀", "a"]),
    max_size=6,
).map("".join)
ORDERS = st.builds(
    lambda order, text: order | {"description": text, "metadata": {text[:40]: text}},
    orders(catalogue=CATALOGUE, max_items=3),
    ODD_TEXTS,
)
HEADERS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {},
        {"X_Trigger_Error": "order_failed"},
        {"X_Mock_Processing": "never"},
        {"X_Mock_Processing": "at-once"},
    ]
)


@pytest.fixture(scope="module")
def twins() -> Iterator[tuple[MockServer, MockServer]]:
    """Two servers that make the same of the same orders."""
    start = datetime(2026, 3, 14, 12, tzinfo=UTC)
    with ExitStack() as running:
        first, second = (
            running.enter_context(
                MockServer(
                    clock=ManualClock(start),
                    seed=1,
                    public_url="http://mock.example",
                    link_lifetime_days=1,
                )
            )
            for _ in range(2)
        )
        yield first, second


def documents(api: Api, ids: list[str]) -> list[str]:
    """What is answered to a read of each order."""
    return [api.get(f"/v2/order/{order_id}").text for order_id in ids]


@given(
    placed=st.lists(st.tuples(ORDERS, HEADERS, st.integers(1, 2)), min_size=1, max_size=3),
    expires=st.booleans(),
)
def test_when_an_order_is_read_changes_nothing(
    twins: tuple[MockServer, MockServer],
    placed: list[tuple[dict[str, Any], dict[str, Any], int]],
    expires: bool,
) -> None:
    """Orders read as they end, and those of a twin that nobody has read, are the same bytes."""
    seen = []
    for server, reads_early in zip(twins, (True, False), strict=True):
        server.reset()
        api = Api(server.url)
        # The same again, as texts that orders share are kept in another way than others.
        ids = [
            api.order(order, key=f"{number}-{time}", **headers).json()["id"]
            for number, (order, headers, times) in enumerate(placed)
            for time in range(times)
        ]
        server.clock.advance(1)
        if reads_early:
            documents(api, ids)
        # Whatever orders are like from now on, these were placed before.
        server.configure(legacy_item_fields=False, link_lifetime_days=5)
        if expires:
            server.clock.advance("P2D")
        listed = api.get("/v2/order").text
        exported = server.account(KEY).export_state()
        read = documents(api, ids)
        assert api.get("/v2/order").text == listed
        seen.append((ids, listed, read, exported))
        api.close()
    assert seen[0] == seen[1]
