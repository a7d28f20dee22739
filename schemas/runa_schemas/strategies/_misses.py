"""Near misses of bodies: which rules there are, and bodies that break exactly one of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar, get_args

from hypothesis import strategies as st

from runa_schemas.contract_data import MIN_FACE_VALUE
from runa_schemas.strategies._body_builder import BodyBuilder, BodyRule, Broken, RuleContext
from runa_schemas.strategies._business_rules import BUSINESS_RULES
from runa_schemas.strategies._catalogue import read_catalogue
from runa_schemas.strategies._field_rules import FIELD_RULES
from runa_schemas.strategies._form_rules import FORM_RULES
from runa_schemas.strategies._headers import HEADER_RULES
from runa_schemas.strategies._json import Object
from runa_schemas.strategies._json_rules import JSON_RULES
from runa_schemas.strategies._near_miss import NearMiss, Operation, Rule, chosen
from runa_schemas.strategies._orderable import OrderableProducts
from runa_schemas.strategies._orders import orders
from runa_schemas.strategies._parts import Objects
from runa_schemas.strategies._value_rules import VALUE_RULES

_FORM = (*FIELD_RULES, *FORM_RULES)
_BODY_RULES = {entry.rule.name: entry for entry in (*_FORM, *VALUE_RULES, *BUSINESS_RULES)}

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        **{name: entry.rule for name, entry in _BODY_RULES.items()},
        **{name: entry.rule for name, entry in HEADER_RULES.items()},
        **{name: entry.rule for name, entry in JSON_RULES.items()},
    }
)
"""Every rule that a near miss can break, by its name, read-only."""


T = TypeVar("T")
_SUMMANDS = 4


class _Breaker(NamedTuple):
    """A rule that can be broken with what there is, and the ways to do it."""

    by: BodyRule
    ways: st.SearchStrategy[Any]


def invalid_order_bodies(
    *,
    rules: Iterable[str] | None = None,
    catalogue: Any = None,
    templates: Mapping[str, Iterable[str]] | None = None,
    balances: Mapping[str, Any] | None = None,
) -> st.SearchStrategy[NearMiss]:
    """Bodies of ``POST /order`` that break exactly one rule (page "Create order").

    Args:
        rules: Names of rules to break, those of ``RULES`` whose part is ``body``; by default all
            that can be broken with what is given.
        catalogue: What can be ordered, as for ``orders``.
        templates: Further product-selection templates, as for ``orders``.
        balances: What there is to pay with, amounts by currency such as ``{"USD": "500.00"}``, for
            the rule ``insufficient_funds``; each body is to find all of it.

    Raises:
        ValueError: An argument is no good, or a rule cannot be broken with what is given; the
            message says what it needs.
    """
    context = _context("order", catalogue, templates, balances)
    return _near_misses(context, _breakers(rules, context))


def invalid_estimate_bodies(
    *, rules: Iterable[str] | None = None, catalogue: Any = None
) -> st.SearchStrategy[NearMiss]:
    """Bodies of ``POST /order/estimate`` that break exactly one rule (page "Estimate order").

    Args:
        rules: As for ``invalid_order_bodies``; not every rule of an order is one of an estimate.
        catalogue: What can be ordered, as for ``orders``.

    Raises:
        ValueError: As for ``invalid_order_bodies``.
    """
    context = _context("estimate", catalogue)
    return _near_misses(context, _breakers(rules, context))


def boundary_order_bodies(
    *,
    catalogue: Any = None,
    templates: Mapping[str, Iterable[str]] | None = None,
) -> Objects:
    """Bodies of ``POST /order`` that lie just inside a limit, the other side of near misses.

    200 items, 128 characters of any width, 20 pairs, a minimum, a maximum, one cent and so on. All
    keep the schema, and a service accepts them, but for two that depend on the catalogue: one cent,
    if no product comes in it, and a ``RECIPIENT``, if there is no payment product.

    Args:
        catalogue: What can be ordered, as for ``orders``.
        templates: Further product-selection templates, as for ``orders``.

    Raises:
        ValueError: An argument is no good.
    """
    context = _context("order", catalogue, templates)
    limits = _possible((rule for rule in _rules_of("order").values() if rule.limit), context)
    near_misses = _near_misses(context, list(limits))
    within = near_misses.map(lambda miss: miss.valid)
    plain = orders(catalogue=catalogue, templates=templates, max_items=1)
    return within | plain.map(_worth_a_cent) if not context.orderable.one_cent_offers else within


def _worth_a_cent(body: Object) -> Object:
    body["items"][0]["face_value"] = float(MIN_FACE_VALUE)
    return body


def _context(
    operation: Operation,
    catalogue: Any,
    templates: Mapping[str, Iterable[str]] | None = None,
    balances: Mapping[str, Any] | None = None,
) -> RuleContext:
    orderable = OrderableProducts(read_catalogue(catalogue, templates))
    given = balances or {}
    return RuleContext(
        operation, orderable, {currency: _whole(currency, given[currency]) for currency in given}
    )


def _whole(currency: str, balance: Any) -> int:
    try:
        return int(Decimal(str(balance)))
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError(f"balances[{currency!r}]: give an amount, not {balance!r}") from None


def _rules_of(operation: Operation) -> dict[str, BodyRule]:
    return {name: rule for name, rule in _BODY_RULES.items() if operation in rule.rule.operations}


def breakable_rules(
    operation: Operation = "order",
    *,
    catalogue: Any = None,
    templates: Mapping[str, Iterable[str]] | None = None,
    balances: Mapping[str, Any] | None = None,
) -> tuple[str, ...]:
    """Names of the rules that near misses can break with what is given, in the order of ``RULES``.

    For tests that visit every rule, whatever the number of examples is::

        @pytest.mark.parametrize("rule", breakable_rules())
        def test_refusal(rule):
            @given(invalid_order_bodies(rules=[rule]))
            def is_handled(miss): ...

            is_handled()

    Args:
        operation: ``order`` or ``estimate``.
        catalogue: As for ``invalid_order_bodies``; the same for ``templates`` and ``balances``.
        templates: See ``catalogue``.
        balances: See ``catalogue``.

    Raises:
        ValueError: An argument is no good.
    """
    if operation not in get_args(Operation):
        raise ValueError(f"operation: give 'order' or 'estimate', not {operation!r}")
    context = _context(operation, catalogue, templates, balances)
    return tuple(breaker.by.rule.name for breaker in _breakers(None, context))


def _breakers(names: Iterable[str] | None, context: RuleContext) -> list[_Breaker]:
    wanted = chosen(names, _rules_of(context.operation))
    possible = list(_possible(wanted, context))
    if names is not None:
        found = {breaker.by.rule.name for breaker in possible}
        for rule in (entry.rule for entry in wanted):
            if rule.name not in found:
                raise ValueError(f"rules: {rule.name!r} cannot be broken without {rule.needs}")
    return possible


def _possible(rules: Iterable[BodyRule], context: RuleContext) -> Iterator[_Breaker]:
    for rule in rules:
        if ways := list(rule.ways(context)):
            yield _Breaker(rule, st.sampled_from(ways))


@st.composite
def _near_misses(draw: st.DrawFn, context: RuleContext, breakers: Sequence[_Breaker]) -> NearMiss:
    breaker = _spread(draw, breakers)
    broken: Broken = breaker.by.breaks(BodyBuilder(draw, context), draw(breaker.ways))
    rule = breaker.by.rule
    return NearMiss(
        rule=rule.name,
        error=rule.error,
        status=rule.status,
        location=broken.location,
        headers=dict(broken.headers),
        body=broken.body,
        valid=broken.valid,
    )


def _spread(draw: st.DrawFn, entries: Sequence[T]) -> T:
    """Draw one of many entries so that a run of few examples meets many of them.

    Hypothesis often repeats a choice in the next examples; of a sum it rarely repeats all.
    """
    index = st.integers(0, len(entries) - 1)
    count = _SUMMANDS if len(entries) > 1 else 0
    return entries[sum(draw(index) for _ in range(count)) % len(entries)]
