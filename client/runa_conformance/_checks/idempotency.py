"""One key, one answer."""

import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import pairwise
from typing import Any

from runa_conformance._bodies import NO_PRODUCT, Document, edit, link, nothing, order, to_bytes
from runa_conformance._expect import (
    ACCEPTED,
    at,
    entries,
    equal,
    expect,
    refused,
    success,
)
from runa_conformance._messages import Answer
from runa_conformance._registry import Group
from runa_conformance._service import Headers, Service, new_key
from runa_schemas.contract_data import API_VERSION, RETIRED_API_VERSIONS

GROUP = Group("idempotency")

SYNC = {"X-Execution-Mode": "sync"}
AT_ONCE = 4
HOUR = 3600.0
KEY_LIFETIME = 30 * 24 * HOUR


def _replays(
    service: Service, body: object, *, headers: Headers | None = None, times: int = 2
) -> Answer:
    """The answer to a body under a fresh key, which is the answer whenever it is asked again."""
    key = new_key()
    first = service.order(body, key=key, headers=headers)
    for _ in range(times):
        same(service.order(body, key=key, headers=headers), first)
    return first


def same(again: Answer, first: Answer) -> None:
    """An answer is the first one, byte for byte."""
    equal(again.status, first.status, f"{again.request} with a key that was used, status")
    expect(again.body == first.body, f"{again}, with another body than the first time")
    equal(again.media_type, first.media_type, f"{again}, content type")


def _newest(service: Service, count: int) -> list[str]:
    """The ids of the newest orders."""
    page = success(service.query("/order", limit=count))
    return [str(at(entry, "id")) for entry in entries(page, "items")]


@GROUP.check("idem-replay")
def refusals_are_repeated(service: Service) -> None:
    """What was refused is refused again, byte for byte: no JSON, a wrong field, a broken rule."""
    for body, error_type in (
        (b"{", "bad_request"),
        (b"[]", "bad_request"),
        (nothing(items=[]), "validation_error"),
        (nothing(), "product_validation_error"),
    ):
        refused(_replays(service, body), error_type)


@GROUP.check("idem-conflict")
def another_body_is_a_conflict(service: Service) -> None:
    """A key with another body is 400 idempotency_validation_error; the first answer stays."""
    key = new_key()
    first = service.order(nothing(), key=key)
    others: tuple[object, ...] = (
        nothing(description="other"),
        nothing(description=None),
        nothing(unknown=1),
        edit(nothing(), "items.0.face_value", 11),
        edit(nothing(), "items.0.face_value", "10"),
        nothing(items=[link(NO_PRODUCT)] * 2),
        {},
        [],
        b"{",
    )
    for other in others:
        refused(service.order(other, key=key), "idempotency_validation_error")
        same(service.order(nothing(), key=key), first)


@GROUP.check("idem-equality")
def the_spelling_of_a_body_does_not_count(service: Service) -> None:
    """White space, key order, escapes and the form of a number make no other body."""
    key = new_key()
    first = service.order(nothing(), key=key)
    document = json.loads(to_bytes(nothing()))
    plain = json.dumps(document)
    for spelling in (
        json.dumps(document, indent=3),
        json.dumps(_reversed(document)),
        f"\r\n\t {plain} \n",
        plain.replace("items", "\\u0069tems"),
        plain.replace(": 10,", ": 10.0,"),
        plain.replace(": 10,", ": 1e1,"),
    ):
        same(service.order(spelling.encode(), key=key), first)


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return [_reversed(inner) for inner in value] if isinstance(value, list) else value


@GROUP.check("idem-equality")
def values_that_differ_make_another_body(service: Service) -> None:
    """Here true is not 1, a list has an order, numbers compare exactly, text by its characters."""
    for one, other in (
        (1, True),
        (0, None),
        (1, "1"),
        ([1, 2], [2, 1]),
        (Decimal("0.1"), Decimal("0.10000000000000001")),
        (2**53, 2**53 + 1),
        ("\u00e9", "e\u0301"),
        ("a", "A"),
    ):
        key = new_key()
        first = service.order(nothing(unknown=one), key=key)
        refused(first, "product_validation_error")
        answer = service.order(nothing(unknown=other), key=key)
        refused(answer, "idempotency_validation_error")
        same(service.order(nothing(unknown=one), key=key), first)


@GROUP.check("idem-equality")
def a_body_that_is_no_json_compares_by_bytes(service: Service) -> None:
    """White space counts in what is no JSON."""
    key = new_key()
    first = service.order(b"{ ", key=key)
    for other in (b"{", b"{  ", to_bytes(nothing())):
        refused(service.order(other, key=key), "idempotency_validation_error")
    same(service.order(b"{ ", key=key), first)


@GROUP.check("idem-fresh")
def every_character_of_a_key_counts(service: Service) -> None:
    """Keys that differ in case, or in length after many characters, are different."""
    key = f"{new_key()}-a{'k' * 300}"
    refused(service.order(nothing(), key=key), "product_validation_error")
    others = (key.upper(), f"{key}l", f"{key[:64]}", f"{key[:128]}", f"{key[:255]}")
    for number, other in enumerate(others):
        answer = service.order(nothing(description=f"{number}"), key=other)
        refused(answer, "product_validation_error")


@GROUP.check("idem-expiry", moves_clock=True)
def a_key_is_free_after_thirty_days(service: Service) -> None:
    """An hour before 30 days have passed a key is in force; an hour later it is free."""
    key = new_key()
    first = service.order(nothing(), key=key)
    service.move_clock(KEY_LIFETIME - HOUR)
    same(service.order(nothing(), key=key), first)
    conflict = service.order(nothing(description="other"), key=key)
    refused(conflict, "idempotency_validation_error")
    service.move_clock(2 * HOUR)
    answer = service.order(nothing(description="other"), key=key)
    refused(answer, "product_validation_error")


@GROUP.check("idem-expiry", orders=True, moves_clock=True)
def a_free_key_orders_again(service: Service) -> None:
    """31 days after the first request the same key and body make a new order."""
    key = new_key()
    first = service.place(_one(service), key=key)
    service.move_clock(KEY_LIFETIME + 24 * HOUR)
    expect(service.place(_one(service), key=key) != first, "the key still has its first order")


@GROUP.check("idem-headers")
def headers_do_not_count(service: Service) -> None:
    """The same key and body with other headers is the same request."""
    key = new_key()
    first = service.order(nothing(), key=key)
    for headers in (SYNC, {"X-Api-Version": API_VERSION}, {"X-Trigger-Error": "timeout"}):
        same(service.order(nothing(), key=key, headers=headers), first)


@GROUP.check("idem-not-stored")
def errors_in_headers_are_not_stored(service: Service) -> None:
    """A wrong mode or version leaves the key unused, for any body."""
    for headers, error_type in (
        ({"X-Execution-Mode": "batch"}, "invalid_execution_mode"),
        ({"X-Api-Version": RETIRED_API_VERSIONS[-1]}, "version_removed"),
        ({"X-Api-Version": "latest"}, "invalid_version"),
    ):
        key = new_key()
        refused(service.order(nothing(), key=key, headers=headers), error_type)
        corrected = service.order(nothing(items=[]), key=key)
        refused(corrected, "validation_error")


@GROUP.check("idem-not-stored")
def strangers_do_not_use_up_keys(service: Service) -> None:
    """A request that was 401 leaves the key unused."""
    key = new_key()
    refused(
        service.call("POST", "/order", body=b"{}", headers={"X-Idempotency-Key": key}, key=None),
        "unauthorized",
    )
    refused(service.order(nothing(), key=key), "product_validation_error")


def _one(service: Service) -> Document:
    card = service.catalogue.card
    return order(card.currency, link(card.code))


@GROUP.check("idem-replay", orders=True)
def an_accepted_order_is_repeated(service: Service) -> None:
    """The 202 comes again, byte for byte, also after the order has ended."""
    key = new_key()
    first = service.order(_one(service), key=key)
    order_id = at(success(first, ACCEPTED), "id")
    same(service.order(_one(service), key=key), first)
    service.ended(order_id)
    same(service.order(_one(service), key=key), first)


@GROUP.check("idem-once", orders=True)
def a_replay_makes_no_second_order(service: Service) -> None:
    """After a replay and a conflict the newest order is still the first one."""
    before = service.place(_one(service))
    key = new_key()
    order_id = service.place(_one(service), key=key)
    service.order(_one(service), key=key)
    service.order(_one(service), key=key, headers=SYNC)
    refused(service.order(nothing(), key=key), "idempotency_validation_error")
    equal(_newest(service, 2), [order_id, before], "the newest orders")


@GROUP.check("idem-once", orders=True)
def a_refused_order_makes_none(service: Service) -> None:
    """What was refused is not in the list."""
    newest = service.place(_one(service))
    card = service.catalogue.card
    refused(
        service.order(order(card.currency, link(card.code), link(NO_PRODUCT))),
        "product_validation_error",
    )
    equal(_newest(service, 1), [newest], "the newest order")


@GROUP.check("idem-replay", orders=True)
def a_sync_order_is_repeated(service: Service) -> None:
    """The whole order comes again, byte for byte."""
    success(_replays(service, _one(service), headers=SYNC))


@GROUP.check("idem-fresh", orders=True)
def a_fresh_key_makes_a_new_order(service: Service) -> None:
    """The same body under another key is another order."""
    made = [service.place(_one(service)) for _ in range(2)]
    expect(all(a != b for a, b in pairwise(made)), "two keys made one order")


@GROUP.check("idem-concurrent", orders=True)
def requests_at_once_make_one_order(service: Service) -> None:
    """Of several requests at once with one key each is the order or is told to wait."""
    key, body = new_key(), to_bytes(_one(service))
    apart = [Service(service.session.apart(), service.profile) for _ in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda one: one.order(body, key=key), apart))
    for one in apart:
        one.session.close()
    settled = service.order(body, key=key)
    order_id = at(success(settled, ACCEPTED), "id")
    for answer in answers:
        if answer.status == ACCEPTED:
            equal(at(answer.document, "id"), order_id, f"{answer}, id")
        else:
            refused(answer, "idempotency_in_progress")
    equal(_newest(service, 1), [order_id], "the newest order")


@GROUP.check("idem-trigger", orders=True, profile="playground")
def triggered_errors_are_stored(service: Service) -> None:
    """An error that was asked for is the answer to its key, and makes no order."""
    newest = service.place(_one(service))
    error_type = "insufficient_funds"
    key, headers = new_key(), {"X-Trigger-Error": error_type}
    first = service.order(_one(service), key=key, headers=headers)
    refused(first, error_type)
    same(service.order(_one(service), key=key, headers=headers), first)
    same(service.order(_one(service), key=key), first)
    equal(_newest(service, 1), [newest], "the newest order")


@GROUP.check("idem-5xx", orders=True, profile="playground")
def a_server_error_is_repeated_or_can_be_retried(service: Service) -> int:
    """After a 500 the same key is answered with it again, or the retry succeeds."""
    key, error_type = new_key(), "internal_server_error"
    first = service.order(_one(service), key=key, headers={"X-Trigger-Error": error_type})
    refused(first, error_type)
    again = service.order(_one(service), key=key)
    if again.status == ACCEPTED:
        return 1
    same(again, first)
    return 0
