"""The list of orders, page by page."""

from typing import Any

from runa_conformance._bodies import link, order
from runa_conformance._checks.catalogue import WRONG_LIMITS
from runa_conformance._checks.orders import BASIC
from runa_conformance._checks.paths import NO_ORDER
from runa_conformance._expect import at, entries, equal, keys, refused, success
from runa_conformance._messages import Answer
from runa_conformance._registry import Group
from runa_conformance._service import Service
from runa_schemas.contract_data import DEFAULT_ORDER_LIMIT, MAX_PAGE_LIMIT

GROUP = Group("lists")

ENOUGH = 5
NO_CURSORS = {"after": None, "before": None}


def _ids(answer: Answer) -> list[str]:
    return [str(at(entry, "id")) for entry in entries(success(answer), "items")]


def _cursors(answer: Answer) -> Any:
    return at(success(answer), "pagination", "cursors")


def _newest_first(service: Service) -> list[str]:
    """The newest of the orders that this run has placed, at least a few; the newest comes first."""
    card = service.catalogue.card
    while len(service.placed) < ENOUGH:
        service.place(order(card.currency, link(card.code)))
    return service.placed[-(ENOUGH + 2) :][::-1]


@GROUP.check("page-default")
def a_page_has_at_most_100_orders(service: Service) -> None:
    """A page without a limit has room for 100 orders, and says so."""
    document = success(service.get("/order"))
    keys(document, ["items", "pagination"], "a page")
    equal(at(document, "pagination", "page"), {"limit": DEFAULT_ORDER_LIMIT}, "page")


@GROUP.check("page-limit")
def a_limit_is_1_to_500(service: Service) -> None:
    """Limits of 1 and 500 are taken; 0, 501 and what is no whole number are pagination errors."""
    for limit in (1, 2, MAX_PAGE_LIMIT):
        answer = service.query("/order", limit=limit)
        equal(at(success(answer), "pagination", "page"), {"limit": limit}, f"{answer}, page")
    for wrong in WRONG_LIMITS:
        refused(service.query("/order", limit=wrong), "pagination_error")


@GROUP.check("page-cursors")
def a_cursor_is_one_that_a_page_gave(service: Service) -> None:
    """A cursor that is none, and both at once, are pagination errors."""
    for cursor in (NO_ORDER, "", "0"):
        refused(service.query("/order", after=cursor), "pagination_error")
        refused(service.query("/order", before=cursor), "pagination_error")
    refused(service.query("/order", after=NO_ORDER, before=NO_ORDER), "pagination_error")


@GROUP.check("repeated-parameter")
def a_parameter_is_given_once(service: Service) -> None:
    """A limit given twice is a pagination error, an unknown parameter nothing."""
    refused(service.query("/order", limit=[1, 1]), "pagination_error")
    answer = service.query("/order", limit=1, no_such_parameter=1)
    equal(at(success(answer), "pagination", "page"), {"limit": 1}, f"{answer}, page")


@GROUP.check("newest-first", orders=True)
def the_newest_order_comes_first(service: Service) -> None:
    """The list starts with the newest order."""
    expected = _newest_first(service)
    answer = service.query("/order", limit=len(expected))
    equal(_ids(answer), expected, f"{answer}, ids")


@GROUP.check("order-cursors", orders=True)
def pages_join_to_the_list(service: Service) -> None:
    """Walking with small pages finds each order once, from the newest on."""
    expected = _newest_first(service)
    for limit in (1, 2, 3):
        walked: list[str] = []
        after = None
        while len(walked) + limit <= len(expected):
            answer = service.query("/order", limit=limit, after=after)
            found = _ids(answer)
            equal(found, expected[len(walked) :][:limit], f"{answer}, ids")
            equal(_cursors(answer), {"after": found[-1], "before": found[0]}, f"{answer}, cursors")
            walked += found
            after = found[-1]


@GROUP.check("order-cursors", orders=True)
def before_pages_backwards(service: Service) -> None:
    """The page before an order has the next newer ones, the newest first."""
    expected = _newest_first(service)
    answer = service.query("/order", limit=2, before=expected[4])
    equal(_ids(answer), expected[2:4], f"{answer}, ids")
    equal(_cursors(answer), {"after": expected[3], "before": expected[2]}, f"{answer}, cursors")
    answer = service.query("/order", before=expected[2])
    equal(_ids(answer), expected[:2], f"{answer}, ids")


@GROUP.check("empty-page", orders=True)
def an_empty_page_is_the_end(service: Service) -> None:
    """Where there is nothing more the page is empty and both cursors are null."""
    answer = service.query("/order", limit=3, before=_newest_first(service)[0])
    equal(_ids(answer), [], f"{answer}, ids")
    equal(_cursors(answer), NO_CURSORS, f"{answer}, cursors")


@GROUP.check("page-cursors", orders=True)
def both_cursors_are_refused(service: Service) -> None:
    """Good cursors too are pagination errors together."""
    newest, *_, oldest = _newest_first(service)
    refused(service.query("/order", after=newest, before=oldest), "pagination_error")


@GROUP.check("basic-form", orders=True)
def an_entry_is_the_basic_form_of_its_order(service: Service) -> None:
    """An ended order is listed with the nine keys that its full form begins with."""
    document = service.story.order
    newer = service.placed[service.placed.index(document["id"]) + 1 :]
    answer = service.query("/order", limit=min(MAX_PAGE_LIMIT, len(newer) + 1))
    entry = next((e for e in entries(success(answer), "items") if e["id"] == document["id"]), None)
    keys(entry, BASIC, "an entry of the list")
    equal(entry, {key: document[key] for key in BASIC}, "an entry of the list")
