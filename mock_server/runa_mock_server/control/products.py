"""Operations on the products; these belong to the server, whichever account a call is about."""

from collections.abc import Mapping
from typing import Any

from runa_mock_server.base.errors import ErrorDetail, FieldProblem, quoted
from runa_mock_server.base.slices import Work
from runa_mock_server.catalogue.changes import ProductChange, ProductChangeError
from runa_mock_server.catalogue.content import details
from runa_mock_server.control.operation import Steps
from runa_mock_server.control.problems import ControlError, not_found, wrong_fields
from runa_mock_server.control.product_models import (
    NewProductBody,
    ProductBody,
    ProductDetail,
    ProductsQuery,
    ProductsResult,
    ProductSummary,
)
from runa_mock_server.server_state.server_state import ServerState


def list_products(server_state: ServerState, query: ProductsQuery) -> ProductsResult:
    """List the products, by code, with filters; those of the whole server."""
    found = [product for product in server_state.catalogue.products if _fits(product, query)]
    rest = [product for product in found if product["code"] > query.after]
    shown = rest[: query.limit]
    return ProductsResult(
        products=[ProductSummary.model_validate(_summary(product)) for product in shown],
        total=len(found),
        next_after=shown[-1]["code"] if len(rest) > len(shown) else None,
    )


def read_product(server_state: ServerState, code: str) -> ProductDetail:
    """Read one product as it is now, with its whole document."""
    try:
        product = server_state.products.document(code)
    except KeyError:
        raise _unknown(code) from None
    return ProductDetail.model_validate({**_summary(product), "product": product})


def add_product(server_state: ServerState, body: NewProductBody) -> Steps[ProductDetail]:
    """Add a product to the catalogue for all accounts."""
    return Steps(_add(server_state, body))


def _add(server_state: ServerState, body: NewProductBody) -> Work[ProductDetail]:
    try:
        yield from server_state.add_product(body.product)
    except ProductChangeError as error:
        raise wrong_fields(_detail(problem, "product") for problem in error.problems) from None
    return read_product(server_state, body.product["code"])


def remove_product(server_state: ServerState, code: str) -> Steps[ProductDetail]:
    """Remove a product from the catalogue for all accounts; orders that exist stay as they are."""
    return Steps(_remove(server_state, code))


def _remove(server_state: ServerState, code: str) -> Work[ProductDetail]:
    removed = read_product(server_state, code)
    yield from server_state.remove_product(code)
    return removed


def change_product(server_state: ServerState, code: str, body: ProductBody) -> Steps[ProductDetail]:
    """Change a product for all accounts; orders that exist stay as they are."""
    return Steps(_change(server_state, code, body))


def _change(server_state: ServerState, code: str, body: ProductBody) -> Work[ProductDetail]:
    given = body.denominations
    change = ProductChange(
        is_orderable=body.is_orderable,
        discount_multiplier=body.discount_multiplier,
        denominations=None if given is None else given.model_dump(exclude_unset=True),
    )
    try:
        yield from server_state.change_product(code, change)
    except KeyError:
        raise _unknown(code) from None
    except ProductChangeError as error:
        raise wrong_fields(map(_detail, error.problems)) from None
    return read_product(server_state, code)


def _unknown(code: str) -> ControlError:
    return not_found("path", "code", f"there is no product {quoted(code)}")


def _detail(problem: FieldProblem, *places: str) -> ErrorDetail:
    steps = problem.field.split(".") if problem.field else ()
    return ErrorDetail("value_error", problem.reason, ("body", *places, *steps))


def _fits(product: Mapping[str, Any], query: ProductsQuery) -> bool:
    texts = (product["code"], product["name"])
    return (
        query.code in (None, product["code"])
        and query.is_orderable in (None, product["is_orderable"])
        and (
            query.search is None
            or any(query.search.casefold() in text.casefold() for text in texts)
        )
    )


def _summary(product: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: product.get(name) for name in ProductSummary.model_fields}
    return {**own, "denominations": details(product).get("denominations")}
