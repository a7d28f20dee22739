"""The business rules of an order."""

from typing import Any

import pytest

from runa_mock_server import MockServer
from support.answers import order_ids, refusal
from support.api import Api, body, item

USD = "PT-01HQ12PV4B8XMBRTK281JM54KK"
GBP = "PT-01HPPT8ME05693EG77RCGKMX7N"
REFUSED = (400, "product_validation_error")
# Characters that a ULID can have, enough for more templates than an order may use.
DIGITS = "0123456789ABCDEFGHJK"


def _single(code: str, value: float = 10, **changes: Any) -> dict[str, Any]:
    return item(face_value=value, products={"type": "SINGLE", "value": code}, **changes)


def _multiple(*codes: str, value: float = 10) -> dict[str, Any]:
    return item(face_value=value, products={"type": "MULTIPLE", "values": list(codes)})


def _template(template_id: str, value: float = 10) -> dict[str, Any]:
    return item(face_value=value, products={"type": "TEMPLATE", "template_id": template_id})


def _order(*items: dict[str, Any], currency: str = "USD") -> dict[str, Any]:
    payment = {"type": "ACCOUNT_BALANCE", "currency": currency}
    return body(payment_method=payment, items=list(items))


def _link(template_id: str) -> dict[str, Any]:
    return {"type": "PAYOUT_LINK", "template_id": template_id}


RECIPIENT = {
    "type": "RECIPIENT",
    "recipient_reference": "someone",
    "email_address": "someone@example.test",
}
EMAIL = {"type": "EMAIL", "email_address": "someone@example.test"}

BROKEN: dict[str, dict[str, Any]] = {
    "unknown product": _order(_single("NO-SUCH-CODE")),
    "product in lower case": _order(_single("1800fl-us")),
    "product with a space": _order(_single("1800FL-US ")),
    "subscription instead of its plan": _order(_single("EXSTRM-US", 7.99)),
    "disabled product": _order(_single("PLAMEN-US")),
    "live product that cannot be ordered": _order(_single("SPESPA-US", 50)),
    "plan of a disabled subscription": _order(_single("SPEBOX-AU-1M", 25), currency="AUD"),
    "below an open minimum": _order(_single("1800FL-US", 9.99)),
    "above an open maximum": _order(_single("1800FL-US", 100.01)),
    "not in a fixed list": _order(_single("BAW-GB", 15), currency="GBP"),
    "between two fixed values": _order(_single("BAW-GB", 5.01), currency="GBP"),
    "above a fixed list": _order(_single("CDISC-FR", 301), currency="EUR"),
    "not the plan's price": _order(_single("EXSTRM-US-1M", 16)),
    "below a payment's minimum": _order(_single("EXBANK-US", 0.5)),
    "unknown among several": _order(_multiple("AMZ-US", "NO-SUCH-CODE")),
    "disabled among several": _order(_multiple("AMZ-US", "PLAMEN-US")),
    "several, not a whole number": _order(_multiple("AMZ-US", "1800FL-US", value=10.5)),
    "several, below every minimum": _order(_multiple("1800FL-US", "DEMGRO-US", value=9)),
    "template, not a whole number": _order(_template(USD, 10.01)),
    "template, a billionth too much": _order(_template(USD, 10.000000001)),
    "unknown template": _order(_template("PT-01HQ12PV4B8XMBRTK281JM54KZ")),
    "redemption template as product template": _order(_template("DT-01HPSF51G0ZWHJ3JTNWRH0WDYK")),
    "no redemption template": _order(_single("AMZ-US", distribution_method=_link("DT-nonsense"))),
    "two currencies in two items": _order(_single("AMZ-US"), _single("AMZ-GB")),
    "two currencies in one item": _order(_multiple("AMZ-US", "AMZ-GB")),
    "two currencies in two templates": _order(_template(USD), _template(GBP)),
    "a gift card to a recipient": _order(_single("AMZ-US", distribution_method=RECIPIENT)),
    "eleven redemption templates": _order(
        *(_single("AMZ-US", distribution_method=_link(f"DT-{DIGITS[n] * 26}")) for n in range(11))
    ),
    "one bad item among good ones": _order(_single("AMZ-US"), _single("AMZ-US", 0.5)),
}

KEPT: dict[str, dict[str, Any]] = {
    "an open minimum": _order(_single("1800FL-US", 10)),
    "an open maximum": _order(_single("1800FL-US", 100)),
    "cents in an open range": _order(_single("1800FL-US", 12.34)),
    "the first of a list": _order(_single("BAW-GB", 5), currency="GBP"),
    "the last of a list": _order(_single("BAW-GB", 100), currency="GBP"),
    "a plan at its price": _order(_single("EXSTRM-US-1M", 15.99)),
    "several, above some minimum": _order(_multiple("AMZ-US", "1800FL-US", value=1)),
    "several, above every maximum": _order(_multiple("AMZ-US", "1800FL-US", value=5_000)),
    "several, whole with a point": _order(_multiple("AMZ-US", "1800FL-US", value=10.0)),
    "template, the smallest": _order(_template(USD, 1)),
    "a payment to a recipient": _order(_single("EXBANK-US", distribution_method=RECIPIENT)),
    "a payment by e-mail": _order(_single("EXBANK-US", distribution_method=EMAIL)),
    "ten redemption templates": _order(
        *(
            _single("AMZ-US", distribution_method=_link(f"DT-{DIGITS[n % 10] * 26}"))
            for n in range(50)
        )
    ),
    "one template many times": _order(*(_template(USD) for _ in range(50))),
    "products of all kinds": _order(
        _single("AMZ-US"), _multiple("AMZ-US", "FIVEG-US"), _template(USD)
    ),
    "'from USD only' products in their own currency": _order(
        _single("DEMDEP-AE", 50), currency="AED"
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_refuses_the_order(api: Api, name: str) -> None:
    """400 ``product_validation_error``, and no order, however many good items there are."""
    assert refusal(api.order(BROKEN[name])) == REFUSED
    assert order_ids(api) == []


@pytest.mark.parametrize("name", KEPT)
def test_an_order_within_the_rules_is_taken(api: Api, name: str) -> None:
    """The ends of each range belong to it."""
    response = api.order(KEPT[name])
    assert response.status_code == 202, response.text


@pytest.mark.parametrize(("used", "status"), [(10, 202), (11, 400)])
def test_an_order_uses_at_most_ten_product_templates(used: int, status: int) -> None:
    """Ten different ones are taken, the eleventh is refused, however often each is used."""
    templates = [f"PT-{digit * 26}" for digit in DIGITS[:used]]
    with MockServer(templates=dict.fromkeys(templates, ("AMZ-US",))) as server:
        api = Api(server.url)
        response = api.order(_order(*(_template(template_id) for template_id in templates * 3)))
        api.close()
    assert response.status_code == status
    assert response.json().get("type") == (None if status == 202 else "product_validation_error")


def test_the_refusal_names_the_item(api: Api) -> None:
    """The message says which item of several is wrong."""
    response = api.order(_order(_single("AMZ-US"), _single("AMZ-US"), _single("NO-SUCH-CODE")))
    assert "items[2]" in response.json()["message"]
    assert "NO-SUCH-CODE" in response.json()["message"]


def test_a_sync_order_has_one_item(api: Api) -> None:
    """Sync with two items: 400; with one item, whatever its products, 200."""
    two = api.order(_order(_single("AMZ-US"), _single("AMZ-US")), mode="sync")
    assert refusal(two) == (400, "invalid_execution_mode")
    assert order_ids(api) == []
    assert api.order(_order(_template(USD)), mode="sync").status_code == 200


@pytest.mark.parametrize(
    "document",
    [
        _order(_single("AMZ-US"), currency="GBP"),
        _order(_single("AMZ-GB"), currency="USD"),
        _order(_template(GBP), currency="EUR"),
        _order(_single("AMZ-US"), _single("AMZ-US"), currency="GBP"),
        _order(_single("DEMDEP-AE", 50), currency="EUR"),
    ],
)
def test_an_async_order_is_paid_in_the_currency_of_its_products(
    api: Api, document: dict[str, Any]
) -> None:
    """Paid from another currency: 400 ``currency_mismatch``."""
    assert refusal(api.order(document)) == (400, "currency_mismatch")
    assert order_ids(api) == []


def test_a_from_usd_only_product_is_not_paid_in_a_third_currency(api: Api) -> None:
    """Also a sync order of one item is refused then."""
    response = api.order(_order(_single("DEMDEP-AE", 50), currency="EUR"), mode="sync")
    assert refusal(response) == (400, "currency_mismatch")


def test_product_rules_come_before_the_mode_and_the_currency(api: Api) -> None:
    """Of several broken rules the product's answers, then the mode's, then the currency's."""
    bad_product = _order(_single("AMZ-US"), _single("NO-SUCH-CODE"), currency="GBP")
    bad_mode = _order(_single("AMZ-US"), _single("AMZ-US"), currency="GBP")
    assert refusal(api.order(bad_product, mode="sync")) == REFUSED
    assert refusal(api.order(bad_mode, mode="sync")) == (400, "invalid_execution_mode")


def test_any_balance_suffices(api: Api) -> None:
    """The playground never runs out of money."""
    document = _order(*(_single("EXBANK-US", 10_000) for _ in range(200)))
    for _ in range(3):
        assert api.order(document).status_code == 202
