"""The error catalogue, as far as it can be met."""

from typing import Any

import pytest

from runa_mock_server import MockServer
from runa_schemas import ERRORS
from support.answers import order_ids, refusal
from support.api import Api, body, item

TRIGGERS = sorted(type_ for type_, known in ERRORS.items() if known.source != "inferred")


@pytest.mark.parametrize("type_", TRIGGERS)
def test_every_documented_error_can_be_triggered(api: Api, type_: str) -> None:
    """``X-Trigger-Error`` answers with the type and its status, and no order is made."""
    response = api.order(X_Trigger_Error=type_)
    assert refusal(response) == (ERRORS[type_].status, type_)
    assert order_ids(api) == []


def test_the_provider_s_own_triggers_have_their_statuses(api: Api) -> None:
    """The two that the provider documents, by their literal status."""
    assert refusal(api.order(X_Trigger_Error="insufficient_funds")) == (400, "insufficient_funds")
    response = api.order(X_Trigger_Error="internal_server_error")
    assert refusal(response) == (500, "internal_server_error")


@pytest.mark.parametrize(
    "trigger", ["", "nonsense", "TIMEOUT", "method_not_allowed", "payload_too_large", "\u00e9"]
)
def test_an_unknown_trigger_is_refused_with_the_known_ones(api: Api, trigger: str) -> None:
    """400 ``bad_request`` whose message lists each value that works."""
    response = api.call(
        "POST",
        "/v2/order",
        headers={"X-Idempotency-Key": "k", "X-Trigger-Error": trigger.encode()},
        json=body(),
    )
    assert refusal(response) == (400, "bad_request")
    known = {*TRIGGERS, "order_failed"}
    assert {type_ for type_ in known if type_ in response.json()["message"]} == known


WITHOUT_HELP = {
    *("validation_error", "product_validation_error"),
    *("payment_method_unavailable", "invalid_execution_mode"),
}
"""The error types whose ``help`` the provider shows as null."""


def test_every_error_explains_itself(api: Api) -> None:
    """The message is a sentence; help is a sentence or null."""
    for type_ in TRIGGERS:
        document = api.order(X_Trigger_Error=type_).json()
        assert len(document["message"]) > 10
        if type_ in WITHOUT_HELP:
            assert document["help"] is None
        else:
            assert document["help"] is None or len(document["help"]) >= 10


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"payment_method": None}, [("model_type", "payment_method")]),
        (
            {"payment_method": {"type": "ACCOUNT_BALANCE", "currency": "EURO"}},
            [("enum", "payment_method.currency")],
        ),
        (
            {"payment_method": {}},
            [("missing", "payment_method.type"), ("missing", "payment_method.currency")],
        ),
        ({"items": []}, [("too_short", "items")]),
        ({"items": [item()] * 201}, [("too_long", "items")]),
        ({"items": {}}, [("list_type", "items")]),
        ({"items": [item(), item(face_value="10")]}, [("float_type", "items.1.face_value")]),
        ({"items": [item(face_value=True)]}, [("float_type", "items.0.face_value")]),
        ({"items": [item(face_value=0.009)]}, [("greater_than_equal", "items.0.face_value")]),
        (
            {"items": [item(products={"type": "ALL"})]},
            [("union_tag_invalid", "items.0.products")],
        ),
        ({"description": 5}, [("string_type", "description")]),
        ({"description": "x" * 129}, [("string_too_long", "description")]),
        ({"metadata": {"a": 1}}, [("string_type", "metadata.a")]),
        ({"metadata": {"a": "x" * 201}}, [("string_too_long", "metadata.a")]),
        ({"metadata": {str(n): "" for n in range(21)}}, [("too_long", "metadata")]),
    ],
)
def test_a_wrong_field_is_named(
    api: Api, changes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """422 in pydantic 2's words, each location led by ``body``, indexes included."""
    response = api.order(body(**changes))
    assert refusal(response) == (422, "validation_error")
    details = [(d["type"], ".".join(d["location"])) for d in response.json()["details"]]
    assert details == [(kind, f"body.{location}") for kind, location in expected]
    assert order_ids(api) == []


def test_all_wrong_fields_are_named_at_once(api: Api) -> None:
    """One answer tells of every wrong field."""
    response = api.order({"items": [{}], "description": 1})
    locations = {".".join(detail["location"]) for detail in response.json()["details"]}
    assert locations == {
        "body.payment_method",
        "body.description",
        "body.items.0.face_value",
        "body.items.0.distribution_method",
        "body.items.0.products",
    }


@pytest.mark.parametrize("null", ["description", "metadata"])
def test_null_is_as_good_as_absent(api: Api, null: str) -> None:
    """An optional field may be null."""
    assert api.order(body(**{null: None})).status_code == 202


def test_an_unknown_order_is_not_found(api: Api) -> None:
    """404, also for another account's order and for what is no id at all."""
    mine = api.order().json()["id"]
    other = {"X-Api-Key": "XX-other.secret"}
    assert refusal(api.get(f"/v2/order/{mine}", headers=other)) == (404, "not_found")
    for wrong in (mine.lower(), mine[:-1], mine + "0", "0", "%00", "%ff", "\u00e9", "a%2Fb%3F"):
        assert refusal(api.get(f"/v2/order/{wrong}")) == (404, "not_found")
    assert api.read(mine)["id"] == mine


def test_help_and_message_never_repeat_raw_input(server: MockServer) -> None:
    """What a caller sent is quoted in ASCII, so any answer is printable."""
    api = Api(server.url)
    response = api.order(
        body(items=[item(products={"type": "SINGLE", "value": "\U0001f381\x00\u202e"})])
    )
    api.close()
    assert refusal(response) == (400, "product_validation_error")
    assert response.content.isascii()
