"""The mock server against the constants of the contract that are data files on its side."""

import pytest

from runa_client import RunaClient, item, template
from runa_mock_server import MockServer
from runa_schemas.contract_data import PRODUCT_TEMPLATES, PRODUCTS_PER_TEMPLATE


@pytest.mark.parametrize(("currency", "template_id"), PRODUCT_TEMPLATES.items())
def test_each_playground_template_stands_for_ten_products(currency: str, template_id: str) -> None:
    """An order names the distinct products of a template, in the template's currency."""
    with MockServer() as server, RunaClient(server.base_url, "XX-me.secret") as client:
        order = client.create_order([item(10, products=template(template_id))], currency=currency)
        document = client.wait_for_order(order.id).raw
    (only,) = document["items"]
    assert only["currency"] == currency
    assert len({*only["products"]["values"]}) == PRODUCTS_PER_TEMPLATE
