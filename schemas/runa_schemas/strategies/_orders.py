"""Bodies that a service with a given catalogue accepts."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from hypothesis import strategies as st

from runa_schemas.contract_data import MAX_ESTIMATE_ITEMS, MAX_ORDER_ITEMS
from runa_schemas.strategies._bodies import (
    FEW_ITEMS,
    described,
    sizes,
    stretched,
)
from runa_schemas.strategies._catalogue import read_catalogue
from runa_schemas.strategies._json import Object
from runa_schemas.strategies._kinds import Kind
from runa_schemas.strategies._orderable import OrderableProducts
from runa_schemas.strategies._parts import PRODUCTS_TYPES, Objects, payment_in

ESTIMATED_TYPES = ("SINGLE", "MULTIPLE")
_DESCRIBED = described()


def orders(
    *,
    catalogue: Any = None,
    currency: str | None = None,
    products: Collection[str] | None = None,
    templates: Mapping[str, Iterable[str]] | None = None,
    max_items: int = FEW_ITEMS,
) -> Objects:
    """Bodies of ``POST /order`` that a service with this catalogue accepts (page "Create order").

    They keep the schema ``new_order`` and the business rules, so the playground answers 202 to
    each, and 200 to those of one item where ``X-Execution-Mode`` is ``sync``. Everything is paid in
    the currency of the products. Redemption templates are well-formed ids and need not exist.

    Args:
        catalogue: The products as ``GET /product`` answers them: a page, a list of pages, or a
            list of products. By default those that the provider's pages name, with the
            playground's four templates.
        currency: The only currency to order in, such as ``"USD"``; by default every one.
        products: The only things to order: codes of products or subscription plans, ids of
            product-selection templates. By default all that can be ordered.
        templates: For each further product-selection template the codes it stands for.
        max_items: How many items a body has at most, 1 to 200; where it is more than five, some
            have as many as there may be.

    Raises:
        ValueError: An argument is no good; the message names it, the product, field and reason.
    """
    orderable = OrderableProducts(read_catalogue(catalogue, templates), currency, products)
    return _orders(orderable, sizes(max_items, MAX_ORDER_ITEMS))


def estimates(
    *,
    catalogue: Any = None,
    currency: str | None = None,
    products: Collection[str] | None = None,
    max_items: int = FEW_ITEMS,
) -> Objects:
    """Bodies of ``POST /order/estimate`` that a service with this catalogue prices.

    Args:
        catalogue: As for ``orders``.
        currency: As for ``orders``.
        products: As for ``orders``; an estimate takes no templates.
        max_items: How many items a body has at most, 1 to 500.

    Raises:
        ValueError: An argument is no good; the message names it, the product, field and reason.
    """
    orderable = OrderableProducts(read_catalogue(catalogue, None), currency, products)
    if not any(kind.type in ESTIMATED_TYPES for kind in orderable.kinds):
        raise ValueError("products: an estimate takes no templates, give a product or a plan")
    return _estimates(orderable, sizes(max_items, MAX_ESTIMATE_ITEMS))


@st.composite
def _orders(
    draw: st.DrawFn, orderable: OrderableProducts, numbers: st.SearchStrategy[int]
) -> Object:
    fields = draw(_DESCRIBED)
    kinds, size = _kinds(draw, orderable, numbers, PRODUCTS_TYPES)
    return {
        "payment_method": payment_in(kinds[0].currency),
        "items": stretched([kind.item(draw) for kind in kinds], size),
        **fields,
    }


@st.composite
def _estimates(
    draw: st.DrawFn, orderable: OrderableProducts, numbers: st.SearchStrategy[int]
) -> Object:
    kinds, size = _kinds(draw, orderable, numbers, ESTIMATED_TYPES)
    return {
        "payment_method": payment_in(kinds[0].currency),
        "items": stretched([kind.parts(draw) for kind in kinds], size),
    }


def _kinds(
    draw: st.DrawFn,
    orderable: OrderableProducts,
    numbers: st.SearchStrategy[int],
    types: Collection[str],
) -> tuple[list[Kind], int]:
    """What the first items are for, in one currency, and how many items there are to be."""
    first = orderable.choose(draw, types=types)
    size = draw(numbers)
    few = range(1, min(size, FEW_ITEMS))
    return [first, *(orderable.choose(draw, first.currency, types) for _ in few)], size
