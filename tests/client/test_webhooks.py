"""`verify_webhook`: what it believes, what it refuses and why, and what it reads."""

from __future__ import annotations

import base64
import json
import pickle
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as StandardWebhook
from svix.webhooks import Webhook as SvixWebhook

from runa_client import (
    ConfigurationError,
    OrderCompletionEvent,
    ProductUpdateEvent,
    RunaError,
    WebhookEvent,
    WebhookVerificationError,
    verify_webhook,
)
from runa_schemas import load

SECRET = "whsec_" + base64.b64encode(b"a secret of the mock's").decode()
NOW = 1_800_000_000
PARTS = ("id", "timestamp", "signature")
COMPLETED = load("webhook_order_completion")["examples"][0]
FAILED = load("webhook_order_failed")["examples"][0]
UPDATE = load("webhook_product_update")["examples"][0]

secrets = st.binary(min_size=1, max_size=64).map(
    lambda key: "whsec_" + base64.b64encode(key).decode()
)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
bodies = documents.map(lambda d: json.dumps(d, ensure_ascii=False)) | documents.map(json.dumps)
ids = st.from_regex(r"msg_[0-9A-Za-z]{1,30}", fullmatch=True)
prefixes = st.sampled_from(["svix-", "webhook-", "Svix-", "WEBHOOK-"])


def signed(
    body: str,
    *,
    secret: str = SECRET,
    message_id: str = "msg_1",
    at: int = NOW,
    prefix: str = "svix-",
) -> dict[str, str]:
    """The headers with which the official library sends a body."""
    moment = datetime.fromtimestamp(at, UTC)
    signature = SvixWebhook(secret).sign(message_id, moment, body)
    values = (message_id, str(at), signature)
    return {prefix + name: value for name, value in zip(PARTS, values, strict=True)}


def received(document: Any, **options: Any) -> WebhookEvent:
    """What is read from a message that carries a document."""
    body = json.dumps(document)
    return verify_webhook(body, signed(body), SECRET, now=NOW, **options)


def refusal(body: bytes | str, headers: Any, **options: Any) -> str:
    """The reason for which a message is refused."""
    with pytest.raises(WebhookVerificationError) as caught:
        verify_webhook(body, headers, SECRET, **{"now": NOW, **options})
    assert SECRET not in str(caught.value)
    return caught.value.reason


def believed_elsewhere(body: bytes | str, headers: dict[str, str], secret: str) -> bool:
    """Whether the official libraries believe a message, which they must agree on."""
    lower = {name.lower().replace("svix-", "webhook-"): value for name, value in headers.items()}
    verdicts = []
    for verify, given_headers in (
        (SvixWebhook(secret).verify, headers),
        (StandardWebhook(secret).verify, lower),
    ):
        try:
            verify(body, given_headers)
        except Exception:  # noqa: BLE001 - they fail in many ways, each of which is a refusal
            verdicts.append(False)
        else:
            verdicts.append(True)
    assert len(set(verdicts)) == 1
    return verdicts[0]


def believed(body: bytes | str, headers: dict[str, str], secret: str) -> bool:
    """Whether a message is believed at the present moment."""
    try:
        verify_webhook(body, headers, secret)
    except WebhookVerificationError:
        return False
    return True


@given(body=bodies, secret=secrets, message_id=ids, prefix=prefixes, offset=st.integers(-200, 200))
def test_what_the_official_libraries_sign_is_believed_by_all(
    body: str, secret: str, message_id: str, prefix: str, offset: int
) -> None:
    """Bytes or text, either spelling of the headers, in any case; id and moment are read."""
    at = int(time.time()) + offset
    headers = signed(body, secret=secret, message_id=message_id, at=at, prefix=prefix)
    assert believed_elsewhere(body, headers, secret)
    for payload in (body, body.encode()):
        event = verify_webhook(payload, headers, secret)
        assert (event.id, event.timestamp) == (message_id, datetime.fromtimestamp(at, UTC))
        assert event.raw == json.loads(body, parse_float=Decimal)


@st.composite
def tampered(draw: st.DrawFn) -> tuple[bytes, dict[str, str]]:
    """A genuine message in which one thing was changed, and its headers."""
    body = draw(bodies)
    at = int(time.time())
    headers = signed(body, at=at, message_id=draw(ids))
    what = draw(st.sampled_from(["body", "id", "moved", "old", "early", "signature", "secret"]))
    raw = bytearray(body.encode())
    if what == "body":
        position = draw(st.integers(0, len(raw) - 1))
        raw[position] ^= draw(st.integers(1, 255))
    elif what == "id":
        headers["svix-id"] += draw(st.sampled_from("x.1"))
    elif what == "moved":
        headers["svix-timestamp"] = str(at + draw(st.sampled_from([-100, -1, 1, 100])))
    elif what in ("old", "early"):
        headers = signed(
            body, at=at + draw(st.integers(400, 10**6)) * (1 if what == "early" else -1)
        )
    elif what == "signature":
        digest = bytearray(base64.b64decode(headers["svix-signature"].partition(",")[2]))
        digest[draw(st.integers(0, len(digest) - 1))] ^= draw(st.integers(1, 255))
        headers["svix-signature"] = "v1," + base64.b64encode(digest).decode()
    else:
        other = "whsec_" + base64.b64encode(draw(st.binary(min_size=1, max_size=40))).decode()
        headers = signed(body, at=at, secret=other)
    return bytes(raw), headers


@given(message=tampered())
def test_what_was_tampered_with_is_believed_by_nobody(
    message: tuple[bytes, dict[str, str]],
) -> None:
    """Body, id, moment, signature or secret: this and the official libraries refuse."""
    assert not believed_elsewhere(*message, SECRET)
    assert not believed(*message, SECRET)


signatures = st.lists(
    st.sampled_from(["right", "wrong", "other version", "right digest of another version"]),
    min_size=1,
    max_size=4,
)


@given(kinds=signatures)
def test_one_right_signature_among_several_is_enough(kinds: list[str]) -> None:
    """While a secret is changed there are two; of versions other than v1 nothing is taken."""
    headers = signed("{}", at=int(time.time()))
    right = headers["svix-signature"]
    texts = {
        "right": right,
        "wrong": "v1," + base64.b64encode(bytes(32)).decode(),
        "other version": "v2," + base64.b64encode(bytes(64)).decode(),
        "right digest of another version": right.replace("v1,", "v1a,"),
    }
    headers["svix-signature"] = " ".join(texts[kind] for kind in kinds)
    assert believed("{}", headers, SECRET) is ("right" in kinds)
    assert believed_elsewhere("{}", headers, SECRET) is ("right" in kinds)


@pytest.mark.parametrize("ahead", [1, -1])
def test_the_tolerance_holds_both_ways(ahead: int) -> None:
    """Up to it a message is believed, and not a second more."""
    for tolerance in (300, 10, 0):
        options = {} if tolerance == 300 else {"tolerance": tolerance}
        near, far = (signed("{}", at=NOW + ahead * each) for each in (tolerance, tolerance + 1))
        assert verify_webhook("{}", near, SECRET, now=NOW, **options).raw == {}
        assert refusal("{}", far, **options) == "timestamp"


@pytest.mark.parametrize("name", PARTS)
def test_a_missing_header_is_named(name: str) -> None:
    """Absent or empty."""
    headers = signed("{}")
    for wrong in (
        {**headers, f"svix-{name}": ""},
        {k: headers[k] for k in headers if name not in k},
    ):
        assert refusal("{}", wrong) == "headers"
        with pytest.raises(WebhookVerificationError, match=f"svix-{name}"):
            verify_webhook("{}", wrong, SECRET, now=NOW)


@pytest.mark.parametrize("text", ["soon", "1e9", "-1", "+1", " 1", "007", "1.5", "१", "1" * 40])
def test_a_moment_that_is_no_number_of_seconds(text: str) -> None:
    """It is refused before the signature is looked at."""
    assert refusal("{}", {**signed("{}"), "svix-timestamp": text}) == "timestamp"


@pytest.mark.parametrize(
    "text", ["v1", "v1,", ",", " ", "v1,é", "v1,\udcff", "v1,a,b", "a" * 100_000, "v1," + "A" * 44]
)
def test_a_signature_that_is_none(text: str) -> None:
    """It fits nothing, and is no accident."""
    assert refusal("{}", {**signed("{}"), "svix-signature": text}) == "signature"


@pytest.mark.parametrize("body", ["", "{", "order=1", "NaN", '{"a": 1}{}'])
def test_a_body_that_is_signed_and_no_json(body: str) -> None:
    """There is nothing to be read in it."""
    assert refusal(body, signed(body)) == "body"


def test_bytes_or_text_that_nobody_can_have_signed() -> None:
    """No Unicode: the signature does not fit."""
    assert refusal(b"\xff", signed("{}")) == "signature"
    assert refusal("\ud800", signed("{}")) == "signature"


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_====", "c2VjcmV0", "WHSEC_c2VjcmV0", "whsec_c2V$", "whsec_é", "whsec_a"],
)
def test_a_secret_that_is_none(secret: str) -> None:
    """It is a mistake in the setup and no forgery; the error does not show it."""
    with pytest.raises(ConfigurationError) as caught:
        verify_webhook("{}", signed("{}"), secret, now=NOW)
    assert not secret or secret not in str(caught.value)


def test_a_secret_may_lack_its_padding() -> None:
    """As in the provider's own library."""
    assert SECRET.endswith("=")
    assert verify_webhook("{}", signed("{}"), SECRET.rstrip("="), now=NOW).raw == {}


def test_wrong_calls_are_told() -> None:
    """JSON that was read already, and a tolerance that is none."""
    with pytest.raises(TypeError, match="not dict"):
        verify_webhook({}, signed("{}"), SECRET)  # type: ignore[arg-type] # the mistake to tell
    for tolerance in (-1, float("nan")):
        with pytest.raises(ValueError, match="tolerance"):
            verify_webhook("{}", signed("{}"), SECRET, tolerance=tolerance)


SHAPES: dict[str, Callable[[dict[str, str]], Any]] = {
    "bytes": lambda h: {name: value.encode() for name, value in h.items()},
    "lists": lambda h: {name: [value] for name, value in h.items()},
    "lists of bytes": lambda h: {name: (value.encode(),) for name, value in h.items()},
    "names in bytes": lambda h: {name.encode(): value.encode() for name, value in h.items()},
    "pairs": lambda h: list(h.items()),
    "pairs of bytes": lambda h: [(name.encode(), value.encode()) for name, value in h.items()],
    "repeated": lambda h: [*h.items(), *h.items()],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_headers_and_body_come_as_frameworks_hand_them_on(
    shape: str, kind: Callable[[bytes], Any]
) -> None:
    """Whatever holds the text or the bytes, the same message is read."""
    body = json.dumps(COMPLETED)
    plain = signed(body)
    headers = SHAPES[shape](plain)

    event = verify_webhook(kind(body.encode()), headers, SECRET, now=NOW)

    assert event == verify_webhook(body, plain, SECRET, now=NOW)
    assert event.id == "msg_1"
    assert refusal(body + " ", headers, now=NOW) == "signature"


def test_signatures_may_come_as_several_headers() -> None:
    """While a secret is changed there are two, in one header or in two."""
    headers: Any = signed("{}")
    other = signed("{}", secret="whsec_b3RoZXI=")["svix-signature"]  # noqa: S106 - made up
    headers["svix-signature"] = [other, headers["svix-signature"].encode()]

    assert verify_webhook("{}", headers, SECRET, now=NOW).raw == {}


def test_a_message_has_one_id() -> None:
    """Two different ones cannot both be signed, and none of them is chosen."""
    headers: Any = signed("{}")
    headers["svix-id"] = ["msg_1", "msg_2"]
    assert refusal("{}", headers, now=NOW) == "headers"


anything = st.recursive(
    st.none() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
header_names = st.sampled_from([f"svix-{part}" for part in PARTS]) | st.text() | st.binary()


@given(
    payload=anything,
    headers=st.dictionaries(header_names, anything) | anything,
    secret=st.just(SECRET) | anything,
    tolerance=st.just(300) | anything,
    now=st.none() | anything,
)
def test_whatever_comes_only_the_clients_own_errors_are_raised(
    payload: Any, headers: Any, secret: Any, tolerance: Any, now: Any
) -> None:
    """Neither a message nor a wrong call ends in an error that a receiver does not expect."""
    with pytest.raises(RunaError):
        verify_webhook(payload, headers, secret, tolerance=tolerance, now=now)


def event_or_reason(body: str) -> WebhookEvent | str:
    """What a signed message is read as, or why it is not."""
    try:
        return verify_webhook(body, signed(body), SECRET, now=NOW)
    except WebhookVerificationError as error:
        return error.reason


@given(document=anything)
def test_whatever_is_signed_is_read(document: Any) -> None:
    """A genuine message of any JSON is an event; what is no JSON, as NaN, is a bad body."""
    result = event_or_reason(json.dumps(document, default=repr))
    assert isinstance(result, WebhookEvent) or result == "body"


def test_a_completed_order_is_read() -> None:
    """The order in its basic form, as lists show it."""
    event = received(COMPLETED)
    assert isinstance(event, OrderCompletionEvent)
    assert (event.type, event.order.id, event.order.completed) == (
        "order.completion",
        COMPLETED["id"],
        True,
    )
    assert event.order.total_price == Decimal(COMPLETED["total_price"])
    assert event.raw == COMPLETED


def test_a_failed_order_is_read() -> None:
    """Id and status, and nothing else."""
    event = received(FAILED)
    assert isinstance(event, OrderCompletionEvent)
    assert (event.order.id, event.order.failed) == (FAILED["id"], True)
    assert event.order.total_price is None


def test_a_changed_product_is_read() -> None:
    """Both states, and when it changed; a subscription has no denominations."""
    new_state = {n: value for n, value in UPDATE["new_state"].items() if n != "denominations"}
    event = received({**UPDATE, "new_state": new_state})
    assert isinstance(event, ProductUpdateEvent)
    assert (event.type, event.product_code) == ("product.update", UPDATE["product_code"])
    assert (event.old_state.price_multiplier, event.old_state.is_orderable) == (
        Decimal("0.9870"),
        True,
    )
    assert event.old_state.denominations is not None
    assert event.old_state.denominations.maximum == Decimal(100)
    assert (event.new_state.is_orderable, event.new_state.denominations) == (False, None)
    assert event.changed_at == datetime.fromisoformat(UPDATE["timestamp"])


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        None,
        1.5,
        {**FAILED, "status": "PROCESSING"},
        {**FAILED, "id": 7},
        {**COMPLETED, "total_price": "much"},
        {**UPDATE, "old_state": []},
        {**UPDATE, "product_code": None},
        {"invoice": {"id": "I-1"}},
    ],
)
def test_what_a_later_version_may_send_is_a_plain_event(document: object) -> None:
    """It is genuine, so that it is given as it is, fractions to the digit."""
    event = received(document)
    assert type(event) is WebhookEvent
    assert event.type is None
    assert event.raw == (Decimal("1.5") if document == 1.5 else document)


def test_the_error_is_one_of_the_clients_and_pickles() -> None:
    """`RunaError` catches it; another process gets reason and words."""
    error = WebhookVerificationError("signature", "no signature fits")
    assert isinstance(error, RunaError)
    copied = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (copied.reason, str(copied)) == ("signature", "no signature fits")
