"""One key, one answer, for thirty days."""

import json
from datetime import timedelta
from typing import Any

import pytest

from runa_mock_server import ManualClock, MockServer
from support.answers import order_ids, refusal
from support.api import Api, body, item

LIFETIME = timedelta(days=30)
MICROSECOND = timedelta(microseconds=1)
OTHER = "XX-other.secret"

ANSWERS: list[tuple[str, dict[str, Any], int, int]] = [
    ("accepted", {}, 202, 1),
    ("completed", {"mode": "sync"}, 200, 1),
    ("to fail", {"X_Trigger_Error": "order_failed"}, 202, 1),
    ("broken rule", {"document": body(items=[item(face_value=1)])}, 400, 0),
    ("wrong field", {"document": {"items": []}}, 422, 0),
    ("no JSON", {"raw": b"{"}, 400, 0),
    ("no object", {"raw": b"[]"}, 400, 0),
    ("triggered 4xx", {"X_Trigger_Error": "insufficient_funds"}, 400, 0),
    ("triggered 401", {"X_Trigger_Error": "unauthorized"}, 401, 0),
    ("triggered 500", {"X_Trigger_Error": "internal_server_error"}, 500, 0),
    ("triggered 504", {"X_Trigger_Error": "timeout"}, 504, 0),
]


@pytest.mark.parametrize(
    ("call", "status", "orders"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS]
)
def test_the_first_answer_is_given_again(
    api: Api, clock: ManualClock, call: dict[str, Any], status: int, orders: int
) -> None:
    """Status and bytes are the same at once, after completion and just before thirty days."""
    first = api.order(key="k", **call)
    assert first.status_code == status
    for wait in (timedelta(0), timedelta(seconds=5), LIFETIME - timedelta(seconds=5) - MICROSECOND):
        clock.advance(wait)
        again = api.order(key="k", **call)
        assert (again.status_code, again.content) == (first.status_code, first.content)
    assert len(order_ids(api)) == orders


def test_after_thirty_days_the_key_is_free(api: Api, clock: ManualClock) -> None:
    """At thirty days to the microsecond the key makes a new order, for thirty days again."""
    first = api.order(key="k")
    clock.advance(LIFETIME - MICROSECOND)
    assert api.order(key="k").content == first.content
    clock.advance(MICROSECOND)
    second = api.order(key="k")
    assert second.json()["id"] != first.json()["id"]
    clock.advance(LIFETIME - MICROSECOND)
    assert api.order(key="k").content == second.content
    assert len(order_ids(api)) == 2


def test_a_replay_does_not_prolong_the_key(api: Api, clock: ManualClock) -> None:
    """The thirty days run from the first request."""
    first = api.order(key="k")
    for _ in range(2):
        assert api.order(key="k").content == first.content
        clock.advance(timedelta(days=15))
    assert api.order(key="k").content != first.content


def test_an_expired_key_takes_another_body(api: Api, clock: ManualClock) -> None:
    """There is no conflict with what has been forgotten."""
    other = body(description="other")
    api.order(key="k")
    clock.advance(LIFETIME - MICROSECOND)
    assert refusal(api.order(other, key="k")) == (400, "idempotency_validation_error")
    clock.advance(MICROSECOND)
    assert api.order(other, key="k").status_code == 202


@pytest.mark.parametrize(
    "other",
    [
        body(description="other"),
        body(description=None),
        body(unknown_field=1),
        body(items=[item(), item()]),
        body(items=[item(face_value=11)]),
        body(items=[item(face_value="10")]),
        body(items=[item(face_value=True)]),
        {},
        [],
        None,
        "k",
        1,
    ],
)
def test_another_body_is_a_conflict(api: Api, other: Any) -> None:
    """400, whatever the other body is; the stored answer stays."""
    first = api.order(key="k")
    conflict = api.order(raw=json.dumps(other).encode(), key="k")
    assert refusal(conflict) == (400, "idempotency_validation_error")
    assert api.order(key="k").content == first.content
    assert len(order_ids(api)) == 1


def test_bytes_that_are_no_json_are_another_body(api: Api) -> None:
    """No JSON conflicts with JSON, and the reverse, and compares by bytes with its like."""
    raw = json.dumps(body()).encode()
    first = api.order(raw=raw, key="k")
    assert refusal(api.order(raw=raw[:-1], key="k")) == (400, "idempotency_validation_error")
    assert api.order(raw=raw, key="k").content == first.content
    broken = api.order(raw=b"{ ", key="b")
    assert refusal(broken) == (400, "bad_request")
    for other in (b"{", b"{  ", raw):
        assert refusal(api.order(raw=other, key="b")) == (400, "idempotency_validation_error")
    assert api.order(raw=b"{ ", key="b").content == broken.content


def _reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed_keys(value[key]) for key in reversed(value)}
    return [_reversed_keys(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "spelling",
    [
        json.dumps(body(), indent=3),
        json.dumps(body(), separators=(",", ":")),
        "\r\n\t " + json.dumps(body()) + " \n",
        json.dumps(_reversed_keys(body())),
        json.dumps(body()).replace("items", "\\u0069tems"),
        *(
            json.dumps(body()).replace(": 10,", f": {ten},")
            for ten in ("10.0", "1e1", "1E+1", "1000e-2", "10.000000000000000000000000")
        ),
    ],
)
def test_the_spelling_of_a_body_does_not_count(api: Api, spelling: str) -> None:
    """White space, key order, escapes and the form of a number make no other body."""
    first = api.order(body(), key="k")
    assert first.status_code == 202
    assert api.order(raw=spelling.encode(), key="k").content == first.content
    assert len(order_ids(api)) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "true"),
        ("0", "false"),
        ("0", "null"),
        ("1", '"1"'),
        ("1.5", '"1.5"'),
        ("0.1", "0.10000000000000001"),
        ("9007199254740993", "9007199254740992"),
        ("9007199254740993", "9007199254740992.0"),
        ("1e400", "1e401"),
        ("[1, 2]", "[2, 1]"),
        ("{}", "[]"),
        ('"\u00e9"', '"e\u0301"'),
        ('"a"', '"A"'),
    ],
)
def test_values_that_differ_make_another_body(api: Api, one: str, other: str) -> None:
    """Numbers compare exactly, ``true`` is not 1, lists have an order, text is not folded."""
    raw = '{"ignored": %s, ' + json.dumps(body())[1:]
    first = api.order(raw=(raw % one).encode(), key="k")
    assert first.status_code == 202
    conflict = api.order(raw=(raw % other).encode(), key="k")
    assert refusal(conflict) == (400, "idempotency_validation_error")
    again = api.order(raw=(raw % one).encode(), key="k")
    assert again.content == first.content


@pytest.mark.parametrize(
    ("one", "other"),
    [("1", "1.0"), ("9007199254740993", "9007199254740993.0"), ("1e30", "1" + "0" * 30)],
)
def test_equal_numbers_make_the_same_body(api: Api, one: str, other: str) -> None:
    """Numbers compare by value at any size."""
    raw = '{"ignored": %s, ' + json.dumps(body())[1:]
    first = api.order(raw=(raw % one).encode(), key="k")
    assert first.status_code == 202
    assert api.order(raw=(raw % other).encode(), key="k").content == first.content


@pytest.mark.parametrize(
    "headers",
    [
        {"mode": "sync"},
        {"X_Trigger_Error": "timeout"},
        {"X_Trigger_Error": "order_failed"},
        {"X_Trigger_Error": "nonsense"},
        {"X_Api_Version": "2024-02-05"},
        {"Content_Type": "text/plain"},
    ],
)
def test_headers_do_not_count(api: Api, headers: dict[str, Any]) -> None:
    """The same body with other headers is the same request."""
    first = api.order(key="k")
    again = api.order(key="k", **headers)
    assert (again.status_code, again.content) == (202, first.content)
    assert len(order_ids(api)) == 1


def test_a_sync_order_that_is_made_to_fail_is_an_error(api: Api) -> None:
    """A sync 200 is always COMPLETED: the order is 500, which is replayed, and leaves nothing."""
    failed = api.order(key="k", mode="sync", X_Trigger_Error="order_failed")
    assert refusal(failed) == (500, "internal_server_error")
    again = api.order(key="k", mode="sync")
    assert (again.status_code, again.content) == (500, failed.content)
    assert order_ids(api) == []


def test_a_trigger_taken_away_does_not_heal_the_key(api: Api) -> None:
    """A triggered error is the answer to its key; another key gets the order."""
    failed = api.order(key="k", X_Trigger_Error="internal_server_error")
    assert api.order(key="k").content == failed.content
    assert api.order(key="k2").status_code == 202


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Api-Key": None}, (401, "unauthorized")),
        ({"X-Api-Key": "wg-live.secret"}, (403, "forbidden")),
        ({"X-Api-Version": "2023-01-16"}, (410, "version_removed")),
        ({"X-Api-Version": "latest"}, (400, "invalid_version")),
        ({"X-Execution-Mode": "batch"}, (400, "invalid_execution_mode")),
        ({"X-Trigger-Error": "nonsense"}, (400, "bad_request")),
    ],
)
def test_a_refused_header_leaves_the_key_unused(
    api: Api, headers: dict[str, str | bytes | None], expected: tuple[int, str]
) -> None:
    """Errors in headers are never stored: the corrected request, of any body, makes the order."""
    wrong = {"X-Idempotency-Key": "k", **headers}
    assert refusal(api.call("POST", "/v2/order", headers=wrong, json=body())) == expected
    assert api.order(body(description="corrected"), key="k").status_code == 202
    assert len(order_ids(api)) == 1


def test_a_wrong_method_leaves_the_key_unused(api: Api) -> None:
    """405 is never stored."""
    response = api.call("PUT", "/v2/order", headers={"X-Idempotency-Key": "k"}, json=body())
    assert refusal(response) == (405, "method_not_allowed")
    assert api.order(key="k").status_code == 202


def test_a_request_over_the_rate_leaves_the_key_unused(clock: ManualClock) -> None:
    """429 is never stored: a minute later the same request makes the order."""
    with MockServer(clock=clock, rate_limit=1) as server:
        api = Api(server.url)
        api.order(key="first")
        assert refusal(api.order(key="k")) == (429, "rate exceeded")
        clock.advance(60)
        assert api.order(body(description="another"), key="k").status_code == 202
        api.close()


def test_keys_belong_to_an_account(api: Api) -> None:
    """Two accounts can use one key, with different bodies too."""
    mine = api.order(key="k").json()["id"]
    theirs = api.order(body(description="theirs"), key="k", X_Api_Key=OTHER).json()["id"]
    assert order_ids(api) == [mine]
    assert order_ids(api, OTHER) == [theirs]


def test_keys_are_compared_exactly(api: Api) -> None:
    """Case and inner spaces make other keys."""
    keys = ["key", "KEY", "Key", "k ey", "k  ey", "key1"]
    assert len({api.order(key=key).json()["id"] for key in keys}) == len(keys)


def test_a_key_is_not_kept_for_reads(api: Api) -> None:
    """The header means nothing on other operations."""
    before = api.get("/v2/order", headers={"X-Idempotency-Key": "k"})
    api.order(key="k")
    after = api.get("/v2/order", headers={"X-Idempotency-Key": "k"})
    assert before.content != after.content


def test_the_conflict_itself_is_not_stored(api: Api) -> None:
    """However often a key is misused, its answer remains."""
    first = api.order(key="k")
    for n in range(3):
        response = api.order(body(description=str(n)), key="k")
        assert refusal(response) == (400, "idempotency_validation_error")
    assert api.order(key="k").content == first.content
