"""The checks, a module a topic, in the order in which they run."""

from typing import Final

from runa_conformance._checks import (
    access,
    balances,
    bodies,
    business,
    catalogue,
    contents,
    estimates,
    exchange,
    idempotency,
    lists,
    orders,
    paths,
    precedence,
    redemption,
    syntax,
    triggers,
)
from runa_conformance._registry import RunnableCheck

_GROUPS = (
    access.GROUP,
    paths.GROUP,
    precedence.GROUP,
    syntax.GROUP,
    bodies.GROUP,
    catalogue.GROUP,
    balances.GROUP,
    estimates.GROUP,
    orders.GROUP,
    contents.GROUP,
    business.GROUP,
    exchange.GROUP,
    idempotency.GROUP,
    lists.GROUP,
    redemption.GROUP,
    triggers.GROUP,
)

CHECKS: Final[tuple[RunnableCheck, ...]] = tuple(
    check for group in _GROUPS for check in group.checks
)
"""Every check, in the order in which they run."""
