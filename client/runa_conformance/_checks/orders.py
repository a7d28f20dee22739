"""Orders from acceptance to completion: exact bodies, ids and moments."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from runa_conformance._bodies import link, order
from runa_conformance._brief import shown
from runa_conformance._expect import (
    ACCEPTED,
    at,
    entries,
    equal,
    expect,
    keys,
    refused,
    success,
)
from runa_conformance._failures import SkippedError
from runa_conformance._messages import Key
from runa_conformance._registry import Group
from runa_conformance._service import Service
from runa_schemas.contract_data import PROCESSING_SECONDS

GROUP = Group("orders")

BASIC = (
    *("id", "status", "created_at", "completed_at", "description", "payment_method"),
    *("currency", "total_discount", "total_price"),
)
FULL = (*BASIC, "items", "transaction_detail", "metadata")
ITEM = ("id", "distribution_method", "products", "face_value", "price")
LEGACY = ("discount_multiplier", "redemption_url")
PAYOUT = ("status", "status_updated_at", "url", "expiry_date")
PROCESSING = ("id", "status", "message")

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_LENGTH = 10


def moment(document: Any, *path: str | int) -> datetime:
    """The moment at a path: UTC, with microseconds and an offset of +00:00."""
    text = at(document, *path)
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00"
    expect(isinstance(text, str) and re.fullmatch(form, text), f"{path[-1]}: {shown(text)}")
    return datetime.fromisoformat(text)


def _made_at(ulid: str) -> datetime:
    """The moment in an id."""
    milliseconds = 0
    for digit in ulid[2 : 2 + _TIME_LENGTH]:
        milliseconds = milliseconds * len(_CROCKFORD) + _CROCKFORD.index(digit)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


@GROUP.check("order-accepted", orders=True)
def an_async_order_is_accepted(service: Service) -> None:
    """An asynchronous order is 202 with exactly its id and the status PROCESSING."""
    document = success(service.story.accepted, ACCEPTED)
    keys(document, ["id", "status"], "an accepted order")
    equal(document["status"], "PROCESSING", "status")


@GROUP.check("execution-mode", orders=True)
def async_is_the_default(service: Service) -> None:
    """X-Execution-Mode: async and no such header are the same."""
    card = service.catalogue.card
    service.place(order(card.currency, link(card.code)), headers={"X-Execution-Mode": "async"})


@GROUP.check("order-processing", orders=True)
def a_processing_order_shows_three_keys(service: Service) -> None:
    """While it is processed an order is its id, PROCESSING and a message, alone and in the list."""
    story = service.story
    looked_at, listed = success(story.looked_at), success(story.listed)
    if at(looked_at, "status") != "PROCESSING":
        raise SkippedError("the order had ended before it could be looked at")
    for document in (looked_at, at(listed, "items", 0)):
        keys(document, PROCESSING, "an order that is processed")
        equal(document["id"], success(story.accepted, ACCEPTED)["id"], "id")
        equal(document["status"], "PROCESSING", "status")


@GROUP.check("order-completes", orders=True)
def an_order_completes(service: Service) -> None:
    """A moment later the order is COMPLETED, in full, with its keys in their order."""
    document = service.story.order
    keys(document, FULL, "an order")
    equal(document["status"], "COMPLETED", "status")
    equal(document["id"], success(service.story.accepted, ACCEPTED)["id"], "id")
    again = service.read(document["id"])
    expect(again.body == service.story.ended.body, f"{again}, with another body than before")


@GROUP.check("processing-second", orders=True, moves_clock=True)
def an_order_ends_after_a_second(service: Service) -> None:
    """An async order has ended a second after it was accepted; completed_at says so."""
    card = service.catalogue.card
    order_id = service.place(order(card.currency, link(card.code)))
    service.move_clock(PROCESSING_SECONDS)
    document = success(service.read(order_id))
    equal(at(document, "status"), "COMPLETED", "status a second after the order")
    took = moment(document, "completed_at") - moment(document, "created_at")
    equal(took, timedelta(seconds=PROCESSING_SECONDS), "completed_at - created_at")


@GROUP.check("item-keys", orders=True)
def items_have_their_keys_in_order(service: Service) -> None:
    """An item has its keys in their order, with the two older ones or without both."""
    for entry in entries(service.story.order, "items"):
        legacy = [key for key in entry if key in LEGACY]
        keys(entry, [*ITEM, *(LEGACY if legacy else ()), "payout", "currency"], "an item")
        keys(entry["payout"], PAYOUT, "a payout")
        equal(entry.get("redemption_url", entry["payout"]["url"]), entry["payout"]["url"], "url")


@GROUP.check("order-ids", orders=True)
def ids_are_ulids_of_the_moment(service: Service) -> None:
    """Ids are O- and E- with a ULID whose time is that of created_at, in growing order."""
    document = service.story.order
    ids = [at(entry, "id") for entry in entries(document, "items")]
    for found, letter in ((at(document, "id"), "O"), *((found, "E") for found in ids)):
        form = rf"{letter}-[0-7][0-9A-HJKMNP-TV-Z]{{25}}"
        expect(isinstance(found, str) and re.fullmatch(form, found), f"id: {shown(found)}")
        apart = abs(_made_at(found) - moment(document, "created_at"))
        expect(apart < timedelta(seconds=1), f"id {found}: its time is {apart} from created_at")
    expect(all(a < b for a, b in pairwise(ids)), f"item ids do not grow: {ids}")


@GROUP.check("order-ids", orders=True)
def ids_grow(service: Service) -> None:
    """A later order has a greater id."""
    card = service.catalogue.card
    made = [service.place(order(card.currency, link(card.code))) for _ in range(3)]
    expect(all(a < b for a, b in pairwise(made)), f"order ids do not grow: {made}")


@GROUP.check("order-moments", orders=True)
def moments_are_in_order(service: Service) -> None:
    """An order is completed after it was created, and its payouts date from then."""
    document = service.story.order
    completed = moment(document, "completed_at")
    expect(moment(document, "created_at") <= completed, "completed_at is before created_at")
    for index, _ in enumerate(entries(document, "items")):
        updated = moment(document, "items", index, "payout", "status_updated_at")
        equal(updated, completed, "status_updated_at")


@GROUP.check("payout-active", orders=True)
def every_item_has_a_link_of_its_own(service: Service) -> None:
    """Each item has one payout, ACTIVE, with a URL that no other has."""
    payouts = [at(entry, "payout") for entry in entries(service.story.order, "items")]
    equal([at(payout, "status") for payout in payouts], ["ACTIVE"] * len(payouts), "status")
    expect(len({at(payout, "url") for payout in payouts}) == len(payouts), "links are shared")


@GROUP.check("sync-order", orders=True)
def a_sync_order_is_answered_in_full(service: Service) -> None:
    """A synchronous order is 200 with the completed order, as reading it shows it."""
    answer = service.sync_order
    document = success(answer)
    keys(document, FULL, "a synchronous order")
    equal(document["status"], "COMPLETED", "status")
    equal(success(service.read(document["id"])), document, "the order when it is read")


@GROUP.check("sync-completed", orders=True)
def a_sync_order_completes_a_second_later(service: Service) -> None:
    """The completed_at of a synchronous order is its created_at and one second."""
    document = success(service.sync_order)
    took = moment(document, "completed_at") - moment(document, "created_at")
    equal(took, timedelta(seconds=PROCESSING_SECONDS), "completed_at - created_at")


@GROUP.check("not-found", orders=True)
def an_id_counts_to_the_letter(service: Service) -> None:
    """An id in lower case, cut or longer is no order's."""
    order_id = str(at(service.story.order, "id"))
    for other in (order_id.lower(), order_id[:-1], f"{order_id}0"):
        refused(service.get(f"/order/{other}"), "not_found")


@GROUP.check("order-read", orders=True, other_account=True)
def orders_belong_to_their_account(service: Service) -> None:
    """Another account's order is 404 not_found, and is not in the list."""
    order_id = at(service.story.order, "id")
    refused(service.get(f"/order/{order_id}", key=Key.OTHER), "not_found")
    listed = success(service.get("/order", key=Key.OTHER))
    expect(
        order_id not in [at(entry, "id") for entry in entries(listed, "items")],
        f"the list of another account has {order_id}",
    )
    refused(service.get(f"/order?after={order_id}", key=Key.OTHER), "pagination_error")
