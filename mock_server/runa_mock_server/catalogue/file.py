"""Catalogues from files, in the shape in which ``GET /product`` answers.

Strict about what the mock relies on, lenient about what it only repeats: unknown fields and nulls
stay as they are, so that a saved catalogue is served back unchanged.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from runa_mock_server.base import strict_json
from runa_mock_server.base.errors import quoted
from runa_mock_server.base.text_file import UnreadableFileError, read_text
from runa_mock_server.catalogue.catalogue import Catalogue, CatalogueError, built_in

if TYPE_CHECKING:
    from runa_mock_server.config.settings import (
        Settings,  # a server starts without loading pydantic
    )

_SHAPE = 'must be a page, {"catalog": [...], "pagination": ...}, or a list of pages'


def catalogue_of(settings: "Settings") -> Catalogue:
    """The catalogue that settings ask for.

    Raises:
        CatalogueError: if the file or a template cannot be used.
    """
    if settings.catalogue is None and not settings.templates:
        return built_in()
    products = built_in().products if settings.catalogue is None else load(settings.catalogue)
    return Catalogue(products, settings.templates)


def load(path: str | Path) -> list[dict[str, Any]]:
    """The product documents in a file, as they are, in the file's order.

    Args:
        path: a file with one page as ``GET /product`` answers it (its ``pagination`` may be
            missing), or with a list of such pages.

    Raises:
        CatalogueError: listing every problem of the file with page, entry, field and reason.
            A product that is there twice, even unchanged, is one (inferred): it is what pages
            look like that were saved wrongly.
    """
    from runa_mock_server.catalogue.product_rules import problems_of  # noqa: PLC0415 - few servers read one

    path = Path(path)
    document = _read(path)
    pages = document if isinstance(document, list) else [document]
    placed = list(_products(pages))
    problems = [
        *_misshapen(pages),
        *(f"{place}: {told}" for place, product in placed for told in problems_of(product)),
        *_repeated(placed),
    ]
    if not problems and not placed:
        problems.append("there is no product in it")
    if problems:
        raise _refused(path, problems)
    return [product for _, product in placed]


class _Placed(NamedTuple):
    """An entry of the file and where it stands, for messages."""

    place: str
    product: Any


def _read(path: Path) -> Any:
    try:
        return strict_json.parse(read_text(path).encode())
    except UnreadableFileError as error:
        raise _refused(path, [str(error)]) from None
    except strict_json.MalformedJsonError as error:
        raise _refused(path, [f"is not JSON: {error}"]) from None


def _is_page(page: Any) -> bool:
    return isinstance(page, dict) and isinstance(page.get("catalog"), list)


def _misshapen(pages: Iterable[Any]) -> Iterator[str]:
    pages = list(pages)
    if len(pages) > 1 and not any(_is_page(page) for page in pages):
        yield f"none of its {len(pages)} entries is a page: the file {_SHAPE}"
        return
    for number, page in enumerate(pages, 1):
        if not _is_page(page):
            yield f"page {number}: {_SHAPE}"


def _products(pages: Iterable[Any]) -> Iterator[_Placed]:
    """Every entry of every page, whatever it is."""
    for number, page in enumerate(pages, 1):
        for index, product in enumerate(page["catalog"] if _is_page(page) else ()):
            code = product.get("code") if isinstance(product, dict) else None
            name = f" ({quoted(code)[1:-1]})" if isinstance(code, str) else ""
            yield _Placed(f"page {number}, catalog[{index}]{name}", product)


def _repeated(placed: Iterable[_Placed]) -> Iterator[str]:
    """Codes that stand for two things: products, plans, or one of each."""
    from runa_mock_server.catalogue.product_rules import order_codes  # noqa: PLC0415 - few servers read one

    products: dict[str, str] = {}
    offers: dict[str, str] = {}
    for place, product in placed:
        if not isinstance(product, dict):
            continue
        if isinstance(code := product.get("code"), str):
            first = products.setdefault(code, place)
            if first != place:
                yield f"{place}: code: {quoted(code)} is that of {first} already"
                continue
        for field, name in order_codes(product):
            here = f"{place}: {field}"
            first = offers.setdefault(name, here)
            if first != here:
                yield f"{here}: {quoted(name)} is that of {first} already"


def _refused(path: Path, problems: Iterable[str]) -> CatalogueError:
    return CatalogueError("\n".join(f"{path}: {problem}" for problem in problems))
