"""The list of orders, page by page."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import ManualClock, MockServer
from support.answers import order_ids, refusal
from support.api import Api

MOST = 12


class History(NamedTuple):
    """A server on which the account ``XX-n`` has n orders, for n from 0 to ``MOST``.

    Attributes:
        api: a caller of the server.
        made: by n, the ids of the orders, newest first.
    """

    api: Api
    made: list[list[str]]

    def get(self, size: int, query: str) -> requests.Response:
        """``GET /order`` of the account with ``size`` orders."""
        return self.api.get(f"/v2/order{query}", headers={"X-Api-Key": f"XX-{size}"})


@pytest.fixture(scope="module")
def history() -> Iterator[History]:
    """The accounts with their orders; read only."""
    with MockServer(clock=ManualClock()) as server:
        api = Api(server.url)
        made = [
            [api.order(X_Api_Key=f"XX-{size}").json()["id"] for _ in range(size)][::-1]
            for size in range(MOST + 1)
        ]
        yield History(api, made)
        api.close()


def _page(history: History, size: int, query: str = "") -> tuple[list[str], dict[str, Any]]:
    """The ids on a page of the account with ``size`` orders, and its pagination."""
    response = history.get(size, query)
    assert response.status_code == 200, response.text
    document = response.json()
    return [entry["id"] for entry in document["items"]], document["pagination"]


@given(size=st.integers(0, MOST), limit=st.integers(1, MOST + 2))
def test_walking_forwards_gives_each_order_once(history: History, size: int, limit: int) -> None:
    """Page by page with ``after``: every order once, newest first, until an empty page."""
    walked: list[str] = []
    ids, pagination = _page(history, size, f"?limit={limit}")
    while ids:
        assert len(ids) <= limit
        assert pagination["cursors"] == {"after": ids[-1], "before": ids[0]}
        walked += ids
        assert len(walked) <= size, "an order comes twice"
        cursor = pagination["cursors"]["after"]
        ids, pagination = _page(history, size, f"?limit={limit}&after={cursor}")
    assert pagination == {"cursors": {"after": None, "before": None}, "page": {"limit": limit}}
    assert walked == history.made[size]


@given(size=st.integers(1, MOST), limit=st.integers(1, MOST + 2))
def test_walking_backwards_gives_the_same_the_other_way(
    history: History, size: int, limit: int
) -> None:
    """From the oldest with ``before``: the pages, each newest first, join to the same list."""
    oldest = history.made[size][-1]
    walked = [oldest]
    ids, pagination = _page(history, size, f"?limit={limit}&before={oldest}")
    while ids:
        assert len(ids) <= limit
        walked = ids + walked
        assert len(walked) <= size, "an order comes twice"
        cursor = pagination["cursors"]["before"]
        ids, pagination = _page(history, size, f"?limit={limit}&before={cursor}")
    assert pagination["cursors"] == {"after": None, "before": None}
    assert walked == history.made[size]


@given(size=st.integers(1, MOST), limit=st.integers(1, MOST + 2), position=st.integers(0, MOST - 1))
def test_a_page_is_a_slice(history: History, size: int, limit: int, position: int) -> None:
    """Around any order, ``after`` gives the next older ones and ``before`` the next newer."""
    made = history.made[size]
    position %= size
    after, _ = _page(history, size, f"?limit={limit}&after={made[position]}")
    before, _ = _page(history, size, f"?limit={limit}&before={made[position]}")
    assert after == made[position + 1 :][:limit]
    assert before == made[:position][-limit:]


def test_an_account_without_orders_has_an_empty_page(history: History) -> None:
    """No items, both cursors null, the default limit of 100."""
    ids, pagination = _page(history, 0)
    assert ids == []
    assert pagination == {"cursors": {"after": None, "before": None}, "page": {"limit": 100}}


def test_a_page_holds_a_hundred_unless_told_otherwise(api: Api) -> None:
    """The default limit is 100; 1 and 500 are the ends."""
    made = [api.order().json()["id"] for _ in range(101)][::-1]
    first = [order["id"] for order in api.get("/v2/order").json()["items"]]
    assert first == made[:100]
    one = api.get("/v2/order?limit=1").json()
    assert [order["id"] for order in one["items"]] == made[:1]
    assert order_ids(api) == made


def test_orders_made_while_walking_do_not_shift_the_pages(api: Api) -> None:
    """A cursor marks an order, not a position."""
    made = [api.order().json()["id"] for _ in range(4)][::-1]
    api.get("/v2/order?limit=2")
    newest = api.order().json()["id"]
    second = api.get(f"/v2/order?limit=2&after={made[1]}").json()["items"]
    assert [order["id"] for order in second] == made[2:]
    newer = api.get(f"/v2/order?before={made[0]}").json()["items"]
    assert [order["id"] for order in newer] == [newest]


@pytest.mark.parametrize(
    "limit",
    [
        *("0", "501", "-1", "1.0", "1e2", "0x10", "", "ten", "None", "true", "NaN"),
        *(
            "1_0",
            "+5",
            " 5",
            "5 ",
            "\u0665",
            "\u00b2",
            "\uff15",
            "5\x00",
            "9" * 400,
            "5,6",
            "\ufffd",
        ),
    ],
)
def test_a_limit_is_a_whole_number_from_1_to_500(history: History, limit: str) -> None:
    """Anything else is 400, also what Python would read as a number."""
    response = history.get(3, f"?limit={quote(limit)}")
    assert refusal(response) == (400, "pagination_error")


@pytest.mark.parametrize("limit", ["1", "2", "500", "007"])
def test_a_limit_in_range_is_taken(history: History, limit: str) -> None:
    """It comes back as a number."""
    ids, pagination = _page(history, 3, f"?limit={limit}")
    assert len(ids) == min(3, int(limit))
    assert pagination["page"] == {"limit": int(limit)}


@pytest.mark.parametrize("parameter", ["after", "before"])
@pytest.mark.parametrize(
    "cursor", ["", "0", "null", "O-01J6Y3JRYWCTNDRHP35302NZ30", "\u00e9", "\x00", "O-" * 4_000]
)
def test_a_cursor_that_is_none_is_refused(history: History, parameter: str, cursor: str) -> None:
    """400 for an unknown, an empty or an impossible cursor."""
    response = history.get(3, f"?{parameter}={quote(cursor)}")
    assert refusal(response) == (400, "pagination_error")


@pytest.mark.parametrize("parameter", ["after", "before"])
def test_a_cursor_of_another_account_is_refused(history: History, parameter: str) -> None:
    """Accounts never see each other, not even as a cursor."""
    foreign = history.made[4][1]
    assert refusal(history.get(3, f"?{parameter}={foreign}")) == (400, "pagination_error")


def test_both_cursors_together_are_refused(history: History) -> None:
    """400, whether or not they are good."""
    newest, *_, oldest = history.made[5]
    for query in (
        f"?after={newest}&before={oldest}",
        f"?before={oldest}&after={oldest}",
        "?after=&before=",
    ):
        assert refusal(history.get(5, query)) == (400, "pagination_error")


@pytest.mark.parametrize("query", ["limit=1&limit=2", "limit=1&limit=1", "after={0}&after={0}"])
def test_a_repeated_parameter_is_refused(history: History, query: str) -> None:
    """400: two values are a doubt, also if they are equal."""
    response = history.get(3, "?" + query.format(history.made[3][0]))
    assert refusal(response) == (400, "pagination_error")


def test_unknown_parameters_are_ignored(history: History) -> None:
    """What the list does not know changes nothing."""
    assert _page(history, 3, "?offset=1&Limit=0&page=&=") == _page(history, 3)
