"""Servers that are not what they should be are caught, by the check that is there for it."""

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from runa_conformance import Report, TargetError, conform
from runa_mock_server import ManualClock, MockServer
from runa_mock_server.catalogue.catalogue import Catalogue, built_in
from support.gateway import Change, HangUp, Message, base_url, gateway, unchanged

KEY = "XX-conformance.own-secret"
ITEM_KEYS = ("items", "catalog")


def answers(
    change: Callable[[Any], Any], *, path: str = "", method: str = "", status: int = 0
) -> Change:
    """Change the documents of some answers."""

    def altered(message: Message) -> Message:
        fits = (
            message.path.startswith(f"/v2{path}")
            and method in ("", message.method)
            and status in (0, message.status)
        )
        if not fits:
            return message
        return replace(message, body=json.dumps(change(json.loads(message.body))).encode())

    return altered


def _without(name: str) -> Callable[[Any], Any]:
    return lambda document: {key: value for key, value in document.items() if key != name}


def _skipping(document: Any) -> Any:
    """A page whose first entry has got lost."""
    name = next(key for key in ITEM_KEYS if key in document)
    return {**document, name: document[name][1:] or document[name]}


def _status(old: int, new: int) -> Change:
    return lambda message: replace(message, status=new) if message.status == old else message


def _fresh_keys(message: Message) -> Message:
    """A server that forgets idempotency keys."""
    if "x-idempotency-key" not in message.headers:
        return message
    return replace(message, headers={**message.headers, "x-idempotency-key": uuid4().hex})


def _with_key(change: Callable[[str], str]) -> Change:
    """A server that looks at a part of an idempotency key only."""

    def changed(message: Message) -> Message:
        key = message.headers.get("x-idempotency-key")
        if not key:
            return message
        return replace(message, headers={**message.headers, "x-idempotency-key": change(key)})

    return changed


def _unknown_link_not_enabled(message: Message) -> Message:
    if b"RE011" not in message.body:
        return message
    return replace(message, body=message.body.replace(b"RE011", b"RE013"))


def _failed_order_is_redeemed(message: Message) -> Message:
    if b"RE012" not in message.body:
        return message
    return replace(message, body=message.body.replace(b'"ERROR"', b'"SUCCESS"'))


def _without_header(name: str) -> Change:
    return lambda message: replace(
        message, headers={key: value for key, value in message.headers.items() if key != name}
    )


def _plain_text(message: Message) -> Message:
    if message.path == "/v2/ping":
        return message
    return replace(message, headers={**message.headers, "content-type": "text/plain"})


def _renamed(old: str, new: str) -> Callable[[Any], Any]:
    return lambda document: {**document, "type": new} if document.get("type") == old else document


STORY = "orders.an_order_completes"
# A few products, because the suite reads them all in each of many runs.
FEW = Catalogue([p for p in built_in().products if p["currency"] == "CAD"][:9])

BROKEN: dict[str, tuple[Change, Change, str, str]] = {
    "a field has gone": (
        unchanged,
        answers(_without("description"), path="/order/", status=200),
        STORY,
        "answers.fit_their_schemas",
    ),
    "a field is new": (
        unchanged,
        answers(lambda found: {**found, "now": 1}, path="/ping"),
        "access.ping*",
        "answers.fit_their_schemas",
    ),
    "a field has another type": (
        unchanged,
        answers(lambda found: {**found, "total_price": 21}, path="/order/", status=200),
        "contents.money*",
        "answers.fit_their_schemas",
    ),
    "keys have another order": (
        unchanged,
        answers(lambda found: dict(reversed(found.items())), path="/order/"),
        STORY,
        STORY,
    ),
    "accepted is created": (
        unchanged,
        _status(202, 201),
        "orders.an_async*",
        "orders.an_async_order_is_accepted",
    ),
    "a status is wrong": (
        unchanged,
        _status(422, 400),
        "bodies.an_order_has*",
        "answers.carry_the_status_of_their_type",
    ),
    "a type is wrong": (
        unchanged,
        answers(_renamed("not_found", "bad_request"), path="/order/"),
        "paths.an_unknown_order*",
        "paths.an_unknown_order_is_not_found",
    ),
    "keys are forgotten": (
        _fresh_keys,
        unchanged,
        "idempotency.a_replay*",
        "idempotency.a_replay_makes_no_second_order",
    ),
    "keys are compared without case": (
        _with_key(str.lower),
        unchanged,
        "idempotency.every*",
        "idempotency.every_character_of_a_key_counts",
    ),
    "keys are cut": (
        _with_key(lambda key: key[:64]),
        unchanged,
        "idempotency.every*",
        "idempotency.every_character_of_a_key_counts",
    ),
    "an unknown link is not enabled": (
        unchanged,
        _unknown_link_not_enabled,
        "redemption.an_unknown*",
        "redemption.an_unknown_link_is_an_error_in_the_body",
    ),
    "a failed order is redeemed": (
        unchanged,
        _failed_order_is_redeemed,
        "redemption.the_link*",
        "redemption.the_link_of_a_failed_order_gives_no_code",
    ),
    "a page skips an order": (
        unchanged,
        answers(_skipping, path="/order", method="GET", status=200),
        "lists.pages*",
        "lists.pages_join_to_the_list",
    ),
    "a page skips a product": (
        unchanged,
        answers(_skipping, path="/product", method="GET", status=200),
        "catalogue.pages*",
        "catalogue.pages_join_to_the_catalogue",
    ),
    "no version is named": (
        unchanged,
        _without_header("x-api-version"),
        "access.ping*",
        "answers.name_the_version",
    ),
    "JSON is called text": (unchanged, _plain_text, "access.the_version*", "answers.are_json"),
    "an answer is no JSON": (
        unchanged,
        lambda m: m if m.path == "/v2/ping" else replace(m, body=b"<html>"),
        "balances.balances*",
        "balances.balances_above_zero_are_listed",
    ),
    "an amount is a word": (
        unchanged,
        answers(lambda found: [{**found[0], "balance": "much"}], path="/balance", status=200),
        "balances.balances*",
        "balances.balances_above_zero_are_listed",
    ),
    "an answer is a list": (
        unchanged,
        lambda m: m if m.path == "/v2/ping" else replace(m, body=b"[[]]"),
        "catalogue.products*",
        "catalogue.products_are_filtered_by_is_orderable",
    ),
}


def run(broken: tuple[Change, Change, str, str], **options: Any) -> Report:
    """Check a mock behind a gateway that breaks something."""
    change_request, change_answer, selected, _ = broken
    clock = ManualClock()
    with (
        MockServer(clock=clock, catalogue=FEW) as server,
        gateway(server.url, request=change_request, answer=change_answer) as broken_server,
    ):
        return conform(
            base_url(broken_server),
            KEY,
            select=selected.split(),
            allow_orders=True,
            sleep=clock.advance,
            **options,
        )


@pytest.mark.once
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_server_is_caught(broken: tuple[Change, Change, str, str]) -> None:
    """The check that is there for it fails, and says what it saw."""
    report = run(broken)
    assert not report.passed
    failed = {result.name: result for result in report.results if result.status == "failed"}
    assert broken[3] in failed
    assert failed[broken[3]].reason


def test_a_good_server_passes_behind_the_gateway() -> None:
    """The premise of the others: the gateway itself breaks nothing."""
    selected = " ".join(selected for _, _, selected, _ in BROKEN.values())
    report = run((unchanged, unchanged, selected, ""))
    assert report.passed
    assert not report.count("skipped")


def test_a_wrong_answer_is_told_with_what_was_sent() -> None:
    """The reason has request, answer and expectation; the API key is not in it."""
    report = run(BROKEN["a status is wrong"])
    found = next(r for r in report.results if r.name == "bodies.an_order_has_1_to_200_items")
    assert found.status == "failed"
    assert "POST /order: answered 400 validation_error, expected 422" in str(found.reason)
    assert '"items":[]' in str(found.sent)
    assert "$RUNA_API_KEY" in str(found.sent)
    assert str(found.received).startswith("400 application/json")
    assert KEY not in f"{found.reason} {found.sent} {found.received}"


def _without_estimates(message: Message) -> Message:
    if message.path != "/v2/order/estimate":
        return message
    gone = {"type": "not_found", "message": "There is nothing here.", "help": None}
    return replace(message, status=404, body=json.dumps(gone).encode())


def reasons(report: Report) -> dict[str, str]:
    """Why the checks that were skipped were."""
    return {r.name: str(r.reason) for r in report.results if r.status == "skipped"}


def test_what_a_server_lacks_is_skipped() -> None:
    """The real playground has no estimates: their checks say so, and none fails."""
    report = run((unchanged, _without_estimates, "estimates", ""))
    assert report.passed
    assert set(reasons(report).values()) >= {"the server has no POST /order/estimate"}
    assert not [r for r in report.results if r.name.startswith("estimates.") and not r.reason]


def test_what_an_account_lacks_is_skipped() -> None:
    """Checks of the redemption API are skipped where it is not enabled."""
    clock = ManualClock()
    with MockServer(clock=clock, catalogue=FEW, redemption_api=False) as server:
        report = conform(
            server.base_url, KEY, select=["redemption"], allow_orders=True, sleep=clock.advance
        )
    assert report.passed
    assert "not enabled" in reasons(report)["redemption.a_link_is_redeemed_once"]


def test_what_the_catalogue_lacks_is_skipped() -> None:
    """With a single fixed product there is little to order, and each check says what it misses."""
    fixed = next(p for p in built_in().products if p["code"] == "BAW-GB")
    clock = ManualClock()
    with MockServer(clock=clock, catalogue=Catalogue([fixed])) as server:
        report = conform(server.base_url, KEY, allow_orders=True, sleep=clock.advance)
    assert report.passed, [r for r in report.results if r.status == "failed"]
    assert sum("the catalogue has no" in reason for reason in reasons(report).values()) > 40


def test_one_cause_is_told_once() -> None:
    """A field that every answer lacks is one line, however many checks met it."""
    lacking = answers(_without("help"), status=401)
    report = run((unchanged, lacking, "access.*", ""))
    failed = {result.name: result.reason for result in report.results if result.status == "failed"}
    assert set(failed) == {"answers.fit_their_schemas"}
    reasons = str(failed["answers.fit_their_schemas"]).splitlines()
    assert all("$.help is required" in reason for reason in reasons)


def test_an_echoed_key_is_not_repeated() -> None:
    """Even a server that tells the API key in its errors does not get it into the report."""
    telling = answers(lambda found: {**found, "type": KEY}, path="/order/")
    report = run((unchanged, telling, "paths.an_unknown_order*", ""))
    assert not report.passed
    assert KEY not in "".join(f"{r.reason} {r.sent} {r.received} {r.cause}" for r in report.results)


def test_a_server_that_falls_silent_ends_the_run() -> None:
    """After a few checks without an answer the rest is skipped with that reason."""
    requests_left = [3]

    def dying(message: Message) -> Message:
        requests_left[0] -= 1
        if requests_left[0] < 0:
            raise HangUp
        return message

    report = run((dying, unchanged, "access", ""), timeout=5)
    statuses = [(r.status, r.reason) for r in report.results if r.name.startswith("access.")]
    assert sum(status == "failed" for status, _ in statuses) == 3
    assert statuses[-1] == ("skipped", "the server has stopped answering")


def _silence() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def test_a_server_that_never_answers_cannot_be_checked() -> None:
    """The wait for an answer is limited, and its end is one line."""
    with _silence() as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v2"
        with pytest.raises(TargetError, match=r"cannot be reached: GET /ping: no answer") as caught:
            conform(url, KEY, timeout=0.05)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda m: replace(m, headers={"content-type": "text/html"}), "no payouts API"),
        (_status(200, 403), "refuses the API key: 403"),
    ],
)
def test_what_is_no_service_cannot_be_checked(change: Change, named: str) -> None:
    """A web site, or a service that does not know the key, is one line and no report."""
    with pytest.raises(TargetError, match=named):
        run((unchanged, change, "access", ""))


@pytest.mark.parametrize(
    ("url", "key", "options", "named"),
    [
        (None, KEY, {}, "RUNA_BASE_URL"),
        ("http://127.0.0.1:1/v2", None, {}, "RUNA_API_KEY"),
        ("http://127.0.0.1:1", KEY, {}, "/v2"),
        ("ftp://127.0.0.1/v2", KEY, {}, "http"),
        ("http://127.0.0.1:1/v2", "with a space", {}, "white space"),
        ("http://127.0.0.1:1/v2", KEY, {"other_api_key": KEY}, "another account"),
        ("http://127.0.0.1:1/v2", KEY, {"other_api_key": " x"}, "the other API key"),
        ("http://127.0.0.1:1/v2", KEY, {"timeout": 0}, "above 0"),
        ("http://127.0.0.1:1/v2", KEY, {"select": ["lists.the_newest*"]}, "--allow-orders"),
        ("http://127.0.0.1:1/v2", KEY, {"select": ["nothing"]}, "nothing"),
        ("http://127.0.0.1:1/v2", KEY, {}, "cannot be reached"),
    ],
)
def test_a_wrong_target_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    url: str | None,
    key: str | None,
    options: dict[str, Any],
    named: str,
) -> None:
    """What is missing or cannot work is named, without the API key."""
    monkeypatch.delenv("RUNA_BASE_URL", raising=False)
    monkeypatch.delenv("RUNA_API_KEY", raising=False)
    with pytest.raises(TargetError, match=named) as caught:
        conform(url, key, **options)
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_error_that_is_no_json_is_told() -> None:
    """An error page instead of an error is a failure of the check that met it."""

    def page(message: Message) -> Message:
        return message if message.status < 400 else replace(message, body=b"<html>Sorry</html>")

    report = run((unchanged, page, "access.a_foreign*", ""))
    failed = {result.name: result.reason for result in report.results if result.status == "failed"}
    assert "answered 403" in str(failed["access.a_foreign_key_is_forbidden"])
    assert "no JSON" in str(failed["answers.are_json"])
