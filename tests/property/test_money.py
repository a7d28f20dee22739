"""Money adds up: prices, discounts and exchanges, for every currency and any number of items."""

from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from runa_mock_server.catalogue.catalogue import Denominations, Offer
from runa_mock_server.contract.fx import FEE, can_exchange, exchange
from runa_mock_server.orders.pricing import Quote, quote
from support.money import CURRENCIES, FROM_USD_ONLY

CENT = Fraction(1, 100)
MOST_CENTS = 10**12

currencies = st.sampled_from(CURRENCIES)
pairs = st.tuples(currencies, currencies).filter(lambda pair: pair[0] != pair[1])
cents = st.integers(1, MOST_CENTS).map(lambda value: Decimal(value).scaleb(-2))
thousandths = st.integers(10, MOST_CENTS).map(lambda value: Decimal(value).scaleb(-3))
multipliers = st.integers(0, 9_999).map("0.{:04d}".format)


def half_up(amount: Fraction) -> Fraction:
    """An amount of whole cents, worked out without decimals."""
    return floor(amount / CENT + Fraction(1, 2)) * CENT


def offers(currency: str, multiplier: str, count: int = 1) -> list[Offer]:
    """Products of one discount."""
    anything = Denominations(Decimal(0), Decimal(MOST_CENTS))
    return [
        Offer(f"P{number}", currency, "gift_card", True, anything, multiplier)  # noqa: FBT003 - a field of a plain record
        for number in range(count)
    ]


@st.composite
def quotes(draw: st.DrawFn) -> tuple[list[tuple[Decimal, list[Offer]]], Quote]:
    """Items and what they cost, in any pair of currencies, discounts on."""
    product, payment = draw(currencies), draw(currencies)
    lines = draw(
        st.lists(
            st.tuples(
                thousandths, st.builds(offers, st.just(product), multipliers, st.integers(1, 2))
            ),
            min_size=1,
            max_size=200,
        )
    )
    return lines, quote(lines, payment, discounts=True)


@given(quotes())
def test_totals_are_the_sums_of_their_parts(
    case: tuple[list[tuple[Decimal, list[Offer]]], Quote],
) -> None:
    """Whatever is bought, item prices, discount and fee make up the totals to the cent."""
    lines, cost = case
    assert len(cost.prices) == len(lines)
    assert cost.value == sum(price.price for price in cost.prices)
    discount = sum(price.face_value - price.price for price in cost.prices)
    if cost.exchange is None:
        assert cost.product_currency == cost.payment_currency
        assert cost.total_price == cost.value
        assert cost.total_discount == discount
    else:
        value = Decimal(cost.value).scaleb(-2)
        exchanged = exchange(value, cost.product_currency, cost.payment_currency)
        assert Decimal(cost.total_price).scaleb(-2) == exchanged.price + exchanged.fee
        assert cost.exchange == exchanged.exchanged()


@given(quotes())
def test_every_amount_is_whole_cents(
    case: tuple[list[tuple[Decimal, list[Offer]]], Quote],
) -> None:
    """No price, total, discount or fee has a fraction of a cent, and none is negative."""
    _, cost = case
    amounts = [cost.value, cost.total_price, cost.total_discount]
    amounts += [amount for price in cost.prices for amount in (price.face_value, price.price)]
    if cost.exchange is not None:
        amounts.append(cost.exchange.fee)
    for amount in amounts:
        assert amount >= 0
        assert type(amount) is int


@given(thousandths, multipliers, st.booleans())
def test_a_price_is_the_face_value_less_the_discount(
    face_value: Decimal, multiplier: str, discounts: bool
) -> None:
    """Face values are rounded half-up, then the discount is taken off and the rest rounded."""
    cost = quote([(face_value, offers("USD", multiplier))], "USD", discounts=discounts)
    rounded = half_up(Fraction(face_value))
    share = Fraction(multiplier) if discounts else Fraction(0)
    assert cost.prices[0].face_value == rounded / CENT
    assert cost.prices[0].price == half_up(rounded * (1 - share)) / CENT
    assert cost.prices[0].discount_multiplier == (multiplier if discounts else "0.0")


@given(thousandths, multipliers)
def test_a_choice_has_no_discount(face_value: Decimal, multiplier: str) -> None:
    """Where the recipient chooses, the face value is paid in full."""
    cost = quote([(face_value, offers("USD", multiplier, 2))], "USD", discounts=True)
    assert cost.prices[0].price == cost.prices[0].face_value == cost.total_price
    assert cost.prices[0].discount_multiplier == "0.0"
    assert cost.total_discount == 0


@given(cents, pairs)
def test_an_exchange_is_the_rate_and_the_fee(amount: Decimal, pair: tuple[str, str]) -> None:
    """The rate multiplies or divides, by which of the two currencies pays; the fee is 1.9 %."""
    product, payment = pair
    found = exchange(amount, product, payment)
    rate = Fraction(found.rate)
    if found.rate_symbol == payment + product:
        price = half_up(Fraction(amount) / rate)
    else:
        assert found.rate_symbol == product + payment
        price = half_up(Fraction(amount) * rate)
    assert found.price == price
    assert found.fee == half_up(price * Fraction(19, 1000))
    assert found.total == found.price + found.fee


@given(cents, pairs)
def test_there_and_back_costs_the_fees(amount: Decimal, pair: tuple[str, str]) -> None:
    """Paying in another currency and buying that back loses the fees of both, and rounding."""
    home, away = pair
    there = exchange(amount, home, away)
    assume(there.total > 0)  # else it is less than half a cent: nothing to buy back
    back = exchange(there.total, away, home)
    rate = Fraction(there.rate)
    worth = rate if there.rate_symbol == away + home else 1 / rate  # of one unit away, at home
    fees = (1 + Fraction(FEE)) ** 2
    # Twice half a cent an exchange: one for the amount and one for the fee, which errs with it.
    rounding = Fraction(11, 1000) * (worth * (1 + Fraction(FEE)) + 1)
    assert abs(Fraction(back.total) - Fraction(amount) * fees) <= rounding


@pytest.mark.parametrize("product", CURRENCIES)
def test_every_pair_has_one_rate(product: str) -> None:
    """Both directions of a pair are quoted alike, at most six digits, whoever may use them."""
    for payment in CURRENCIES:
        allowed = product not in FROM_USD_ONLY or payment in {product, "USD"}
        if product != payment:
            assert can_exchange(payment, product) is allowed
            one, other = (
                exchange(Decimal(1), product, payment),
                exchange(Decimal(1), payment, product),
            )
            assert (one.rate, one.rate_symbol) == (other.rate, other.rate_symbol)
            assert one.rate > 0
            assert len(one.rate.normalize().as_tuple().digits) <= 6


def test_a_currency_without_a_rate_cannot_be_exchanged() -> None:
    """A loaded catalogue may have currencies that nobody can pay in; they have no rate."""
    assert not any(can_exchange(payment, "XTS") for payment in CURRENCIES)
