"""All that others sees of one order, in one go."""

import pytest

from runa_client import OrderCompletionEvent, RunaClient, item, single, verify_webhook
from runa_mock_server import MockServer
from support.browser import OpenPage
from support.receiver import Receiver

pytest.importorskip("playwright.sync_api", reason="NO BROWSER TESTS: no playwright")

from playwright.sync_api import expect

KEY = "XX-shop.secret"


def test_from_the_order_to_the_claimed_payout(runa_server: MockServer, open_page: OpenPage) -> None:
    """Ordered, told by webhook, redeemed by the recipient; the dashboard shows each step."""
    with Receiver() as receiver, RunaClient(runa_server.base_url, KEY) as client:
        endpoint = runa_server.webhooks.add(receiver.url + "/hooks", "order.completion")
        order = client.create_order(
            [item(10, products=single("1800FL-US"))], currency="USD", execution_mode="sync"
        ).order
        assert order is not None
        told = receiver.take("/hooks")
        event = verify_webhook(told.body, told.headers, endpoint.secret)
        assert isinstance(event, OrderCompletionEvent)
        assert (event.order.id, event.order.status) == (order.id, "COMPLETED")
        message = runa_server.webhooks.wait_for(order=order.id)
        assert message.id == event.id

        dashboard = open_page(f"{runa_server.url}/_mock/#/orders/{order.id}")
        story = dashboard.locator(".story")
        expect(story).to_contain_text("order.completion")
        expect(story).to_contain_text("answered 200")
        payouts = dashboard.get_by_role("table", name="Payouts")
        expect(payouts).to_contain_text("ACTIVE")

        link = open_page(order.urls[0], size="phone")
        link.get_by_role("button", name="Redeem").click()
        heading = link.get_by_role("heading", level=1)
        expect(heading).to_have_text("Your payout has been redeemed")

        expect(payouts).to_contain_text("CLAIMED")
        payout = client.get_order(order.id).items[0].payout
        assert payout is not None
        assert payout.status == "CLAIMED"
