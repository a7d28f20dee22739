"""Whatever is ordered by mail, the mail can be read, and leads to the payout."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import ManualClock, MockServer
from runa_schemas.strategies import email_addresses, orders, redemption_template_ids
from support.api import Api
from support.catalogue import CATALOGUE
from support.money import CURRENCIES, PRODUCTION_KEY

# Of what means something in a header, or ends a line for some.
ODD_ADDRESSES = st.text("=?_qbutf8-'\x80\x85\x9f\u2028\u200d\u00e9", min_size=1, max_size=60).map(
    lambda local: f"{local}@mail.example"
)
MAIL = st.fixed_dictionaries(
    {"type": st.just("EMAIL"), "email_address": email_addresses() | ODD_ADDRESSES},
    optional={"template_id": redemption_template_ids()},
)


def by_mail(order: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An order whose items are all sent by mail."""
    return st.lists(MAIL, min_size=len(order["items"]), max_size=len(order["items"])).map(
        lambda methods: (
            order
            | {
                "items": [
                    item | {"distribution_method": method}
                    for item, method in zip(order["items"], methods, strict=True)
                ]
            }
        )
    )


@pytest.fixture(scope="module")
def production() -> Iterator[MockServer]:
    """A server that mails for every item, and takes any order."""
    rich = dict.fromkeys(CURRENCIES, 10**15)
    clock = ManualClock()
    with MockServer(profile="production", balances=rich, clock=clock) as server:
        yield server


@given(order=orders(catalogue=CATALOGUE).flatmap(by_mail))
def test_every_mail_parses_back_and_carries_its_link(
    production: MockServer, order: dict[str, Any]
) -> None:
    """Both parts have the link of the item whose mail it is; no header comes from the order."""
    production.reset()
    api = Api(production.url, PRODUCTION_KEY)
    answer = api.order(order)
    assert answer.status_code == 202, answer.text
    production.clock.advance(1)
    items = {item["id"]: item for item in api.read(answer.json()["id"])["items"]}
    api.close()
    known = None
    for listed in production.emails:
        message = production.emails.get(listed.id).message()
        item = items[listed.item_id]
        assert listed.to == item["distribution_method"]["email_address"]
        assert message.get("X-Runa-Template") == item["distribution_method"].get("template_id")
        for kind in ("plain", "html"):
            part = message.get_body((kind,))
            assert part is not None
            assert not part.defects
            assert item["payout"]["url"] in part.get_content()
            assert f"{item['currency']} {item['face_value']}" in part.get_content()
        names = {name for name in message if name != "X-Runa-Template"}
        assert known in (None, names)
        known = names
