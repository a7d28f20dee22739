"""Reading the catalogue: pages, single products, countries and categories.

Documents are kept as bytes, so that a page is a join; there is one set of them for all accounts.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

import orjson

from runa_mock_server.base.errors import ApiError, quoted
from runa_mock_server.base.paging import (
    PageRequest,
    bad_cursor,
    bad_parameter,
    envelope,
    once,
    page_request,
)
from runa_mock_server.catalogue import content
from runa_mock_server.catalogue.catalogue import Catalogue
from runa_schemas.contract_data import DEFAULT_PRODUCT_LIMIT

CATEGORIES = (
    "beauty-and-lifestyle",
    "booksellers",
    "department-stores",
    "electricals",
    "entertainment",
    "experiences",
    "fashion",
    "food-and-drink",
    "home-and-diy",
    "jewellers",
    "leisure-and-sports",
    "mens-fashion",
    "prepaid-card",
    "supermarkets",
    "toys-and-games",
    "travel",
    "womens-fashion",
)
"""The categories of the provider's catalogue (page "List categories")."""

_VALUES = "filter-values"  # the rule
_COUNTRY = re.compile("[A-Z]{2}")
# Inferred: in any case, because that is how HTTP libraries of some languages write booleans.
_BOOLEANS = {"true": True, "false": False}
# Which texts stand in for the URLs, by the value of `content`.
_FORMS: Mapping[str | None, content.TextForm | None] = {
    None: None,
    "url": None,
    "md": "md",
    "html": "html",
}

Query = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class _Filter:
    """What products of a page must be; ``None`` and an empty set demand nothing.

    ``is_orderable=false`` demands nothing either: it turns the filter off (page "List products").
    """

    code: str | None
    only_orderable: bool
    countries: frozenset[str]
    categories: frozenset[str]

    def __call__(self, entry: "_Entry") -> bool:
        return (
            (self.code is None or entry.code == self.code)
            and (entry.is_orderable or not self.only_orderable)
            and (not self.countries or not self.countries.isdisjoint(entry.countries))
            and (not self.categories or not self.categories.isdisjoint(entry.categories))
        )


@dataclass(frozen=True, slots=True)
class _Entry:
    """What filters look at."""

    code: str
    is_orderable: bool
    countries: frozenset[str]
    categories: frozenset[str]


class ProductService:
    """The catalogue as callers read it.

    Args:
        catalogue: the products.
        server_url: tells where clients reach this server, without a slash at the end. Asked on
            every reading, because it is known only once the server listens.
    """

    def __init__(self, catalogue: Catalogue, server_url: Callable[[], str]) -> None:
        self._products = catalogue.products
        self._server_url = server_url
        self._entries = [_entry(product) for product in self._products]
        self._positions = {entry.code: place for place, entry in enumerate(self._entries)}
        self._countries = sorted({c for entry in self._entries for c in entry.countries})
        self._categories = _in_order({c for entry in self._entries for c in entry.categories})
        self._rendered: tuple[str, list[bytes]] | None = None

    def page(self, query: Query, default_limit: int = DEFAULT_PRODUCT_LIMIT) -> bytes:
        """A page of products, by code.

        Args:
            query: for each parameter of the query string its values. ``is_orderable``,
                ``countries_redeemable_in``, ``categories`` and ``code`` filter, ``limit``,
                ``after`` and ``before`` page; others are ignored.
            default_limit: the limit where none is given.

        Raises:
            ApiError: ``bad_request`` or ``pagination_error`` that names the parameter.
        """
        chosen = self._filter(query)
        wanted = page_request(query, default_limit)
        places = self._places(chosen, wanted)
        documents = self._documents()
        ends = (self._entries[places[0]].code, self._entries[places[-1]].code) if places else None
        return envelope("catalog", [documents[place] for place in places], ends, wanted.limit)

    def product(self, code: str, query: Query) -> bytes:
        """One product.

        Args:
            code: its code.
            query: for each parameter of the query string its values. ``content`` is the form of
                the texts in ``content_resources``: ``url`` (default), ``md`` or ``html``.

        Raises:
            ApiError: ``not_found`` for an unknown code, ``bad_request`` for an unknown form.
        """
        form = once(query, "content", "bad_request")
        if form not in _FORMS:
            reason = f"must be url, md or html, not {quoted(form)}"
            raise bad_parameter("bad_request", "content", reason, "product-content")
        place = self._positions.get(code)
        if place is None:
            reason = f"There is no product {quoted(code)}."
            raise ApiError("not_found", reason, rule="not-found")
        text_form = _FORMS[form]
        return self._documents()[place] if text_form is None else self._with_texts(place, text_form)

    def document(self, code: str) -> Mapping[str, Any]:
        """One product as the catalogue has it.

        Raises:
            KeyError: if there is none with this code.
        """
        return self._products[self._positions[code]]

    def countries(self) -> bytes:
        """Every country in which a product can be redeemed, sorted."""
        return orjson.dumps({"countries": self._countries})

    def categories(self) -> bytes:
        """The provider's categories, then others that the catalogue has."""
        return orjson.dumps({"categories": [{"code": code} for code in self._categories]})

    def file(self, code: str, name: str) -> content.File:
        """What is behind the path ``/content/<code>/<name>``.

        Raises:
            ApiError: ``not_found`` for what no product refers to.
        """
        place = self._positions.get(code)
        found = None if place is None else content.file(self._products[place], name)
        if found is None:
            reason = f"There is no file {quoted(name)} of {quoted(code)}."
            raise ApiError("not_found", reason, rule="not-found")
        return found

    def _with_texts(self, place: int, form: content.TextForm) -> bytes:
        product = content.with_urls(self._products[place], self._server_url())
        texts = content.resources(self._products[place], form)
        if texts is None:
            return _dumped(product)
        own = {**content.details(product), "content_resources": texts}
        return _dumped({**product, product["payout_type"]: own})

    def _documents(self) -> list[bytes]:
        url = self._server_url()
        if self._rendered is None or self._rendered[0] != url:
            documents = [_dumped(content.with_urls(product, url)) for product in self._products]
            self._rendered = url, documents
        return self._rendered[1]

    def _places(self, chosen: _Filter, wanted: PageRequest) -> list[int]:
        """Where the products of a page stand in the catalogue, ascending."""
        if wanted.before is not None:
            backwards = range(self._position("before", wanted.before) - 1, -1, -1)
            return self._first(chosen, backwards, wanted.limit)[::-1]
        start = 0 if wanted.after is None else self._position("after", wanted.after) + 1
        return self._first(chosen, range(start, len(self._entries)), wanted.limit)

    def _first(self, chosen: _Filter, places: Iterable[int], limit: int) -> list[int]:
        return list(islice((place for place in places if chosen(self._entries[place])), limit))

    def _position(self, name: str, cursor: str) -> int:
        place = self._positions.get(cursor)
        if place is None:
            raise bad_cursor(name, cursor)
        return place

    def _filter(self, query: Query) -> _Filter:
        countries = query.get("countries_redeemable_in", ())
        for country in countries:
            if not _COUNTRY.fullmatch(country) and country not in self._countries:
                reason = f"must be a country code of two capital letters, not {quoted(country)}"
                raise bad_parameter("bad_request", "countries_redeemable_in", reason, _VALUES)
        categories = query.get("categories", ())
        for category in categories:
            if category not in self._categories:
                known = ", ".join(self._categories)
                reason = f"there is no category {quoted(category)}; known are {known}"
                raise bad_parameter("bad_request", "categories", reason, _VALUES)
        code = once(query, "code", "bad_request")
        if code == "":
            raise bad_parameter("bad_request", "code", "must not be empty", _VALUES)
        return _Filter(
            code,
            _boolean(query),
            frozenset(countries),
            frozenset(categories),
        )


def _entry(product: Mapping[str, Any]) -> _Entry:
    return _Entry(
        product["code"],
        product["is_orderable"],
        frozenset(product["countries_redeemable_in"]),
        frozenset(product["categories"]),
    )


def _in_order(found: Iterable[str]) -> list[str]:
    return [*CATEGORIES, *sorted(set(found) - set(CATEGORIES))]


def _boolean(query: Query) -> bool:
    text = once(query, "is_orderable", "bad_request")
    if text is None:
        return False
    value = _BOOLEANS.get(text.lower())
    if value is None:
        reason = f"must be true or false, not {quoted(text)}"
        raise bad_parameter("bad_request", "is_orderable", reason, _VALUES)
    return value


def _dumped(product: Mapping[str, Any]) -> bytes:
    return exact_json(product)


def exact_json(document: Any) -> bytes:
    """A document as JSON, with numbers as they stood in the catalogue file."""
    return orjson.dumps(document, default=_exact)


def _exact(value: object) -> orjson.Fragment:
    """A number with a fraction, as it stood in the catalogue file."""
    if not isinstance(value, Decimal):
        raise TypeError  # orjson turns it into its own message
    return orjson.Fragment(str(value).encode())
