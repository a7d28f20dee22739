"""Weighted strategies: mostly a plain example, now and then an odd one, and at times anything.

A ready example costs one choice in place of one for each of its fields. That makes bodies quick to
draw, and what fails shrinks to what a person would have written.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from hypothesis import strategies as st

from runa_schemas.strategies._json import copied

T = TypeVar("T")

ELSE: Any = object()
"""Stands among the examples of a ``Weighted`` for the others."""


@dataclass(frozen=True)
class Weighted(Generic[T]):
    """Ready examples, and the strategy that is drawn from instead of them now and then."""

    examples: st.SearchStrategy[T]
    others: "st.SearchStrategy[T] | Weighted[T]"

    def of(self, draw: st.DrawFn) -> T:
        """Draw a value; an example is copied, for the caller may change it."""
        found = draw(self.examples)
        if found is not ELSE:
            value: T = copied(found)
            return value
        return self.others.of(draw) if isinstance(self.others, Weighted) else draw(self.others)

    @property
    def strategy(self) -> st.SearchStrategy[T]:
        """The same for those who do not draw themselves."""
        return _drawn(self)


def weighted(plain: Iterable[T], odd: Iterable[T], anything: st.SearchStrategy[T]) -> Weighted[T]:
    """Plain examples, odd ones for about a third, and a fifth of those drawn freely.

    Args:
        plain: What a person would write, the simplest first; at least one.
        odd: What the contract also allows.
        anything: Whatever else there is.
    """
    # The others stand behind the plain, and hypothesis shrinks towards the front.
    rare = list(odd)
    usual = list(plain)
    others = Weighted(st.sampled_from([*rare, *[ELSE] * (1 + len(rare) // 4)]), anything)
    return Weighted(st.sampled_from([*usual, *[ELSE] * (1 + len(usual) // 2)]), others)


@st.composite
def _drawn(draw: st.DrawFn, parts: Weighted[T]) -> T:
    return parts.of(draw)
