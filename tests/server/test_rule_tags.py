"""Each answer is tagged with the rule that decided it: every deciding rule is reachable."""

import ast
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import requests

import runa_mock_server
from runa_mock_server import Catalogue, ManualClock, MockServer
from runa_schemas.rules import RULES
from support.api import KEY, Api, body, item
from support.catalogue import CATALOGUE
from support.waiting import until

DECIDING = {rule.id for rule in RULES.values() if rule.decides}
PERSON = {
    "type": "RECIPIENT",
    "recipient_reference": "person",
    "email_address": "person@example.test",
}
MULTIPLE = {"type": "MULTIPLE", "values": ["1800FL-US", "AMZ-US"]}
CARD = {"type": "SINGLE", "value": "VISARL-USD"}


def cheap_catalogue() -> Catalogue:
    """A product that is worth less than a cent of the payment."""
    known = next(each for each in CATALOGUE["catalog"] if each["code"] == "1800FL-US")
    open_ = {"type": "open", "minimum_value": "1.00", "maximum_value": "9.00"}
    card = {**known["gift_card"], "denominations": open_ | {"available_list": None}}
    return Catalogue([{**known, "code": "CHEAP-CO", "currency": "COP", "gift_card": card}])


Do = Callable[[Api, MockServer], object]


def one(**changes: Any) -> dict[str, Any]:
    """An order of one item, with single fields of the item changed."""
    return body(items=[item(**changes)])


def sent(document: Any, **headers: Any) -> Do:
    """Send an order."""
    return lambda api, _: api.order(document, **headers)


def got(path: str) -> Do:
    """Read a path."""
    return lambda api, _: api.get(path)


def raw(text: bytes) -> Do:
    """Send bytes as the body of an order."""
    return lambda api, _: api.order(raw=text)


def headers(**given: str | bytes | None) -> Do:
    """Read a path with other headers."""
    return lambda api, _: api.get(
        "/v2/ping", headers={n.replace("_", "-"): v for n, v in given.items()}
    )


def template(number: int) -> str:
    """The id of a redemption template."""
    return f"DT-{number:026}"


def estimated(document: Any) -> Do:
    """Send an estimate."""
    return lambda api, _: api.call("POST", "/v2/order/estimate", json=document)


def estimate(*items: dict[str, Any]) -> dict[str, Any]:
    """The body of an estimate."""
    return body(
        items=[
            {"face_value": 10, "products": {"type": "SINGLE", "value": "1800FL-US"}} | i
            for i in items
        ]
    )


def repeated_header(api: Api, server: MockServer) -> None:
    """Send a header twice."""
    del server
    host = api.url.removeprefix("http://")
    with closing(HTTPConnection(host)) as connection:
        connection.putrequest("GET", "/v2/ping")
        connection.putheader("X-Api-Key", KEY)
        connection.putheader("X-Api-Version", "2024-02-05")
        connection.putheader("X-Api-Version", "2023-01-16")
        connection.endheaders()
        connection.getresponse().read()


def limited(api: Api, server: MockServer) -> None:
    """Order more than is allowed."""
    server.configure(rate_limit=1)
    api.order()
    api.order()


def conflict(api: Api, server: MockServer) -> None:
    """Send another body with a key."""
    del server
    api.order(key="one")
    api.order(body(description="another"), key="one")


def concurrent(api: Api, server: MockServer) -> None:
    """Send a request while the first with its key is handled."""
    fault = server.faults.arm("hang", "inside")

    def first() -> None:
        with closing(Api(server.url)) as other:
            other.order(key="one")

    thread = threading.Thread(target=first)
    thread.start()
    until(lambda: any(each.id == fault.id and each.struck for each in server.faults))
    api.order(key="one")
    fault.remove()
    thread.join()


def replayed(api: Api, server: MockServer) -> None:
    """Send a request twice."""
    del server
    api.order(key="one")
    api.order(key="one")


def other_address(api: Api, server: MockServer) -> None:
    """Pay a known recipient at another address."""
    del server
    claimed = link(api, one(distribution_method=PERSON, products=CARD))
    requests.get(f"{claimed}?format=json", timeout=30)
    moved = PERSON | {"email_address": "moved@example.test"}
    api.order(one(distribution_method=moved, products=CARD), mode="sync")


def read_order(api: Api, server: MockServer, seconds: float = 0) -> dict[str, Any]:
    """Place an order and read it after a while."""
    order_id = api.order().json()["id"]
    server.clock.advance(seconds)
    return api.read(order_id)


def link(api: Api, document: Any = None) -> str:
    """The payout link of a new order."""
    placed = api.order(document, mode="sync").json()
    url: str = placed["items"][0]["payout"]["url"]
    return url


def claimed(api: Api, server: MockServer) -> None:
    """Redeem a payout on its page."""
    del server
    requests.post(link(api), data={"1800FL-US": "10"}, timeout=30, allow_redirects=False)


def foreign_form(api: Api, server: MockServer) -> None:
    """Send the form of a payout's page from another site."""
    del server
    requests.post(link(api), headers={"Sec-Fetch-Site": "cross-site"}, timeout=30)


def expired(api: Api, server: MockServer) -> None:
    """Redeem a payout whose link has expired."""
    server.configure(link_lifetime_days=1)
    url = link(api)
    server.clock.advance("P2D")
    requests.get(f"{url}?format=json", timeout=30)


def out_of_stock(api: Api, server: MockServer) -> None:
    """Redeem a payout for which there is no stock."""
    server.configure(redemption_error="RE006")
    requests.get(f"{link(api)}?format=json", timeout=30)


def second_page(api: Api, server: MockServer) -> None:
    """Read the second page of orders."""
    del server
    api.order()
    newest = api.order().json()["id"]
    api.get(f"/v2/order?after={newest}")


def unsupported_encoding(api: Api, server: MockServer) -> None:
    """Send a body in an encoding that is not supported."""
    del server
    api.order(raw=b"{}", Content_Encoding="br")


def too_large(api: Api, server: MockServer) -> None:
    """Send a body that is too large."""
    limit = server.settings.max_body_bytes
    api.order(raw=b" " * (limit + 1))


WAYS: Mapping[str, Do] = {
    "ping": got("/v2/ping"),
    "key-required": headers(X_Api_Key=None),
    "key-accepted": headers(X_Api_Key="nothing.secret"),
    "key-environment": headers(X_Api_Key="wg-live.secret"),
    "version-removed": headers(X_Api_Version="2023-01-16"),
    "version-unknown": headers(X_Api_Version="2030-01-01"),
    "header-repeated": repeated_header,
    "mock-header": headers(X_Mock_Procesing="never"),
    "execution-mode": sent(body(), mode="later"),
    "idempotency-header": sent(body(), key=""),
    "rate-limit": limited,
    "not-found": got("/v2/nothing"),
    "wrong-method": lambda api, _: api.call("DELETE", "/v2/order"),
    "json-syntax": raw(b"{"),
    "strict-json": raw(b'{"a": 1, "a": 2}'),
    "body-size": too_large,
    "body-encoding": unsupported_encoding,
    "payment-method": sent(body(payment_method={"type": "CARD", "currency": "USD"})),
    "items-count": sent(body(items=[])),
    "description-length": sent(body(description="d" * 129)),
    "metadata-limits": sent(body(metadata={"k" * 41: "value"})),
    "face-value": sent(one(face_value="10")),
    "distribution-types": sent(one(distribution_method={"type": "PIGEON"})),
    "email-addresses": sent(one(distribution_method={"type": "EMAIL", "email_address": "nobody"})),
    "recipient-reference": sent(one(distribution_method=PERSON | {"recipient_reference": "a b"})),
    "product-selection": sent(one(products={"type": "MULTIPLE", "values": ["1800FL-US"]})),
    "usage-config": sent(
        one(
            products={
                "type": "SINGLE",
                "value": "1800FL-US",
                "usage_config": {"spend_rules_template_id": "PSR-1"},
            }
        )
    ),
    "order-accepted": sent(body()),
    "order-processing": read_order,
    "order-completes": lambda api, server: read_order(api, server, 10),
    "sync-order": sent(body(), mode="sync"),
    "product-known": sent(one(products={"type": "SINGLE", "value": "NOTHING-US"})),
    "product-orderable": lambda api, server: (
        server.products.change("1800FL-US", is_orderable=False),
        api.order(),
    ),
    "face-value-range": sent(one(face_value=5000)),
    "subscription-price": sent(
        one(face_value=9, products={"type": "SINGLE", "value": "EXSTRM-GB-1M"})
    ),
    "choice-value": sent(one(face_value=10.5, products=MULTIPLE)),
    "choice-products": sent(one(products={"type": "MULTIPLE", "values": ["1800FL-US", "NO-US"]})),
    "template-known": sent(
        one(products={"type": "TEMPLATE", "template_id": "PT-00000000000000000000000000"})
    ),
    "redemption-template": sent(
        one(distribution_method={"type": "PAYOUT_LINK", "template_id": "mine"})
    ),
    "template-count": sent(
        body(
            items=[
                item(distribution_method={"type": "PAYOUT_LINK", "template_id": template(n)})
                for n in range(11)
            ]
        )
    ),
    "one-currency": sent(
        body(items=[item(), item(products={"type": "SINGLE", "value": "BAW-GB"})])
    ),
    "recipient-payment": sent(one(distribution_method=PERSON)),
    "recipient-address": other_address,
    "sync-single": sent(body(items=[item(), item()]), mode="sync"),
    "fx-currencies": sent(
        body(payment_method={"type": "ACCOUNT_BALANCE", "currency": "GBP"}), mode="sync"
    ),
    "currency-mismatch": sent(body(payment_method={"type": "ACCOUNT_BALANCE", "currency": "GBP"})),
    "currency-usd-only": sent(
        body(
            payment_method={"type": "ACCOUNT_BALANCE", "currency": "GBP"},
            items=[item(face_value=25, products={"type": "SINGLE", "value": "SAMGAM-BR"})],
        ),
        mode="sync",
    ),
    "idem-replay": replayed,
    "idem-conflict": conflict,
    "idem-concurrent": concurrent,
    "page-limit": got("/v2/order?limit=0"),
    "page-cursors": got("/v2/order?after=a&before=b"),
    "repeated-parameter": got("/v2/order?limit=1&limit=2"),
    "newest-first": lambda api, _: (api.order(), api.get("/v2/order")),
    "order-cursors": second_page,
    "empty-page": got("/v2/order"),
    "product-pages": got("/v2/product?limit=1"),
    "product-cursors": got("/v2/product?limit=1&after=1800FL-US"),
    "product-filters": got("/v2/product?code=1800FL-US"),
    "filter-values": got("/v2/product?is_orderable=perhaps"),
    "product-single": got("/v2/product/1800FL-US"),
    "product-content": got("/v2/product/1800FL-US?content=md"),
    "countries": got("/v2/product/countries"),
    "categories": got("/v2/product/categories"),
    "balance-list": got("/v2/balance"),
    "balance-single": got("/v2/balance?currency=USD"),
    "balance-unsupported": got("/v2/balance?currency=XXX"),
    "estimate-answer": estimated(estimate({})),
    "estimate-limits": estimated(estimate()),
    "estimate-rules": estimated(estimate({"products": {"type": "SINGLE", "value": "NOTHING"}})),
    "payout-page": lambda api, _: requests.get(link(api), timeout=30),
    "payout-claimed": claimed,
    "payout-form": foreign_form,
    "redemption-api": lambda api, _: requests.get(f"{link(api)}?format=json", timeout=30),
    "redemption-errors": out_of_stock,
    "redemption-choice": lambda api, _: requests.get(
        f"{link(api, one(products=MULTIPLE))}?format=json", timeout=30
    ),
    "link-expiry": expired,
    "trigger-documented": sent(body(), X_Trigger_Error="insufficient_funds"),
    "trigger-all": sent(body(), X_Trigger_Error="ordering_restricted"),
    "trigger-unknown": sent(body(), X_Trigger_Error="bad_luck"),
    "trigger-failed": sent(body(), X_Trigger_Error="order_failed"),
}
"""How each rule is met on a server with the settings of the playground."""

TEMPLATES = [f"PT-{number:026}" for number in range(11)]
FAR = ["DEMADV-ES", "AUCHAN-FR"]  # of one currency, without a common country

# Rules that need another server, and how they are met there.
ELSEWHERE: Mapping[str, tuple[Mapping[str, Any], Do]] = {
    "content-type": ({"strict": True}, sent(body(), Content_Type="text/plain")),
    "several-countries": (
        {"several_countries": False},
        sent(one(products={"type": "MULTIPLE", "values": FAR})),
    ),
    "estimate-playground": ({"strict": True}, estimated(estimate({}))),
    "insufficient-funds": (
        {"profile": "production"},
        lambda _, server: Api(server.url, "wg-test.secret").order(),
    ),
    "product-template-count": (
        {"templates": dict.fromkeys(TEMPLATES, ("AMZ-US",))},
        sent(
            body(items=[item(products={"type": "TEMPLATE", "template_id": t}) for t in TEMPLATES])
        ),
    ),
    "exchange-minimum": (
        {"catalogue": cheap_catalogue()},
        sent(one(face_value=1, products={"type": "SINGLE", "value": "CHEAP-CO"}), mode="sync"),
    ),
}


def rules_met(server: MockServer) -> set[str]:
    """The rules that the coverage of a server shows."""
    rules = server.coverage().areas[0]
    return {entry.id for entry in rules.entries if entry.times}


def tags(server: MockServer) -> set[str | None]:
    """The tags in the journal of a server."""
    return {entry.rule for entry in server.journal}


@pytest.mark.parametrize("rule", WAYS)
def test_the_answer_is_tagged_with_the_rule_that_decided_it(
    api: Api, server: MockServer, rule: str
) -> None:
    """The journal and the coverage name the rule."""
    WAYS[rule](api, server)
    assert rule in tags(server)
    assert rule in rules_met(server)


@pytest.mark.parametrize("rule", ELSEWHERE)
def test_rules_of_other_settings_are_tags_too(rule: str) -> None:
    """What strict mode and production refuse names its rule."""
    settings, do = ELSEWHERE[rule]
    with MockServer(clock=ManualClock(), **settings) as server, closing(Api(server.url)) as api:
        do(api, server)
        assert rule in tags(server)
        assert rule in rules_met(server)


def test_every_rule_that_decides_can_be_met() -> None:
    """The rules that are said to decide answers are those that the tests above reach."""
    assert WAYS.keys() | ELSEWHERE.keys() == DECIDING
    assert not WAYS.keys() & ELSEWHERE.keys()


def test_every_tag_in_the_code_is_a_rule_that_decides() -> None:
    """No answer can be tagged with a name that `runa-mock rules` does not list."""
    folder = Path(runa_mock_server.__file__).parent
    found = {
        keyword.value.value
        for file in folder.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "rule" and isinstance(keyword.value, ast.Constant)
    }
    assert len(found) > 20
    assert found <= DECIDING


def test_an_answer_without_a_rule_has_no_tag(api: Api, server: MockServer) -> None:
    """A request that a fault kept from the service, and the mock's own pages, have none."""
    server.faults.arm("status", status=503)
    requests.get(f"{api.url}/v2/ping", timeout=30)
    api.get("/openapi.json")
    assert tags(server) == {None}
    assert rules_met(server) == set()
