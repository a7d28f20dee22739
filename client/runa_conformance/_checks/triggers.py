"""Errors on demand."""

from runa_conformance._bodies import link, nothing, order
from runa_conformance._expect import at, entries, equal, refused
from runa_conformance._registry import Group
from runa_conformance._service import Service, new_key
from runa_schemas import ERRORS

GROUP = Group("triggers")


@GROUP.check("trigger-documented", profile="playground")
def the_documented_errors_can_be_asked_for(service: Service) -> None:
    """X-Trigger-Error answers with insufficient_funds or internal_server_error."""
    for error_type in ("insufficient_funds", "internal_server_error"):
        answer = service.order(nothing(), headers={"X-Trigger-Error": error_type})
        refused(answer, error_type)


@GROUP.check("trigger-all", profile="playground")
def every_known_error_can_be_asked_for(service: Service) -> None:
    """X-Trigger-Error answers with any error that is documented, deprecated ones too."""
    documented = sorted(error.type for error in ERRORS.values() if error.source != "inferred")
    for error_type in documented:
        answer = service.order(nothing(), headers={"X-Trigger-Error": error_type})
        refused(answer, error_type)


@GROUP.check("trigger-unknown", profile="playground")
def an_unknown_error_cannot_be_asked_for(service: Service) -> None:
    """An unknown X-Trigger-Error is 400 bad_request, and is not stored."""
    key = new_key()
    asked = service.order(nothing(), key=key, headers={"X-Trigger-Error": "no_such_error"})
    refused(asked, "bad_request")
    refused(service.order(nothing(items=[]), key=key), "validation_error")


@GROUP.check("trigger-failed", orders=True, profile="playground")
def an_order_can_be_made_to_fail(service: Service) -> None:
    """With order_failed an order is accepted and ends FAILED, in full, its payouts CANCELLED."""
    card = service.catalogue.card
    document = service.finished(
        order(card.currency, link(card.code), link(card.code)),
        headers={"X-Trigger-Error": "order_failed"},
    )
    equal(at(document, "status"), "FAILED", "status")
    statuses = [at(entry, "payout", "status") for entry in entries(document, "items")]
    equal(statuses, ["CANCELLED", "CANCELLED"], "payouts")


@GROUP.check("trigger-failed", orders=True, profile="playground")
def a_sync_order_does_not_end_failed(service: Service) -> None:
    """With order_failed a sync order is 500 internal_server_error, also if it is sent again."""
    key, card = new_key(), service.catalogue.card
    body = order(card.currency, link(card.code))
    headers = {"X-Execution-Mode": "sync", "X-Trigger-Error": "order_failed"}
    for _ in range(2):
        refused(service.order(body, key=key, headers=headers), "internal_server_error")


@GROUP.check("error-help", profile="playground")
def some_errors_have_no_help(service: Service) -> None:
    """The help of four types of error is null."""
    for error_type in (
        *("validation_error", "product_validation_error"),
        *("payment_method_unavailable", "invalid_execution_mode"),
    ):
        asked = service.order(nothing(), headers={"X-Trigger-Error": error_type})
        if asked.document.get("type") == error_type:  # the provider's own knows fewer triggers
            equal(at(asked.document, "help"), None, f"help of {error_type}")
    plain = refused(service.order(nothing()), "product_validation_error")
    equal(at(plain, "help"), None, "help of product_validation_error")
