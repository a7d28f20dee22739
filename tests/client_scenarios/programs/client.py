"""A client with one habit, named by its argument; without one it is correct.

It needs the standard library alone, so that it starts fast.
"""

import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

URL = urlsplit(os.environ["RUNA_BASE_URL"])
HABIT = sys.argv[1] if len(sys.argv) > 1 else "careful"
WAIT_429 = float(os.environ.get("WAIT_429", "0.5"))
ATTEMPTS = 6
KNOWN_FIELDS = {
    *("id", "status", "created_at", "completed_at", "description", "payment_method", "currency"),
    *("total_price", "total_discount", "items", "transaction_detail", "metadata", "message"),
}
KNOWN_CATEGORIES = {
    *("beauty-and-lifestyle", "booksellers", "department-stores", "electricals", "entertainment"),
    *("experiences", "fashion", "food-and-drink", "home-and-diy", "jewellers", "mens-fashion"),
    *("leisure-and-sports", "prepaid-card", "supermarkets", "toys-and-games", "travel"),
    "womens-fashion",
}


class LostError(Exception):
    """No whole response came."""

    def __init__(self, *, timed_out: bool = False, cut: bool = False) -> None:
        super().__init__("no response")
        self.timed_out, self.cut = timed_out, cut


def send(method: str, path: str, document: Any = None, key: str | None = None) -> tuple[int, Any]:
    """One request: status and document."""
    timeout = None if HABIT == "no-timeout" else 1.5
    connection = HTTPConnection(str(URL.hostname), URL.port, timeout=timeout)
    headers = {"X-Api-Key": os.environ["RUNA_API_KEY"], "X-Api-Version": "2024-02-05"}
    if HABIT == "no-version":
        del headers["X-Api-Version"]
    if HABIT == "other-api-key":
        headers["X-Api-Key"] = "XX-of-my.own"
    if HABIT == "sync":
        headers["X-Execution-Mode"] = "sync"
    if key is not None:
        headers |= {"X-Idempotency-Key": key, "Content-Type": "application/json"}
    body = None if document is None else json.dumps(document)
    status = None
    try:
        connection.request(method, URL.path + path, body, headers)
        response = connection.getresponse()
        status = response.status
        content = response.read()
        return status, json.loads(content)
    except (OSError, HTTPException, ValueError) as error:
        if status is not None and status >= 400:
            return status, {}
        timed_out = isinstance(error, TimeoutError)
        raise LostError(timed_out=timed_out, cut=status is not None) from None
    finally:
        connection.close()


def new_key() -> str:
    """A fresh key."""
    return "the-key" if HABIT == "constant-key" else str(uuid.uuid4())


def body(number: int = 1) -> dict[str, Any]:
    """An order of one item."""
    return {
        "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "USD"},
        "items": [
            {
                "face_value": 10,
                "distribution_method": {"type": "PAYOUT_LINK"},
                "products": {"type": "SINGLE", "value": "1800FL-US"},
            }
        ],
        "description": f"order {number}",
    }


def place(document: dict[str, Any]) -> dict[str, Any] | None:
    """Order with retries; the accepted order, or ``None`` where the refusal is ignored."""
    key = new_key()
    for attempt in range(ATTEMPTS):
        if HABIT == "changed-body":
            document = document | {"description": f"at {time.time()}"}
        try:
            status, answer = send("POST", "/order", document, key)
        except LostError as lost:
            if after_loss(lost) or (HABIT == "new-key-on-second-retry" and attempt == 1):
                key = new_key()
            continue
        if status < 300:
            accepted: dict[str, Any] = answer
            return accepted
        if status == 429 or status >= 500:
            if after_transient(status, answer):
                key = new_key()
        elif HABIT == "ignores-refusals":
            return None
        elif not repeats(status, answer) or attempt == 2:
            raise SystemExit(f"refused: {status} {answer.get('type')}")
    raise SystemExit("gave up")


def after_loss(lost: LostError) -> bool:
    """Whether to take a new key after a lost response."""
    if HABIT == "no-retry":
        raise SystemExit("no response")
    time.sleep(0.02)
    return {
        "new-key": True,
        "new-key-on-timeout": lost.timed_out,
        "new-key-on-cut": lost.cut,
    }.get(HABIT, False)


def after_transient(status: int, answer: Any) -> bool:
    """Wait after a 429 or a 5xx; whether to take a new key."""
    if HABIT == "no-retry" or (HABIT == "no-retry-5xx" and status >= 500):
        raise SystemExit(f"status {status}")
    if status >= 500:
        time.sleep(0.02)
        return HABIT in {"new-key", "new-key-on-503"}
    is_limit = "rate exceeded" in str(answer) or HABIT != "reads-message-of-429"
    time.sleep(WAIT_429 if is_limit and HABIT != "no-wait-429" else 0)
    return False


def repeats(status: int, answer: Any) -> bool:
    """Whether to send a refused order again."""
    return {
        "retries-refusals": True,
        "retries-403": status == 403,
        "reads-message-of-400": "later version" in str(answer.get("message")),
    }.get(HABIT, False)


def read(order_id: str) -> dict[str, Any]:
    """One read, with retries."""
    for _ in range(ATTEMPTS):
        try:
            status, order = send("GET", f"/order/{order_id}")
        except LostError:
            if HABIT == "crashes-on-lost-poll":
                raise
            if HABIT == "orders-again-on-lost-poll":
                order_id = str((place(body()) or {})["id"])
            time.sleep(0.25)
            continue
        if status == 200:
            found: dict[str, Any] = order
            return found
        if status < 500 and status != 429:
            raise SystemExit(f"the read was refused: {status}")
        time.sleep(0.25)
    raise SystemExit("cannot read the order")


def wait(order_id: str) -> dict[str, Any]:
    """Poll an order to its end."""
    pause = {"polls-400": 0.4, "polls-500": 0.5, "hammers": 0.0}.get(HABIT, 0.25)
    last = {"COMPLETED"} if HABIT == "waits-for-completed" else {"COMPLETED", "FAILED"}
    started = time.monotonic()
    while True:
        order = read(order_id)
        if HABIT == "strict-fields" and order.keys() - KNOWN_FIELDS:
            raise SystemExit("unknown fields")
        if HABIT == "key-order" and next(iter(order)) != "id":
            raise SystemExit("not an order")
        if order["status"] in last or HABIT == "reads-once":
            return order
        if HABIT == "orders-again-when-slow" and time.monotonic() - started > 2:
            order_id = str((place(body()) or {})["id"])
            started += 1_000
        time.sleep(pause)


def read_catalogue() -> None:
    """Walk through all products until the one to order is found, as well as the categories."""
    _, found = send("GET", "/product/categories")
    codes = {category["code"] for category in found["categories"]}
    if HABIT == "strict-values" and codes - KNOWN_CATEGORIES:
        raise SystemExit("unknown category")
    path = "/product"
    while True:
        _, page = send("GET", path)
        after = page["pagination"]["cursors"]["after"]
        if after is None or HABIT == "first-page":
            return
        path = f"/product?after={after}"


def shop(number: int = 1, left: int = 2) -> None:
    """Place an order and wait for its end."""
    accepted = place(body(number))
    if accepted is None or HABIT == "never-reads":
        return
    order = accepted if HABIT == "sync" else wait(str(accepted["id"]))
    if HABIT == "legacy-fields" and order["status"] == "COMPLETED":
        _ = order["items"][0]["redemption_url"]
    if order["status"] == "FAILED" and HABIT == "orders-anew" and left:
        shop(number, left - 1)
    elif order["status"] == "FAILED" and HABIT != "ignores-failed":
        raise SystemExit("the order failed")


def list_instead() -> None:
    """Order, and look for the end in the list of orders."""
    order_id = (place(body()) or {})["id"]
    for _ in range(100):
        try:
            _, page = send("GET", "/order")
        except LostError:
            continue
        for order in page.get("items", ()):
            if order["id"] == order_id and order["status"] != "PROCESSING":
                if order["status"] == "FAILED":
                    raise SystemExit("the order failed")
                return
        time.sleep(0.25)


def in_threads() -> None:
    """Two different orders at the same time."""
    failures: list[str] = []

    def one(number: int) -> None:
        try:
            shop(number)
        except SystemExit as end:
            failures.append(str(end))

    threads = [threading.Thread(target=one, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise SystemExit(failures[0])


def suite() -> None:
    """A test suite: replays and conflicts on purpose, a refusal that is replayed as well."""

    def ask(document: dict[str, Any], key: str) -> tuple[int, Any]:
        for _ in range(ATTEMPTS):
            try:
                status, answer = send("POST", "/order", document, key)
            except LostError:
                continue
            if status < 500 and status != 429:
                return status, answer
            time.sleep(WAIT_429)
        raise SystemExit("gave up")

    key = new_key()
    status, first = ask(body(), key)
    if status != 202:
        raise SystemExit(f"1 failed: {first}")
    assert ask(body(), key) == (202, first)
    assert ask(body(2), key)[0] == 400
    assert ask(body(), key) == (202, first)
    assert ask(body(2), new_key())[0] == 202
    wrong = body() | {"items": []}
    key = new_key()
    assert ask(wrong, key) == ask(wrong, key)
    if wait(first["id"])["status"] == "FAILED":
        raise SystemExit("1 failed")
    assert ask(body(), key)[0] == 400
    sys.stdout.write("5 passed in 0.1s\n")


def twice() -> None:
    """The same order twice on purpose, or two different ones."""
    shop()
    shop(1 if HABIT == "same-twice" else 2)


PROGRAMS: dict[str, Callable[[], None]] = {
    "suite": suite,
    "same-twice": twice,
    "constant-key": twice,
    "lists": list_instead,
    "threads": in_threads,
}
if HABIT != "other-api-key":
    for _ in range(ATTEMPTS):
        try:
            read_catalogue()
        except (LostError, KeyError, TypeError):
            continue
        break
PROGRAMS.get(HABIT, shop)()
