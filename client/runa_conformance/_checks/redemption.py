"""What is behind a payout link."""

import re
from typing import Any
from urllib.parse import urlsplit

from runa_client import FaceValue, item, multiple
from runa_conformance._bodies import link, order
from runa_conformance._brief import shown
from runa_conformance._expect import at, equal, expect, success
from runa_conformance._failures import SkippedError
from runa_conformance._messages import Answer
from runa_conformance._registry import Group
from runa_conformance._service import Service

GROUP = Group("redemption")

E_CODE = (
    *("type", "status", "amount", "code", "pin", "barcode_format", "barcode_string"),
    *("expiry_date", "url", "error_code", "error_string"),
)
NO_TOKEN = "00000000-0000-4000-8000-000000000000"  # noqa: S105 - of no payout
NOT_ENABLED = "RE013"
SHORT_ID = re.compile(r"O-[0-9A-Z]{8}")

# Product, currency, face value; then whether there is a PIN, and the barcode format.
TABLE: tuple[tuple[str, str, FaceValue, bool, str | None], ...] = (
    ("BAW-GB", "GBP", 5, False, None),
    ("FIVEG-US", "USD", 5, True, None),
    ("CDISC-FR", "EUR", 20, False, "code-128"),
    ("AUCHAN-FR", "EUR", 10, True, "code-128"),
    ("ABO-GB", "GBP", 5, True, "QR"),
)


def _url(document: Any, index: int = 0) -> str:
    url = str(at(document, "items", index, "payout", "url"))
    expect(urlsplit(url).scheme in {"http", "https"}, "the payout link is no URL")
    return url


def _redeem(service: Service, url: str) -> Answer:
    """What the redemption API says: always 200."""
    answer = service.open_link(url, "?format=json")
    document = success(answer)
    if at(document, "status") == "ERROR" and at(document, "error_code") == NOT_ENABLED:
        raise SkippedError("the redemption API is not enabled for this account")
    return answer


def _status_of(service: Service, order_id: str) -> Any:
    return at(success(service.read(order_id)), "items", 0, "payout", "status")


def _e_code(service: Service, url: str) -> Any:
    answer = _redeem(service, url)
    equal(at(answer.document, "status"), "SUCCESS", f"{answer}, status")
    return at(answer.document, "e_code")


def _ordered(service: Service, code: str, value: FaceValue) -> Any:
    product = service.catalogue.get(code)
    return service.finished(order(str(product.currency), link(code, value)))


@GROUP.check("payout-page", orders=True)
def a_link_opens_as_a_page(service: Service) -> None:
    """In a browser a payout link is an HTML page."""
    answer = service.open_link(_url(service.story.order))
    equal((answer.status, answer.media_type), (200, "text/html"), f"{answer}")


@GROUP.check("redemption-api", orders=True)
def a_link_is_redeemed_once(service: Service) -> None:
    """The redemption API gives a code of the item's value, and the same one ever after."""
    card = service.catalogue.card
    document = service.finished(order(card.currency, link(card.code)))
    first = _redeem(service, _url(document))
    answer = first.document
    keys = ("status", "order_id", "error_code", "error_string", "error_details", "e_code")
    equal(list(answer), list(keys), f"{first}, keys")
    equal(answer["status"], "SUCCESS", f"{first}, status")
    order_id = str(answer["order_id"])
    expect(SHORT_ID.fullmatch(order_id), f"order_id: {shown(order_id)}, expected a short id")
    equal(list(answer["e_code"]), list(E_CODE), "the keys of e_code")
    equal(at(answer, "e_code", "amount"), "10.00", "amount")
    again = _redeem(service, _url(document))
    expect(again.document == answer, f"{again}, with another code than the first time")


@GROUP.check("redemption-order-id", orders=True)
def an_order_has_one_short_id(service: Service) -> None:
    """The redemption API knows an order by one short id, which is not the API's."""
    card = service.catalogue.card
    document = service.finished(order(card.currency, link(card.code), link(card.code)))
    answers = [_redeem(service, _url(document, index)).document for index in (0, 1)]
    first, second = (str(at(answer, "order_id")) for answer in answers)
    equal(first, second, "the order_id of the second item")
    expect(first != document["id"], "order_id is the id of GET /order/{id}")


@GROUP.check("redemption-headers", orders=True)
def a_redemption_is_not_cached(service: Service) -> None:
    """The redemption API sends Cache-Control: no-store and Access-Control-Allow-Origin: *."""
    answer = service.open_link(_url(service.story.order), "?format=json")
    for name, value in (("cache-control", "no-store"), ("access-control-allow-origin", "*")):
        equal(answer.headers.get(name), value, name)


@GROUP.check("payout-claimed", orders=True)
def redeeming_claims_the_payout(service: Service) -> None:
    """A redeemed payout is CLAIMED, at that moment; nothing else in the order changes."""
    card = service.catalogue.card
    before = service.finished(order(card.currency, link(card.code), link(card.code)))
    _e_code(service, _url(before))
    after = success(service.read(before["id"]))
    equal(at(after, "items", 0, "payout", "status"), "CLAIMED", "status")
    moved = at(after, "items", 0, "payout", "status_updated_at")
    expect(moved > before["completed_at"], f"status_updated_at: {moved}, as before")
    after["items"][0]["payout"] = before["items"][0]["payout"]
    equal(after, before, "the order otherwise")


@GROUP.check("redemption-errors", orders=True)
def an_unknown_link_is_an_error_in_the_body(service: Service) -> None:
    """A token that no payout has is 200 with status ERROR and RE011."""
    known = _url(service.story.order)
    _redeem(service, known)  # skips the check where the redemption API is not enabled
    unknown = known.rpartition("/")[0] + f"/{NO_TOKEN}"
    document = success(service.open_link(unknown, "?format=json"))
    equal(at(document, "status"), "ERROR", "status")
    equal(at(document, "error_code"), "RE011", "error_code")


@GROUP.check("redemption-errors", orders=True, profile="playground")
def the_link_of_a_failed_order_gives_no_code(service: Service) -> None:
    """The payouts of a FAILED order are CANCELLED: their links answer RE005 or RE012."""
    card = service.catalogue.card
    headers = {"X-Trigger-Error": "order_failed"}
    document = service.finished(order(card.currency, link(card.code)), headers=headers)
    if at(document, "status") != "FAILED":
        raise SkippedError("the server knows no X-Trigger-Error: order_failed")
    answer = _redeem(service, _url(document))
    equal(at(answer.document, "status"), "ERROR", f"{answer}, status")
    code = at(answer.document, "error_code")
    expect(code in {"RE005", "RE012"}, f"error_code: {shown(code)}, expected RE005 or RE012")
    expect(not answer.document.get("e_code"), f"{answer}, with an e_code")
    equal(_status_of(service, document["id"]), "CANCELLED", "the payout's status after that")


@GROUP.check("redemption-products", orders=True, profile="playground")
def codes_have_the_shapes_of_their_products(service: Service) -> None:
    """Each product of the provider's table has its PIN and its barcode, or none."""
    for code, currency, value, has_pin, barcode in TABLE:
        document = _ordered(service, code, value)
        equal(at(document, "currency"), currency, f"{code}, currency")
        found = _e_code(service, _url(document))
        equal(at(found, "type"), "code", f"{code}, type")
        equal(at(found, "amount"), f"{value}.00", f"{code}, amount")
        expect(at(found, "code"), f"{code}: there is no code")
        equal(at(found, "pin") is not None, has_pin, f"{code}, whether there is a pin")
        equal(at(found, "barcode_format"), barcode, f"{code}, barcode_format")
        expected = at(found, "code") if barcode else None
        equal(at(found, "barcode_string"), expected, f"{code}, barcode_string")
        expect(at(found, "url"), f"{code}: there is no url")
        pin = at(found, "pin")
        six = pin is None or re.fullmatch("[0-9]{6}", str(pin))
        expect(six, f"{code}, pin: {shown(pin)}, expected six digits")


@GROUP.check("redemption-products", orders=True, profile="playground")
def a_link_product_is_its_url(service: Service) -> None:
    """LUSH-CA is a link: code repeats url, and nothing is to be scanned or typed."""
    found = _e_code(service, _url(_ordered(service, "LUSH-CA", 10)))
    equal(at(found, "type"), "url", "type")
    expect(at(found, "url"), "there is no url")
    equal(at(found, "code"), at(found, "url"), "code")
    rest = [at(found, name) for name in ("pin", "barcode_format", "barcode_string")]
    equal(rest, [None] * len(rest), "pin and barcode")


@GROUP.check("redemption-choice", orders=True)
def a_choice_is_not_made_for_the_recipient(service: Service) -> None:
    """A link with several products answers RE012 until the recipient has chosen."""
    first, second = service.catalogue.pair
    chosen = multiple(first.code, second.code)
    document = service.finished(order(first.currency, item(10, products=chosen)))
    equal(at(_redeem(service, _url(document)).document, "error_code"), "RE012", "error_code")
    after = success(service.read(document["id"]))
    equal(at(after, "items", 0, "payout", "status"), "ACTIVE", "status")
