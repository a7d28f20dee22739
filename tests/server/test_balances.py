"""What an account can spend, and that an order takes from it exactly once."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.config.settings import make_settings
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.orders.placing import OrderRequest, place
from runa_mock_server.orders.terms import OrderOptions
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.web.checks import UNDER_THE_KEY
from support.answers import order_ids, refusal
from support.api import KEY
from support.money import CURRENCIES, PRODUCTION_KEY, MoneyApi, at_once, paid_in, single

OPENING = Decimal("500.00")
NO_FUNDS = (400, "insufficient_funds")
STORM = 60
# 1800FL-US is let off 1.3 %, so that USD 10 cost 9.87.
TEN = paid_in("USD", single("1800FL-US", 10))
_keys = count()


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    """A clock that stands still until a test moves it."""
    return ManualClock()


@pytest.fixture(scope="module")
def server(clock: ManualClock) -> Iterator[MockServer]:
    """A production server that all tests here share."""
    with MockServer(
        clock=clock, profile="production", balances={"USD": OPENING, "GBP": 0, "EUR": "0.01"}
    ) as running:
        yield running


@pytest.fixture
def bank(server: MockServer) -> Iterator[MoneyApi]:
    """A caller with an account of its own."""
    yield from account(server)


@pytest.fixture(scope="module")
def playground() -> Iterator[MoneyApi]:
    """A caller on the playground."""
    with MockServer() as server:
        yield from account(server, KEY)


def account(server: MockServer, key: str | None = None) -> Iterator[MoneyApi]:
    """A caller, by default with a key that was not used before."""
    caller = MoneyApi(server.url, key or f"wg-{next(_keys)}.secret")
    yield caller
    caller.close()


def test_the_playground_has_funds_in_four_currencies(playground: MoneyApi) -> None:
    """The list has every balance above zero, by currency."""
    assert playground.balance().json() == [
        {"balance": "10000.00", "currency": currency} for currency in ("CAD", "EUR", "GBP", "USD")
    ]
    assert playground.balance("/").json() == playground.balance().json()


def test_the_playground_never_runs_dry(playground: MoneyApi) -> None:
    """Any balance suffices for any order there, and none ever falls."""
    before = playground.balance().content
    many = paid_in("USD", *[single("AMZ-US", 500)] * 200)
    assert playground.order(many).status_code == 202
    assert playground.order(paid_in("SEK", single("EXCAFE-SE", 50))).status_code == 202
    assert (
        playground.order(paid_in("JPY", single("1800FL-US", 100)), mode="sync").status_code == 200
    )
    assert playground.balance().content == before


def test_one_currency(bank: MoneyApi) -> None:
    """Every supported currency has a balance, "0.00" where there are no funds."""
    known = {"USD": "500.00", "EUR": "0.01"}
    for currency in CURRENCIES:
        expected = {"balance": known.get(currency, "0.00"), "currency": currency}
        assert bank.balance(f"?currency={currency}").json() == expected
    assert bank.balance("?limit=0&page=x").json() == [
        {"balance": "0.01", "currency": "EUR"},
        {"balance": "500.00", "currency": "USD"},
    ]


@pytest.mark.parametrize(
    "query",
    [
        *(
            "",
            "usd",
            "Usd",
            "US",
            "USDX",
            "XXX",
            "XTS",
            "USD,GBP",
            "USD%20",
            "%00",
            "%FF",
            "USD%0A",
        ),
        *("USD&currency=GBP", "USD&currency=USD", "__class__", "name"),
    ],
)
def test_other_currencies_are_refused(bank: MoneyApi, query: str) -> None:
    """A currency that is not supported, malformed or given twice is named in a 400."""
    response = bank.balance(f"?currency={query}")
    assert refusal(response) == (400, "bad_request")
    assert response.json()["message"].startswith("currency: ")
    assert "query" in response.json()["help"]


def test_the_list_needs_a_key(playground: MoneyApi) -> None:
    """401 without a key, 403 with one that is not accepted."""
    for key, status in ((None, 401), (PRODUCTION_KEY, 403)):
        for query in ("", "?currency=USD", "?currency=usd"):
            response = playground.get(f"/v2/balance{query}", headers={"X-Api-Key": key})
            assert response.status_code == status


def test_production_starts_without_funds() -> None:
    """Unless it is given funds an account there can buy nothing, and its list is empty."""
    with MockServer(profile="production") as server:
        for caller in account(server):
            assert caller.balance().json() == []
            assert refusal(caller.order(TEN)) == NO_FUNDS
            assert refusal(caller.order(TEN, mode="sync")) == NO_FUNDS


def test_given_balances_replace_the_playground_s() -> None:
    """An opening balance that is given is all there is."""
    with MockServer(balances={"NOK": "7.5"}) as server:
        for caller in account(server, KEY):
            assert caller.balance().json() == [{"balance": "7.50", "currency": "NOK"}]


@pytest.mark.parametrize(("mode", "status"), [("async", 202), ("sync", 200)])
def test_an_order_is_paid_once(bank: MoneyApi, clock: ManualClock, mode: str, status: int) -> None:
    """Its price is taken when it is placed; replay, conflict and reading take nothing more."""
    first = bank.order(TEN, mode=mode, key="once")
    assert first.status_code == status
    left = OPENING - Decimal("9.87")
    assert bank.amount("USD") == left
    assert bank.order(TEN, mode=mode, key="once").content == first.content
    other = paid_in("USD", single("1800FL-US", 11))
    assert refusal(bank.order(other, mode=mode, key="once")) == (
        400,
        "idempotency_validation_error",
    )
    clock.advance(2)
    assert bank.read(first.json()["id"])["total_price"] == "9.87"
    assert bank.order(TEN, mode=mode, key="once").content == first.content
    assert bank.amount("USD") == left


@pytest.mark.parametrize(
    "document",
    [
        {},
        paid_in("USD", single("1800FL-US", 0)),
        paid_in("USD", single("1800FL-US", 10), single("NOBODY", 10)),
        paid_in("USD", single("BAW-GB", 10)),
        paid_in("USD", single("AMZ-US", 500), single("AMZ-US", 500)),
    ],
)
def test_a_refused_order_costs_nothing(bank: MoneyApi, document: dict[str, Any]) -> None:
    """Neither a bad body, nor a broken rule, nor a price that is too high takes anything."""
    before = bank.balance().content
    assert bank.order(document).status_code in {400, 422}
    assert bank.balance().content == before
    assert order_ids(bank) == []


def test_a_refusal_for_want_of_funds_is_kept(bank: MoneyApi) -> None:
    """It names price and balance, is replayed under its key, and smaller orders still go."""
    dear = paid_in("USD", *[single("1800FL-US", 100)] * 6)
    first = bank.order(dear, key="dear")
    assert refusal(first) == NO_FUNDS
    assert "USD 592.20" in first.json()["message"]
    assert "500.00" in first.json()["message"]
    assert bank.order(dear, key="dear").content == first.content
    assert bank.order(TEN).status_code == 202
    assert bank.amount("USD") == OPENING - Decimal("9.87")


@pytest.mark.parametrize(("opening", "status"), [("9.87", 202), ("9.86", 400), ("9.88", 202)])
def test_exactly_the_price_suffices(opening: str, status: int) -> None:
    """To the cent: the price is enough, a cent less is not, and what is left is right."""
    with MockServer(profile="production", balances={"USD": opening}) as server:
        for caller in account(server):
            assert caller.order(TEN).status_code == status
            paid = Decimal("9.87") if status == 202 else 0
            assert caller.amount("USD") == Decimal(opening) - paid
            assert len(caller.balance().json()) == (caller.amount("USD") > 0)


def test_an_exchange_takes_its_total_from_the_paying_balance(bank: MoneyApi) -> None:
    """Fee included, in the currency that pays; without funds in it the order is refused."""
    order = bank.finished(paid_in("USD", single("BAW-GB", 10)))
    assert bank.amount("USD") == OPENING - Decimal(order["total_price"])
    assert bank.amount("GBP") == 0
    assert refusal(bank.order(paid_in("GBP", single("1800FL-US", 10)), mode="sync")) == NO_FUNDS


def test_accounts_have_purses_of_their_own(server: MockServer, bank: MoneyApi) -> None:
    """What one key spends no other misses."""
    assert bank.order(TEN).status_code == 202
    for other in account(server):
        assert other.amount("USD") == OPENING


def test_an_order_that_fails_costs_nothing() -> None:
    """A failing order is stored and nothing is taken, also where nothing is there (inferred)."""
    server_state = ServerState(make_settings(profile="production", balances={"USD": "9.86"}))
    holder = server_state.account(PRODUCTION_KEY)

    def order(key: str, trigger: str | None) -> Answer:
        terms, now = holder.orders.terms, holder.clock.now()
        options = OrderOptions(trigger=trigger)
        request = OrderRequest(key, orjson.dumps(TEN), options, terms, now)
        answer = holder.state.commit(partial(place, request, UNDER_THE_KEY)).answer
        assert answer is not None
        return answer

    assert order("fails", "order_failed").status == 202
    assert holder.state.balance("USD") == 986
    refused = orjson.loads(order("is too dear", None).body)
    assert refused["type"] == "insufficient_funds"
    assert "USD 9.87" in refused["message"]
    assert holder.state.balance("USD") == 986


ACTS = st.tuples(st.integers(5_000, 200_000), st.integers(0, 9), st.sampled_from(["sync", "async"]))


@settings(max_examples=settings().max_examples // 2)
@given(acts=st.lists(ACTS, min_size=1, max_size=12))
def test_debits_are_the_prices_of_the_orders(
    server: MockServer, clock: ManualClock, acts: list[tuple[int, int, str]]
) -> None:
    """Whatever is asked for, again or in conflict: opening less the orders' prices is left."""
    for bank in account(server):
        for thousandths, key, mode in acts:
            order = paid_in("USD", single("AMZ-US", thousandths / 1000))
            status = bank.order(order, key=f"key-{key}", mode=mode).status_code
            assert status in {200, 202, 400}
            assert bank.amount("USD") >= 0
        clock.advance(1)
        orders = bank.get("/v2/order?limit=500").json()["items"]
        assert len(orders) <= len({key for _, key, _ in acts})
        spent = sum(Decimal(order["total_price"]) for order in orders)
        assert bank.amount("USD") == OPENING - spent


def _storm(bank: MoneyApi, keys: list[str]) -> Counter[int]:
    """The statuses of orders of USD 98.70 that are sent at once."""
    document = paid_in("USD", single("1800FL-US", 100))
    answers = at_once(partial(bank.order_apart, document, key) for key in keys)
    return Counter(answer.status_code for answer in answers)


def test_a_storm_with_one_key_pays_once(bank: MoneyApi) -> None:
    """However many send one order at the same time, it is paid once."""
    assert _storm(bank, ["one"] * STORM) == {202: STORM}
    assert bank.amount("USD") == OPENING - Decimal("98.70")
    assert len(order_ids(bank)) == 1


def test_a_storm_with_many_keys_spends_what_is_there(bank: MoneyApi) -> None:
    """Of many orders at the same time as many go as can be paid, and no more."""
    assert _storm(bank, [f"key-{n}" for n in range(STORM)]) == {202: 5, 400: STORM - 5}
    assert bank.amount("USD") == OPENING - 5 * Decimal("98.70")
    assert len(order_ids(bank)) == 5
