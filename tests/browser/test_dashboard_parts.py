"""What the dashboard does with webhooks, mails and products, seen from outside of it."""

import re

import pytest

from runa_mock_server import MockServer
from support.api import Api, body, item
from support.browser import OpenPage
from support.receiver import Receiver, status
from support.smtp import mailed

pytest.importorskip("playwright.sync_api", reason="NO BROWSER TESTS: no playwright")

from playwright.sync_api import Locator, Page, expect


def _rows(page: Page, table: str) -> Locator:
    return page.get_by_role("table", name=table).get_by_role("row")


def _subscribe(page: Page, url: str, event: str = "order.completion") -> None:
    form = page.locator("form").filter(has_text="Add endpoint")
    form.get_by_label("Address").fill(url)
    form.get_by_label("Event").select_option(event)
    form.get_by_role("button", name="Add endpoint").click()


def test_an_endpoint_that_is_added_is_told_and_its_message_shows_up(
    runa_server: MockServer, api: Api, receiver: Receiver, open_page: OpenPage
) -> None:
    """Who is told of nothing is said before; the message comes by itself and is sent again."""
    page = open_page(f"{runa_server.url}/_mock/#/webhooks")
    notices = page.locator(".notice")
    expect(notices).to_have_count(2)
    _subscribe(page, receiver.url + "/hook")
    expect(notices).to_have_text(["Nobody is subscribed to product.update: it is told to no one."])
    order = api.order(X_Mock_Processing="at-once").json()["id"]
    first = receiver.take("/hook")
    row = _rows(page, "Messages, newest first").nth(1)
    expect(row).to_contain_text(order[-8:])
    expect(row).to_contain_text("1 attempt, last 200")
    row.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Message {first.id}")
    page.get_by_role("button", name="Send again to all").click()
    assert receiver.take("/hook").id == first.id
    attempts = _rows(page, "Attempts at")
    expect(attempts).to_have_count(3)
    expect(attempts.last).to_contain_text("200")
    expect(page.locator("pre")).to_contain_text(order)


def test_all_can_be_done_to_an_endpoint_with_one_click(
    runa_server: MockServer, receiver: Receiver, open_page: OpenPage
) -> None:
    """Its secret is shown when asked for and copied; another takes its place; off, on, away."""
    hooks = runa_server.webhooks
    old = hooks.add(receiver.url + "/hook", "order.completion").secret
    page = open_page(
        f"{runa_server.url}/_mock/#/webhooks", permissions=["clipboard-read", "clipboard-write"]
    )
    row = _rows(page, "Endpoints").nth(1)
    expect(row.get_by_role("button", name="Show the secret")).to_be_visible()
    assert old not in page.content()
    row.get_by_role("button", name="Show the secret").click()
    row.get_by_role("button", name="Copy").click()
    expect(row.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == old
    row.get_by_role("button", name="New secret").click()
    expect(row).to_contain_text("and 1 older")
    assert hooks.endpoints[0].secret != old
    row.get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("disabled")
    expect(page.locator(".notice")).to_have_count(2)
    row.get_by_role("button", name="Enable").click()
    expect(row).to_contain_text("enabled")
    row.get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)
    assert hooks.endpoints == []


def test_messages_that_were_lost_are_recovered(
    runa_server: MockServer, api: Api, receiver: Receiver, open_page: OpenPage
) -> None:
    """Those of an endpoint that was disabled and is enabled again."""
    hooks = runa_server.webhooks
    endpoint = hooks.add(receiver.script("/hook", then=status(500)), "order.completion")
    api.order(X_Mock_Processing="at-once")
    lost = receiver.take("/hook")
    receiver.take("/hook")
    hooks.disable(endpoint.id)
    hooks.enable(endpoint.id)
    page = open_page(f"{runa_server.url}/_mock/#/webhooks")
    page.get_by_role("button", name="Recover").click()
    expect(page.locator("#said")).to_contain_text("1 recovered")
    assert receiver.take("/hook").id == lost.id


def test_every_trick_of_the_adversary_is_armed_with_one_click(
    runa_server: MockServer, api: Api, receiver: Receiver, open_page: OpenPage
) -> None:
    """For all or for one endpoint, once or more often; one is seen to strike; all are cleared."""
    endpoint = runa_server.webhooks.add(receiver.url + "/hook", "order.completion")
    page = open_page(f"{runa_server.url}/_mock/#/webhooks")
    page.get_by_label("To the next message for").select_option(endpoint.id)
    tricks = _rows(page, "Tricks")
    buttons = page.locator(".presets").get_by_role("button")
    expect(buttons).to_have_count(7)
    for number in range(7):
        buttons.nth(number).click()
        expect(tricks.filter(has_text=f"A-{number + 1}")).to_contain_text("armed")
    armed = runa_server.webhooks.tricks
    assert len({trick.kind for trick in armed}) == 7
    assert {trick.kind for trick in armed if trick.endpoint_id is None} == {"early"}
    page.get_by_role("button", name="Remove all tricks").click()
    expect(tricks).to_have_count(0)
    page.get_by_label("Done").select_option("twice")
    page.get_by_role("button", name=re.compile("^Duplicate")).click()
    expect(tricks).to_have_count(2)
    api.order(X_Mock_Processing="at-once")
    assert receiver.take("/hook").id == receiver.take("/hook").id
    expect(tricks.last).to_contain_text("1 of 2")


def test_a_product_that_is_taken_off_sale_is_refused(
    runa_server: MockServer, api: Api, open_page: OpenPage
) -> None:
    """It is found by its name, one of many pages; put on sale it can be ordered again."""
    page = open_page(f"{runa_server.url}/_mock/#/products")
    rows = _rows(page, "Products by code")
    expect(rows).to_have_count(101)
    first = rows.nth(1).inner_text()
    page.get_by_role("button", name="Next").click()
    expect(rows.nth(1)).not_to_have_text(first, use_inner_text=True)
    page.get_by_label("Search").fill("abo gift")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="Take off sale: ABO-GB").click()
    expect(rows.last).to_contain_text("off sale")
    wanted = body(
        payment_method={"type": "ACCOUNT_BALANCE", "currency": "GBP"},
        items=[item(products={"type": "SINGLE", "value": "ABO-GB"})],
    )
    assert api.order(wanted).status_code == 400
    page.locator("main").get_by_role("combobox").select_option(label="off sale")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="Put on sale: ABO-GB").click()
    expect(rows).to_have_count(0)
    assert api.order(wanted).status_code == 202


def test_a_product_is_removed_copied_and_added(
    runa_server: MockServer, api: Api, open_page: OpenPage
) -> None:
    """What was removed can be added again from the form, and a copy gets another code."""
    page = open_page(f"{runa_server.url}/_mock/#/products")
    rows = _rows(page, "Products by code")
    document = page.get_by_label("Product as JSON")
    add = page.get_by_role("button", name="Add product")
    page.get_by_label("Search").fill("abo gift")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="Remove: ABO-GB").click()
    expect(rows).to_have_count(0)
    assert api.get("/v2/product/ABO-GB").status_code == 404
    add.click()
    expect(rows).to_have_count(2)
    assert api.get("/v2/product/ABO-GB").status_code == 200
    page.get_by_role("button", name="Copy: ABO-GB").click()
    expect(page.locator("#said")).to_contain_text("copy")
    document.fill(document.input_value().replace("ABO-GB", "ABO-GB-2"))
    add.click()
    expect(rows).to_have_count(3)
    assert api.get("/v2/product/ABO-GB-2").json()["code"] == "ABO-GB-2"
    document.fill("{")
    add.click()
    expect(page.locator("#said")).to_contain_text("not JSON")


@pytest.mark.runa(smtp="127.0.0.1:1")
def test_a_mail_is_read_and_its_relay_is_told(
    runa_server: MockServer, api: Api, open_page: OpenPage
) -> None:
    """The text, and the HTML as a text; why it could not be relayed stands in the list."""
    page = open_page(f"{runa_server.url}/_mock/#/emails")
    expect(page.locator("main")).to_contain_text("No mail.")
    api.order(**mailed("sam@example.com", X_Mock_Processing="at-once"))
    row = _rows(page, "Mails, newest first").nth(1)
    expect(row.get_by_role("cell").nth(2)).to_contain_text("127.0.0.1")
    row.get_by_role("button", name="Read").click()
    expect(page.locator("pre").first).to_contain_text("Nothing here has any value")
    page.get_by_text("HTML source").click()
    expect(page.locator("pre").nth(1)).to_contain_text("<!doctype html>")


def test_an_order_shows_up_while_the_server_is_busy(
    runa_server: MockServer, api: Api, open_page: OpenPage
) -> None:
    """Requests that never end for the page to catch up with do not keep it from the newest."""
    page = open_page(f"{runa_server.url}/_mock/#/orders")
    expect(page.locator("pre")).to_contain_text("curl")
    for _ in range(150):
        last = api.order().json()["id"]
        api.read(last)
    expect(_rows(page, "Orders, newest first").nth(1)).to_contain_text(last)
    expect(page.locator(".pager")).to_contain_text("100 shown of 150 in all")
