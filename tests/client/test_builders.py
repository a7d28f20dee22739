"""The builders of items, and the exactness of the amounts that go out."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runa_client import (
    FaceValue,
    RunaClient,
    email,
    item,
    multiple,
    payout_link,
    recipient,
    single,
    template,
)

if TYPE_CHECKING:
    from client.conftest import ScriptedServer

ACCEPTED = {"id": "O-01J6Y3JRYWCTNDRHP35302NZ30", "status": "PROCESSING"}


def test_builders_make_plain_dictionaries() -> None:
    """Each builder makes the JSON object that the service reads, without empty fields."""
    assert single("AMZ-US") == {"type": "SINGLE", "value": "AMZ-US"}
    assert single("VISASL-3M-USD", spend_rules_template_id="PSR-1") == {
        "type": "SINGLE",
        "value": "VISASL-3M-USD",
        "usage_config": {"spend_rules_template_id": "PSR-1"},
    }
    assert multiple("A", "B") == {"type": "MULTIPLE", "values": ["A", "B"]}
    assert template("PT-1") == {"type": "TEMPLATE", "template_id": "PT-1"}
    assert payout_link() == {"type": "PAYOUT_LINK"}
    assert payout_link(template_id="DT-1") == {"type": "PAYOUT_LINK", "template_id": "DT-1"}
    assert email("a@b.test", template_id="DT-1") == {
        "type": "EMAIL",
        "email_address": "a@b.test",
        "template_id": "DT-1",
    }
    assert recipient("me", email_address="a@b.test") == {
        "type": "RECIPIENT",
        "recipient_reference": "me",
        "email_address": "a@b.test",
    }
    assert item(5, products=single("A"), distribution=email("a@b.test")) == {
        "face_value": Decimal(5),
        "distribution_method": {"type": "EMAIL", "email_address": "a@b.test"},
        "products": {"type": "SINGLE", "value": "A"},
    }
    assert item(5, products=single("A"))["distribution_method"] == {"type": "PAYOUT_LINK"}


@pytest.mark.parametrize(
    ("face_value", "digits"),
    [
        (10, "10"),
        (10.1, "10.1"),
        (0.1, "0.1"),
        ("10.10", "10.10"),
        (Decimal("10.10"), "10.10"),
        (Decimal("0.1") + Decimal("0.2"), "0.3"),
        ("0.30000000000000000000000000001", "0.30000000000000000000000000001"),
        (10**30, "1" + "0" * 30),
    ],
)
def test_amounts_go_out_digit_by_digit(
    face_value: FaceValue, digits: str, client: RunaClient, server: ScriptedServer
) -> None:
    """An amount is sent as a JSON number with the digits that the caller gave."""
    server.answer(202, ACCEPTED)

    client.create_order([item(face_value, products=single("AMZ-US"))])

    assert f'"face_value":{digits},'.encode() in server.received[0].body


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amount=st.decimals(allow_nan=False, allow_infinity=False)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers()
)
def test_no_amount_loses_a_digit(
    amount: FaceValue, client: RunaClient, server: ScriptedServer
) -> None:
    """Whatever finite amount goes out, the same number arrives."""
    server.clear()
    server.answer(202, ACCEPTED)

    client.create_order([item(amount, products=single("AMZ-US"))])

    [sent] = json.loads(server.received[0].body, parse_float=Decimal)["items"]
    assert sent["face_value"] == (Decimal(repr(amount)) if isinstance(amount, float) else amount)


@pytest.mark.parametrize("face_value", [True, None, [10], b"10"])
def test_what_is_no_number_is_refused(face_value: Any) -> None:
    """A boolean or another kind of thing is no amount."""
    with pytest.raises(TypeError, match="face_value is an int, float, str or Decimal"):
        item(face_value, products=single("AMZ-US"))


@pytest.mark.parametrize(
    "face_value",
    [
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("-Infinity"),
        "NaN",
        "",
        " 1",
        "1_0",
        "\u0661",
    ],
)
def test_what_has_no_digits_is_refused(face_value: FaceValue) -> None:
    """NaN, infinity and text other than a decimal number are refused, naming the field."""
    with pytest.raises(ValueError, match="face_value is no"):
        item(face_value, products=single("AMZ-US"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(st.text(), JSON, max_size=4))
def test_a_whole_body_goes_out_as_it_is(
    body: dict[str, object], client: RunaClient, server: ScriptedServer
) -> None:
    """A dictionary in place of items is the body, right or wrong."""
    server.clear()
    server.answer(202, ACCEPTED)

    client.create_order(body)

    assert server.received[0].json == body


def _circular() -> dict[str, object]:
    body: dict[str, object] = {}
    body["again"] = body
    return body


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"face_value": float("nan")}, ValueError),
        ({"face_value": Decimal("Infinity")}, ValueError),
        (_circular(), ValueError),
        ({"items": {1}}, TypeError),
        ({1: "one"}, TypeError),
    ],
)
def test_what_has_no_json_form_is_never_sent(
    body: dict[str, object], error: type[Exception], client: RunaClient, server: ScriptedServer
) -> None:
    """A body that JSON cannot carry is refused before a request."""
    with pytest.raises(error):
        client.create_order(body)

    assert server.received == []
