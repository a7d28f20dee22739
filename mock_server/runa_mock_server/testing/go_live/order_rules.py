"""Rules of orders: how many, what for, how they are followed and listed."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from runa_mock_server.testing.go_live.rule import Judgement, Theme
from runa_mock_server.testing.go_live.traffic import Request, Traffic, grouped
from runa_schemas.contract_data import RATE_LIMIT

ORDERS = Theme("Orders")

_MINUTE = 60.0
_READS_A_SECOND = 5
_TOLERANCE = 0.01
_ORDER = "/v2/order/"
_PAGING = frozenset({"after", "before"})
_LISTS = ("/v2/order", "/v2/product")
_TEST_DOMAINS = (
    ".invalid", ".test", ".example", ".localhost", "example.com", "example.org", "example.net"
)  # fmt: skip
_WRONG_PRODUCTS = frozenset(
    {
        "product-known",
        "face-value-range",
        "subscription-price",
        "choice-value",
        "choice-products",
        "template-known",
    }
)
# Kindnesses that no other rule judges, and without which the request would have been refused.
_KINDNESSES = {
    "lenient_authentication": "an API key without a dot and a secret",
    "playground_estimates": "POST /order/estimate, which the playground does not have",
    "several_countries": "products without a common country",
}


@ORDERS.rule(
    "order-rate",
    f"No account places more than {RATE_LIMIT} orders a minute, attempts included.",
    f"Let the client place more than {RATE_LIMIT} orders with one key; with clock=manual and "
    "sleeps that move the clock no time passes.",
)
def order_rate(traffic: Traffic) -> Judgement:
    """More orders than the limit came within a minute."""
    found = Judgement()
    for orders in grouped(traffic.orders, lambda r: (r.server, r.account or r.key)).values():
        window: deque[Request] = deque()
        exceeded = False
        for order in orders:
            window.append(order)
            while window[0].seconds_to(order) >= _MINUTE:
                window.popleft()
            if len(window) > RATE_LIMIT and not exceeded:
                exceeded = True
                text = f"{len(window)} orders within a minute"
                found.violate(text, window[0], window[-1])
        if len(orders) > RATE_LIMIT and not exceeded:
            found.proof += [orders[0], orders[-1]]
    return found


@ORDERS.rule(
    "orderable-only",
    "Only products that exist are ordered, and only for values that they are listed with.",
    "Place an order.",
)
def orderable_only(traffic: Traffic) -> Judgement:
    """An order named a product or a value that the catalogue does not have."""
    found = Judgement()
    for request in traffic.orders:
        if request.is_refused and request.rule in _WRONG_PRODUCTS:
            found.violate(f"refused by the rule {request.rule}", request)
        elif request.is_successful:
            found.proof.append(request)
    return found


@ORDERS.rule(
    "test-addresses",
    "Tests send to addresses that cannot exist, such as those under .test and .invalid.",
    "Place an order whose payout goes to an e-mail address.",
)
def addresses_of_tests(traffic: Traffic) -> Judgement:
    """A test ordered for an address that may be somebody's."""
    found = Judgement()
    for request in traffic.orders:
        if traffic.profile(request) != "playground":
            continue
        addresses = list(_addresses(request.body))
        real = [a for a in addresses if not a.lower().rstrip(".").endswith(_TEST_DOMAINS)]
        if real:
            found.violate(f"{real[0]} may be the address of a person", request)
        elif addresses:
            found.proof.append(request)
    return found


def _addresses(body: Any) -> Iterator[str]:
    items = body.get("items") if isinstance(body, dict) else None
    for item in items if isinstance(items, list) else ():
        to = item.get("distribution_method") if isinstance(item, dict) else None
        address = to.get("email_address") if isinstance(to, dict) else None
        if isinstance(address, str):
            yield address


@ORDERS.rule(
    "followed",
    "An async order is followed to its end: polled with pauses, or by webhooks.",
    "Place an async order and poll it until it has ended, or subscribe a webhook.",
)
def followed(traffic: Traffic) -> Judgement:
    """An order was polled without pauses."""
    found = Judgement()
    for client in traffic.clients:
        reads = [r for r in client if r.method == "GET" and r.place.startswith(_ORDER)]
        for same in grouped(reads, lambda request: request.place).values():
            burst = _burst(same)
            if burst:
                text = f"an order was read more than {_READS_A_SECOND} times within a second"
                found.violate(text, burst[0], burst[-1])
            elif len(same) > 1 and _has_ended(same[-1]):
                found.proof += [same[0], same[-1]]
    found.proof += [
        delivery
        for delivery in traffic.deliveries
        if delivery.is_accepted
        and delivery.record["event"] == "order.completion"
        and delivery.record["server"] in traffic.servers  # check-webhooks places no orders
    ]
    return found


def _burst(reads: Sequence[Request]) -> Sequence[Request]:
    for start in range(len(reads) - _READS_A_SECOND):
        some = reads[start : start + _READS_A_SECOND + 1]
        if some[0].seconds_to(some[-1]) < 1 - _TOLERANCE:
            return some
    return ()


def _has_ended(read: Request) -> bool:
    return read.is_successful and read.rule == "order-completes"


@ORDERS.rule(
    "all-pages",
    "Lists are read to their last page.",
    "List more orders or products than a page has room for: place orders, or set "
    "default_page_limit.",
)
def all_pages(traffic: Traffic) -> Judgement:
    """A list was read, and there was more."""
    found = Judgement()
    for client in traffic.clients:
        pages = [r for r in client if r.place in _LISTS and r.page is not None and r.is_successful]
        for same in grouped(pages, _listing).values():
            asked = {_cursor(page) for page in same}
            full = [page for page in same if page.page["entries"] >= page.page["limit"]]
            unread = [page for page in full if page.page["after"] not in asked]
            if unread and len(full) == len(same):
                found.violate("a page was full, and the next one was not read", unread[0])
            elif full and not unread:
                found.proof += same
    return found


def _listing(request: Request) -> tuple[str, str]:
    """The list that a page is of: the path, and the query without cursors."""
    query = [(n, v) for n, v in parse_qsl(request.query) if n not in _PAGING]
    return request.place, urlencode(sorted(query))


def _cursor(request: Request) -> str | None:
    return dict(parse_qsl(request.query)).get("after")


@ORDERS.rule(
    "no-kindness",
    "No request succeeded only because the mock is kinder than the service.",
    "Send any request; the setting strict turns all kindnesses off.",
)
def no_kindness(traffic: Traffic) -> Judgement:
    """A request succeeded only by a kindness."""
    found = Judgement()
    for request in traffic.api:
        if not request.is_successful:
            continue
        kind = [text for name, text in _KINDNESSES.items() if name in request.kindnesses]
        if kind:
            found.violate(f"the mock accepted {' and '.join(kind)}", request)
        else:
            found.proof.append(request)
    return found
