"""Suites of a client, each of which proves or violates one rule of the go-live report."""

import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import requests

from runa_mock_server import MockServer
from runa_mock_server.server_state.traffic import Record
from runa_mock_server.testing.recording import SessionRecording, TrafficFile
from support.api import TIMEOUT, body, item
from support.receiver import Receiver, status
from support.waiting import until

SHOP = "XX-shop.secret-of-the-shop"
FAR = ["DEMADV-ES", "AUCHAN-FR"]  # of one currency, without a common country
EMAIL = {"type": "EMAIL", "email_address": "person@example.test"}


class Client:
    """A client that does everything right, unless it is told otherwise.

    Args:
        server: whom it calls.
        key: its API key.
        agent: its user agent.
    """

    def __init__(self, server: MockServer, key: str = SHOP, agent: str = "shop/1.0") -> None:
        self.server = server
        self.headers: dict[str, str | None] = {
            "X-Api-Key": key,
            "X-Api-Version": "2024-02-05",
            "User-Agent": agent,
        }
        self._session = requests.Session()
        self._session.trust_env = False

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def call(self, method: str, path: str, **options: Any) -> requests.Response | None:
        """Send one request; ``None`` if no answer comes."""
        headers = {**self.headers, **options.pop("headers", {})}
        url = path if path.startswith("http") else self.server.base_url + path
        try:
            return self._session.request(method, url, headers=headers, timeout=TIMEOUT, **options)
        except requests.ConnectionError:
            return None

    def get(self, path: str, **headers: str | None) -> Any:
        """Read a path; the JSON, if it is some."""
        response = self.call("GET", path, headers=_dashed(headers))
        return None if response is None else response.json()

    def order(
        self, document: Any = None, key: str | None = None, mode: str = "async", **headers: Any
    ) -> requests.Response | None:
        """Place an order, with a random key unless another is given."""
        own = {
            "X-Idempotency-Key": str(uuid.uuid4()) if key is None else key,
            "X-Execution-Mode": mode,
            "Content-Type": "application/json",
        }
        sent = body() if document is None else document
        return self.call("POST", "/order", json=sent, headers={**own, **_dashed(headers)})

    def placed(self, document: Any = None, mode: str = "async") -> dict[str, Any]:
        """Place an order that is accepted."""
        response = self.order(document, mode=mode)
        assert response is not None
        assert response.ok, response.text
        found: dict[str, Any] = response.json()
        return found

    def wait(self, seconds: float) -> None:
        """Let the time of the server pass."""
        self.server.clock.advance(seconds)


def _dashed(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


class Session:
    """A session of tests, whose traffic is recorded.

    Args:
        file: takes the traffic.
        recording: observes the servers.
    """

    def __init__(self, file: TrafficFile, recording: SessionRecording) -> None:
        self._file, self._recording = file, recording
        self._opened = ExitStack()

    def close(self) -> None:
        """Stop the servers."""
        self._opened.close()

    def client(self, key: str = SHOP, agent: str = "shop/1.0", **settings: Any) -> Client:
        """A client of a new server."""
        server = self._opened.enter_context(MockServer(**({"clock": "manual"} | settings)))
        return self.another(server, key, agent)

    def another(self, server: MockServer, key: str = SHOP, agent: str = "shop/1.0") -> Client:
        """Another client of a server."""
        return self._opened.enter_context(closing(Client(server, key, agent)))

    def write(self, record: Record) -> None:
        """Add a record to the traffic."""
        self._file.write(record)

    @contextmanager
    def test(self, name: str, outcome: str = "passed") -> Iterator[None]:
        """A test with a name and an outcome."""
        self._recording.test = name
        yield
        self._recording.test = None
        self.write({"kind": "test", "test": name, "outcome": outcome})


Suite = Callable[[Session], object]


def record(path: Path, suite: Suite) -> Path:
    """Run a suite and record its traffic in a file."""
    file = TrafficFile(path, "pytest")
    with SessionRecording(None, file) as recording, closing(file):
        session = Session(file, recording)
        try:
            suite(session)
        finally:
            session.close()
    return path


def ordered(session: Session) -> Client:
    """Two orders, the first of them followed to its end."""
    client = session.client()
    order_id = client.placed()["id"]
    client.get(f"/order/{order_id}")
    client.wait(2)
    client.get(f"/order/{order_id}")
    client.placed(body(description="another"))
    return client


def failing(
    client: Client, waits: list[float], fault: Mapping[str, Any], **changes: Any
) -> list[requests.Response | None]:
    """Answer an order with a fault as often as a client waits, and let it try again."""
    client.server.faults.arm(**{**fault, "method": "POST", "times": len(waits)})
    key = str(uuid.uuid4())
    answers = [client.order(key=key)]
    for wait in waits:
        client.wait(wait)
        answers.append(client.order(key=changes.get("key", key), document=changes.get("document")))
    return answers


UNAVAILABLE: Mapping[str, Any] = {"kind": "status", "status": 503}
LOST: Mapping[str, Any] = {"kind": "reset", "place": "after_commit"}
LIMITED: Mapping[str, Any] = {"kind": "rate_limit"}


def triggered(error: str, again: str | None = None, **changes: Any) -> Suite:
    """An order that is refused with an error, and perhaps sent again."""

    def suite(session: Session) -> None:
        client = session.client(trigger_error=error)
        key = str(uuid.uuid4())
        client.order(key=key, **changes)
        if again is not None:
            client.wait(60)
            client.order(key=key if again == "same" else None, **changes)

    return suite


def sold_out(*, again: bool) -> Suite:
    """An order of a product that is sold out."""

    def suite(session: Session) -> None:
        client = session.client()
        client.server.products.change("1800FL-US", is_orderable=False)
        key = str(uuid.uuid4())
        for _ in range(2 if again else 1):
            client.order(key=key)

    return suite


def corrected(session: Session) -> None:
    """A refused order and the corrected one, with a new key."""
    client = session.client()
    client.order(body(items=[]))
    client.placed()


def months(session: Session) -> None:
    """Two orders with a month between them."""
    client = session.client()
    client.placed()
    client.wait(31 * 86_400)
    client.placed()


def many_orders(pause: float) -> Suite:
    """More orders than the limit of a minute."""

    def suite(session: Session) -> None:
        client = session.client()
        for number in range(301):
            client.placed()
            if number % 100 == 99:
                client.wait(pause)

    return suite


def altered(outcome: str, *names: str, error: bool = False) -> Suite:
    """Tests with answers of a later version."""

    def suite(session: Session) -> None:
        for name in names:
            with session.test(f"tests/test_{name}.py::test_it", outcome):
                settings: dict[str, Any] = {name: name != "legacy_item_fields"}
                client = session.client(**settings)
                if error:
                    client.order(X_Trigger_Error="insufficient_funds")
                else:
                    client.placed(mode="sync")

    return suite


def redeemed(outcome: str, code: str = "RE006", wait: float | None = None) -> Suite:
    """A test that redeems a payout, which is refused."""

    def suite(session: Session) -> None:
        with session.test("tests/test_redeem.py::test_it", outcome):
            client = session.client(redemption_error=code)
            link = client.placed(mode="sync")["items"][0]["payout"]["url"]
            client.call("GET", f"{link}?format=json")
            if wait is not None:
                client.wait(wait)
                client.call("GET", f"{link}?format=json")

    return suite


def delivered(*, accepts_forged: bool) -> Suite:
    """A webhook handler that gets a forged delivery and a good one."""

    def suite(session: Session) -> None:
        client = session.client()
        with Receiver() as receiver:
            answers = [] if accepts_forged else [status(401)]
            hooks = client.server.webhooks
            hooks.add(receiver.script("/hook", *answers), "order.completion")
            hooks.misbehave("wrong_signature")
            for _ in range(2):
                client.placed()
                client.wait(10)
            until(lambda: sum(len(m.deliveries[0].attempts) for m in hooks) >= 3 - accepts_forged)

    return suite


def pages(*, to_the_end: bool) -> Suite:
    """A list of which one page has room for half."""

    def suite(session: Session) -> None:
        client = session.client()
        for _ in range(2):
            client.placed()
        path = "/order?limit=2"
        after = client.get(path)["pagination"]["cursors"]["after"]
        if to_the_end:
            client.get(f"{path}&after={after}")

    return suite


def production(**headers: str) -> Suite:
    """An order on the production profile."""
    key = "wg-shop.secret-of-production"

    def suite(session: Session) -> None:
        client = session.client(key, profile="production", balances={"USD": "100"})
        client.order(**headers)

    return suite


def pinged(key: str = SHOP, agent: str = "shop/1.0", path: str = "/ping", **headers: Any) -> Suite:
    """A request that orders nothing."""
    return lambda session: session.client(key, agent).get(path, **headers)


def order_with(document: Any = None, **headers: Any) -> Suite:
    """One order, right but for what is given."""
    return lambda session: session.client().order(document, **headers)


def keys(*chosen: str, document: Any = None) -> Suite:
    """Different orders with certain keys."""

    def suite(session: Session) -> None:
        client = session.client()
        for number, key in enumerate(chosen):
            client.order(document or body(description=f"gift {number}"), key=key)

    return suite


def same_key(first: Any, second: Any) -> Suite:
    """Two orders with the same key."""

    def suite(session: Session) -> None:
        client, key = session.client(), str(uuid.uuid4())
        client.order(first, key=key)
        client.order(second, key=key)

    return suite


def two_applications(*, share: bool) -> Suite:
    """Two applications on one server."""

    def suite(session: Session) -> None:
        client = session.client()
        client.get("/ping")
        other = SHOP if share else "XX-billing.secret-of-billing"
        session.another(client.server, other, "billing/2.1").get("/ping")

    return suite


def read_often(session: Session) -> None:
    """An order that is polled without pauses, by no clock."""
    client = session.client(processing="reads:40")
    order_id = client.placed()["id"]
    for _ in range(40):
        client.get(f"/order/{order_id}")


def after_30_days(session: Session) -> None:
    """A key that comes again after a month."""
    client, key = session.client(), str(uuid.uuid4())
    for _ in range(2):
        client.order(key=key)
        client.wait(31 * 86_400)


def impatient_elsewhere(session: Session) -> None:
    """Another order right after a 429."""
    client = session.client()
    client.server.faults.arm("rate_limit", method="POST")
    client.order(body(description="one"))
    client.order(body(description="two"))


def refused_key(*, again: bool) -> Suite:
    """A key that the server does not take."""

    def suite(session: Session) -> None:
        client = session.client("nothing.that-is-known")
        for _ in range(2 if again else 1):
            client.get("/balance")

    return suite


def digest(text: str) -> str:
    """A random-looking key that is always the same."""
    return hashlib.sha256(text.encode()).hexdigest()


PROOFS: Mapping[str, Suite] = {
    "key-in-header": pinged(),
    "no-browser": pinged(),
    "key-environment": pinged(),
    "key-per-application": two_applications(share=False),
    "version-pinned": pinged(),
    "execution-mode": order_with(),
    "content-type": order_with(),
    "playground-headers": production(),
    "https": pinged(X_Forwarded_Proto="https"),
    "idempotency-key": order_with(),
    "key-fresh": ordered,
    "key-random": ordered,
    "retry-same-request": lambda session: failing(session.client(), [1], LOST),
    "key-after-correction": corrected,
    "key-not-after-30-days": months,
    "final-4xx": triggered("payment_method_unavailable"),
    "retried-5xx": lambda session: failing(session.client(), [1, 2, 4], UNAVAILABLE),
    "wait-after-429": lambda session: failing(session.client(), [5, 10], LIMITED),
    "insufficient-funds": triggered("insufficient_funds"),
    "sold-out": sold_out(again=False),
    "ordering-restricted": triggered("ordering_restricted"),
    "revoked-key": triggered("forbidden"),
    "version-removed": triggered("version_removed"),
    "order-rate": many_orders(30),
    "orderable-only": order_with(),
    "test-addresses": order_with(body(items=[item(distribution_method=EMAIL)])),
    "followed": ordered,
    "all-pages": pages(to_the_end=True),
    "no-kindness": pinged(),
    "tolerant": altered("passed", "unknown_fields", "reordered_keys", "unknown_values"),
    "no-error-texts": altered("passed", "other_texts", error=True),
    "no-legacy-fields": altered("passed", "legacy_item_fields"),
    "redemption-status": redeemed("passed"),
    "webhooks-verified": delivered(accepts_forged=False),
}
"""For each rule that can be proven a suite that does."""

VIOLATIONS: Mapping[str, tuple[str, Suite]] = {
    "key in the URL": ("key-in-header", pinged(path=f"/ping?api_key={SHOP}")),
    "key in the user agent": ("key-in-header", pinged(agent=f"shop/1.0 {SHOP}")),
    "key in metadata": ("key-in-header", order_with(body(metadata={"from": SHOP}))),
    "origin": ("no-browser", pinged(Origin="https://shop.example")),
    "fetch": ("no-browser", pinged(Sec_Fetch_Mode="cors")),
    "production key": (
        "key-environment",
        lambda session: session.client(api_keys=["wg-shop.secret"]).get(
            "/ping", X_Api_Key="wg-shop.secret"
        ),
    ),
    "shared key": ("key-per-application", two_applications(share=True)),
    "no version": ("version-pinned", pinged(X_Api_Version=None)),
    "no mode": ("execution-mode", order_with(X_Execution_Mode=None)),
    "text/plain": ("content-type", order_with(Content_Type="text/plain")),
    "trigger in production": ("playground-headers", production(X_Trigger_Error="timeout")),
    "mail in production": ("playground-headers", production(X_Send_Email="true")),
    "http": ("https", pinged(X_Forwarded_Proto="http")),
    "no key": ("idempotency-key", order_with(X_Idempotency_Key=None)),
    "key for another order": ("key-fresh", same_key(body(), body(description="another"))),
    "counter": ("key-random", keys("shop-of-anna-order-000123", "shop-of-anna-order-000124")),
    "address": ("key-random", keys("person@example.test-Quaeth4eeghohSh8")),
    "value": (
        "key-random",
        keys("invoice-7QX4-77KLM-zooWohGh", document=body(description="7QX4-77KLM")),
    ),
    "short": ("key-random", keys("order-1")),
    "new key on retry": (
        "retry-same-request",
        lambda session: failing(session.client(), [1], LOST, key=digest("new")),
    ),
    "new key after 503": (
        "retry-same-request",
        lambda session: failing(session.client(), [1, 2, 4], UNAVAILABLE, key=digest("newer")),
    ),
    "other body on retry": (
        "retry-same-request",
        lambda session: failing(
            session.client(), [1], UNAVAILABLE, document=body(description="changed")
        ),
    ),
    "corrected with the old key": ("key-after-correction", same_key(body(items=[]), body())),
    "key after 30 days": ("key-not-after-30-days", after_30_days),
    "refused and sent again": ("final-4xx", triggered("payment_method_unavailable", "same")),
    "invalid under another key": (
        "final-4xx",
        triggered("payment_method_unavailable", "other", document=body(items=[])),
    ),
    "constant pauses": (
        "retried-5xx",
        lambda session: failing(session.client(), [2, 2, 2], UNAVAILABLE),
    ),
    "two equal pauses": (
        "retried-5xx",
        lambda session: failing(session.client(), [3, 3], UNAVAILABLE),
    ),
    "early after 429": (
        "wait-after-429",
        lambda session: failing(session.client(), [1, 10], LIMITED),
    ),
    "no longer after the second 429": (
        "wait-after-429",
        lambda session: failing(session.client(), [6, 6], LIMITED),
    ),
    "another order after 429": ("wait-after-429", impatient_elsewhere),
    "no funds again": ("insufficient-funds", triggered("insufficient_funds", "same")),
    "sold out again": ("sold-out", sold_out(again=True)),
    "restricted again": ("ordering-restricted", triggered("ordering_restricted", "same")),
    "revoked again": ("revoked-key", triggered("forbidden", "same")),
    "refused key again": ("revoked-key", refused_key(again=True)),
    "removed again": ("version-removed", triggered("version_removed", "same")),
    "too many orders": ("order-rate", many_orders(0)),
    "unknown product": (
        "orderable-only",
        order_with(body(items=[item(products={"type": "SINGLE", "value": "NOTHING-US"})])),
    ),
    "unlisted value": ("orderable-only", order_with(body(items=[item(face_value=5)]))),
    "address of a person": (
        "test-addresses",
        order_with(
            body(
                items=[
                    item(distribution_method=EMAIL | {"email_address": "ann@gmail.com"}),
                ]
            )
        ),
    ),
    "polled without pauses": ("followed", read_often),
    "first page only": ("all-pages", pages(to_the_end=False)),
    "key without a dot": ("no-kindness", pinged(key="XX-shop")),
    "estimate on the playground": (
        "no-kindness",
        lambda session: session.client().call(
            "POST",
            "/order/estimate",
            json=body(items=[{n: v for n, v in item().items() if n != "distribution_method"}]),
        ),
    ),
    "several countries": (
        "no-kindness",
        order_with(
            body(
                payment_method={"type": "ACCOUNT_BALANCE", "currency": "EUR"},
                items=[item(products={"type": "MULTIPLE", "values": FAR})],
            )
        ),
    ),
    "unknown fields": ("tolerant", altered("failed", "unknown_fields")),
    "reordered keys": ("tolerant", altered("failed", "reordered_keys")),
    "unknown values": ("tolerant", altered("failed", "unknown_values")),
    "error texts": ("no-error-texts", altered("failed", "other_texts", error=True)),
    "legacy fields": ("no-legacy-fields", altered("failed", "legacy_item_fields")),
    "redemption read by HTTP status": ("redemption-status", redeemed("failed")),
    "redeemed again at once": ("redemption-status", redeemed("passed", "RE009", 5)),
    "forged webhook accepted": ("webhooks-verified", delivered(accepts_forged=True)),
}
"""Suites that violate one rule each, by what is wrong in them."""
