"""The dashboard in a real browser: what is seen, what is done with a click, and what never is."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from runa_mock_server import ManualClock, MockServer
from support.api import Api, body
from support.browser import Scheme
from support.smtp import mailed

pytest.importorskip("playwright.sync_api", reason="NO BROWSER TESTS: no playwright")

from playwright.sync_api import Browser, Page, expect

NO_TABLE = ("clock", "requests/1")
VIEWS = (
    *("orders", "orders/{order}", "requests", "faults", "emails", "webhooks", "webhooks/{message}"),
    *("products", "settings", *NO_TABLE),
)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
PHONE = {"width": 390, "height": 800}
DESKTOP = {"width": 1280, "height": 800}
ROWS = "tbody tr"

Opened = Callable[..., Page]


@pytest.fixture
def runa_settings(clock: ManualClock) -> Mapping[str, Any]:
    """The playground's ways; time stands still until it is moved."""
    return {"clock": clock}


@pytest.fixture
def opened(browser: Browser, server: MockServer) -> Iterator[Opened]:
    """Opens a view; whatever a page asks another host for, or complains of, fails the test."""
    contexts = []
    wrong: list[str] = []

    def complain(kind: str, text: str) -> None:
        # Chromium says so when the server refuses something, or is gone; the page says it, too.
        if kind == "error" and not text.startswith("Failed to load resource"):
            wrong.append(text)

    def note(url: str) -> None:
        if not url.startswith(server.url):
            wrong.append(url)

    def open_view(view: str = "", *, at: str | None = None, **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complain(message.type, message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        if at is None:
            page.on("request", lambda request: note(request.url))
        page.goto(f"{at or server.url}/_mock/#/{view}")
        return page

    yield open_view
    for context in contexts:
        context.close()
    assert wrong == []


def test_the_first_order_shows_up_by_itself(
    server: MockServer, api: Api, clock: ManualClock, opened: Opened
) -> None:
    """A newcomer is told what to do; the order appears, waits for the clock, and completes."""
    page = opened()
    expect(page.locator("pre")).to_contain_text(f"curl -s {server.url}/v2/order")
    order = api.order().json()["id"]
    row = page.locator(ROWS).filter(has_text=order)
    expect(row).to_contain_text("PROCESSING")
    expect(row).to_contain_text("1.0 s (clock stands)")
    expect(page.locator("pre")).to_have_count(0)
    clock.advance(1)
    expect(row).to_contain_text("COMPLETED")
    page.get_by_role("link", name=order).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Order {order}")
    expect(page.locator(".story")).to_contain_text("The service created the order")
    expect(page.get_by_role("link", name="Open")).to_have_attribute(
        "href", re.compile(f"^{server.url}/payout/")
    )


def test_a_countdown_runs_to_its_end(server: MockServer, api: Api, opened: Opened) -> None:
    """While the clock runs, an order completes on the page without anything being asked."""
    server.clock.run()
    order = api.order(X_Mock_Processing="seconds:60").json()["id"]
    row = opened().locator(ROWS).filter(has_text=order)
    expect(row.locator(".countdown")).to_contain_text(" s")
    server.clock.run(60)
    expect(row).to_contain_text("COMPLETED")


def test_hostile_texts_stay_texts(api: Api, opened: Opened) -> None:
    """Descriptions, paths and keys of callers are shown as they are, and never run."""
    order = api.order(body(description=HOSTILE), key=HOSTILE).json()["id"]
    api.get(f"/v2/{HOSTILE}", allow_redirects=False)
    for view, where in (
        ("orders", ROWS),
        (f"orders/{order}", "dd"),
        ("requests", ROWS),
        ("requests/1", "dd"),
    ):
        page = opened(view)
        expect(page.locator(where).filter(has_text="<img src=x").first).to_be_visible()
        assert page.locator("main img, main script").count() == 0


def test_a_fault_is_armed_with_one_click_and_strikes(api: Api, opened: Opened) -> None:
    """It is in the list, then spent, and leads to the request that it hit; it can be removed."""
    page = opened("faults")
    page.get_by_role("button", name=re.compile("^429")).click()
    row = page.locator(ROWS)
    expect(row).to_contain_text("armed")
    expect(page.get_by_role("status").filter(has_text="F-1 is armed.")).to_be_visible()
    assert api.order().status_code == 429
    expect(row).to_contain_text("spent")
    row.get_by_role("button", name="Remove F-1").click()
    expect(row).to_have_count(0)


def test_the_clock_is_moved_and_refusals_are_said(
    server: MockServer, clock: ManualClock, opened: Opened
) -> None:
    """By a preset, by a duration; nonsense is refused with the reason."""
    page = opened("clock")
    start = server.clock.now()
    page.get_by_role("button", name="+ 31 days").click()
    expect(page.locator("#said")).to_contain_text("31 days")
    assert (server.clock.now() - start).days == 31
    page.get_by_label("ISO 8601 duration").fill("soon")
    page.get_by_role("button", name="Advance").click()
    expect(page.locator("#said")).to_contain_text("it is no ISO 8601 duration")
    page.get_by_role("button", name="Run \N{MULTIPLICATION SIGN}60").click()
    expect(page.locator("#now")).to_contain_text("runs \N{MULTIPLICATION SIGN}60")
    page.get_by_role("button", name="Freeze").click()
    expect(page.locator("#now")).to_contain_text("stands still")
    assert clock.speed == 0


def test_a_reset_asks_first(server: MockServer, api: Api, opened: Opened) -> None:
    """Cancel and Escape leave everything as it is."""
    api.order()
    page = opened()
    expect(page.locator(ROWS)).to_have_count(1)
    for leave in ("Cancel", "Escape"):
        page.get_by_role("button", name="Reset…").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("cannot be undone")
        if leave == "Cancel":
            dialog.get_by_role("button", name="Cancel").click()
        else:
            page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
    assert len(server.orders) == 1
    page.get_by_role("button", name="Reset…").click()
    page.get_by_role("dialog").get_by_role("button", name="Reset").click()
    expect(page.locator("pre")).to_contain_text("curl")
    assert len(server.orders) == 0


def test_the_journal_is_filtered_and_an_entry_opened(api: Api, opened: Opened) -> None:
    """Filters stay in the address; the JSON link gives the same by the control API."""
    api.get("/v2/ping")
    api.order(key="pay-1")
    page = opened("requests")
    expect(page.locator(ROWS)).to_have_count(2)
    page.get_by_label("Path").fill("/v2/order*")
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page).to_have_url(re.compile(r"path=%2Fv2%2Forder\*"))
    twin = page.get_by_role("link", name="JSON").get_attribute("href") or ""
    assert [e["idempotency_key"] for e in page.request.get(twin).json()["requests"]] == ["pay-1"]
    page.reload()
    expect(page.locator(ROWS)).to_have_count(1)
    page.get_by_role("link", name="2", exact=True).click()
    expect(page.locator("pre").nth(1)).to_contain_text("1800FL-US")


def test_an_account_can_be_chosen(server: MockServer, api: Api, opened: Opened) -> None:
    """Everything is about it then, also after a reload; the address names it."""
    other = Api(server.url, "XX-other.secret")
    api.order()
    other.order()
    page = opened()
    expect(page.locator(ROWS)).to_have_count(2)
    name = page.locator("#account option").nth(1).inner_text()
    page.get_by_label("Account").select_option(name)
    expect(page.locator(ROWS)).to_have_count(1)
    page.reload()
    expect(page.locator(ROWS)).to_have_count(1)
    assert f"account={name.replace('~', '%7E')}" in page.url
    other.close()


def test_a_token_is_asked_for_and_kept_by_the_tab_alone(opened: Opened) -> None:
    """A wrong one is said to be; the right one opens; it is in no address and no other store."""
    with MockServer(control_token="t0k3n") as guarded:  # noqa: S106 - of this test
        page = opened(at=guarded.url)
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Token").fill("wrong")
        dialog.get_by_role("button", name="Go on").click()
        expect(dialog).to_contain_text("not the token")
        dialog.get_by_label("Token").fill("t0k3n")
        dialog.get_by_role("button", name="Go on").click()
        expect(page.locator("#live")).to_have_text("live")
        expect(page.locator("pre")).to_contain_text("curl")
        kept = page.evaluate("[{...sessionStorage}, {...localStorage}, document.cookie]")
        assert kept == [{"runa-mock-token": "t0k3n"}, {}, ""]
        assert "t0k3n" not in page.url


def test_a_setting_is_changed(server: MockServer, opened: Opened) -> None:
    """Numbers, texts and nothing; what does not fit is refused and named."""
    page = opened("settings")
    for given, expected in (("reads:3", "reads:3"), ("", None)):
        page.get_by_label("processing", exact=True).fill(given)
        page.get_by_role("button", name="Change processing", exact=True).click()
        expect(page.locator("#said")).to_contain_text("processing is changed.")
        assert server.settings.processing == expected
        page.reload()
    page.get_by_label("rate_limit", exact=True).fill("-1")
    page.get_by_role("button", name="Change rate_limit").click()
    expect(page.locator("#said")).to_contain_text("rate_limit")
    assert server.settings.rate_limit is None


def test_the_dashboard_says_where_the_mock_is_kinder(server: MockServer, opened: Opened) -> None:
    """Which kindnesses are on, and which of them an order needed; with strict there is none."""
    plain = Api(server.url, "XX-plain")
    order = plain.order(Content_Type="text/plain").json()["id"]
    plain.close()
    page = opened(f"orders/{order}")
    for name in ("lenient_authentication", "any_content_type"):
        expect(page.locator(".facts")).to_contain_text(name)
        expect(page.get_by_role("table", name="Requests about this order")).to_contain_text(name)
    page.get_by_role("link", name="10 kindnesses").click()
    table = page.get_by_role("table", name="Kinder than the real service")
    expect(table).to_contain_text("any_content_type")
    with MockServer(strict=True) as strict:
        page = opened("settings", at=strict.url)
        expect(page.locator("#about")).to_contain_text("strict")
        expect(page.get_by_text("Nothing: this server is strict.")).to_be_visible()


def test_many_orders_do_not_grow_the_page(api: Api, opened: Opened) -> None:
    """A hundred rows are shown, in as many elements as before; older ones are a click away."""
    first = api.order().json()["id"]
    for _ in range(120):
        api.order()
    page = opened()
    expect(page.locator(ROWS)).to_have_count(100)
    size = page.evaluate("document.querySelectorAll('*').length")
    for _ in range(120):
        last = api.order().json()["id"]
    expect(page.locator(ROWS).first).to_contain_text(last)
    assert page.evaluate("document.querySelectorAll('*').length") == size
    for _ in range(2):
        page.get_by_role("button", name="Older").click()
        expect(page.locator(ROWS).first).not_to_contain_text(last)
        last = page.locator(ROWS).first.inner_text()
    expect(page.locator(ROWS).last).to_contain_text(first)
    page.get_by_role("button", name="Newest").click()
    expect(page.locator(ROWS)).to_have_count(100)


def test_the_page_says_that_the_server_is_gone(opened: Opened) -> None:
    """At once, without being asked."""
    with MockServer() as first:
        page = opened(at=first.url)
        expect(page.locator("#live")).to_have_text("live")
    expect(page.locator("#live")).to_have_text("not connected, trying again")


@pytest.fixture
def things(server: MockServer, api: Api) -> dict[str, str]:
    """Something to show in every view, and the ids of an order and of a message."""
    server.webhooks.add(f"{server.url}/nobody", "order.completion")
    server.webhooks.misbehave("early")
    server.faults.arm("hang", path="/v2/ping")
    order = api.order(**mailed("sam@example.com"), X_Mock_Processing="at-once").json()["id"]
    (message,) = server.webhooks.messages()
    return {"order": order, "message": message.id}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_view_can_be_used_without_a_mouse_and_without_sight(
    view: str, size: dict[str, int], things: dict[str, str], opened: Opened
) -> None:
    """Landmarks, one heading, a name for all that can be used, nothing too wide, light or dark."""
    page = opened(view.format_map(things), viewport=size)
    expect(page.locator("main h1")).to_have_count(1)
    expect(page.locator("nav a[aria-current=page]")).to_have_count(1)
    for landmark in ("banner", "navigation", "main"):
        expect(page.get_by_role(landmark)).to_have_count(1)
    if view not in NO_TABLE:
        expect(page.get_by_role("table").first.get_by_role("row").nth(1)).to_be_visible()
    nameless = page.evaluate(
        """[...document.querySelectorAll("input, select, textarea, button, a")]
        .filter((e) => !(e.labels?.length || e.ariaLabel || e.textContent.trim() || e.title))
        .map((e) => e.outerHTML)"""
    )
    assert nameless == []
    assert page.evaluate("document.querySelectorAll('table:not(:has(caption))').length") == 0
    grounds = set()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert len(grounds) == len(SCHEMES)
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
