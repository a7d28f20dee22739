"""Request headers, paths and methods."""

from typing import Any

import pytest
import requests

from runa_mock_server import MockServer
from runa_schemas import validate
from support.answers import order_ids, refusal
from support.api import KEY, TIMEOUT, Api, body
from support.raw import ORDER, exchange, message

OPERATIONS = [
    ("GET", "/v2/ping"),
    ("POST", "/v2/order"),
    ("GET", "/v2/order"),
    ("GET", "/v2/order/O-01J6Y3JRYWCTNDRHP35302NZ30"),
]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("key", [None, ""])
def test_without_a_key_every_call_is_unauthorized(
    api: Api, method: str, path: str, key: str | None
) -> None:
    """Absent or empty: 401."""
    response = api.call(method, path, headers={"X-Api-Key": key})
    assert refusal(response) == (401, "unauthorized")


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("key", ["wg-live.secret", "X", "x-x.secret", "AXX.secret", "XÉX"])
def test_a_foreign_key_is_forbidden(api: Api, method: str, path: str, key: str) -> None:
    """Only playground keys are accepted: 403 for any other."""
    response = api.call(method, path, headers={"X-Api-Key": key.encode()})
    assert refusal(response) == (403, "forbidden")


@pytest.mark.parametrize("key", ["XX", "xx.a", "Xx-b", "xX.c", "XX-test.secret"])
def test_a_playground_key_is_accepted_in_any_case(api: Api, key: str) -> None:
    """Whatever starts with XX is a key."""
    assert api.get("/v2/ping", headers={"X-Api-Key": key}).json() == {"message": "pong"}


def test_an_exact_list_of_keys_replaces_the_prefix() -> None:
    """With ``api_keys`` set, those and no others are accepted."""
    with MockServer(api_keys=["wg-mine.secret", "other"]) as server:
        api = Api(server.url)
        statuses = [
            api.get("/v2/ping", headers={"X-Api-Key": key}).status_code
            for key in ("wg-mine.secret", "other", KEY, "other ", "OTHER")
        ]
        api.close()
    assert statuses == [200, 200, 403, 200, 403]  # white space around a header is no part of it


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("version", ["2023-07-27", "2023-01-16"])
def test_a_retired_version_is_gone(api: Api, method: str, path: str, version: str) -> None:
    """410, whatever is called."""
    response = api.call(method, path, headers={"X-Api-Version": version})
    assert refusal(response) == (410, "version_removed")


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("version", ["", "2024-02-06", "2024-2-5", "latest", "v2", "\u00e9"])
def test_an_unknown_version_is_refused(api: Api, method: str, path: str, version: str) -> None:
    """400, whatever is called."""
    response = api.call(method, path, headers={"X-Api-Version": version.encode()})
    assert refusal(response) == (400, "invalid_version")


@pytest.mark.parametrize("version", [None, "2024-02-05"])
def test_the_live_version_is_the_default(api: Api, version: str | None) -> None:
    """The header may be left out."""
    assert api.get("/v2/ping", headers={"X-Api-Version": version}).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 202),
        ({"X_Api_Version": "latest"}, 400),
        ({"X_Execution_Mode": "batch"}, 400),
        ({"X_Idempotency_Key": ""}, 422),
        ({"X_Trigger_Error": "unauthorized"}, 401),
        ({"X_Trigger_Error": "forbidden"}, 403),
        ({"X_Trigger_Error": "ordering_restricted"}, 403),
        ({"X_Trigger_Error": "internal_server_error"}, 500),
        ({"X_Trigger_Error": "timeout"}, 504),
    ],
)
def test_every_answer_past_authentication_names_the_version(
    api: Api, changes: dict[str, Any], status: int
) -> None:
    """``X-Api-Version`` is there also on errors, and on 401 and 403 asked for by trigger."""
    response = api.order(**changes)
    assert (response.status_code, response.headers["X-Api-Version"]) == (status, "2024-02-05")


@pytest.mark.parametrize("mode", ["", "SYNC", "Async", "sync, async", "batch", "0"])
def test_an_unknown_execution_mode_is_refused(api: Api, mode: str) -> None:
    """Anything but async and sync: 400."""
    assert refusal(api.order(mode=mode)) == (400, "invalid_execution_mode")
    assert order_ids(api) == []


@pytest.mark.parametrize(("mode", "status"), [(None, 202), ("async", 202), ("sync", 200)])
def test_the_execution_mode_decides_the_answer(api: Api, mode: str | None, status: int) -> None:
    """Async is the default."""
    assert api.order(mode=mode).status_code == status


@pytest.mark.parametrize("key", [None, ""])
def test_an_order_needs_an_idempotency_key(api: Api, key: str | None) -> None:
    """Absent or empty: 422 that locates the header."""
    response = api.call("POST", "/v2/order", headers={"X-Idempotency-Key": key}, json=body())
    assert refusal(response) == (422, "validation_error")
    locations = [detail["location"] for detail in response.json()["details"]]
    assert locations == [["header", "x-idempotency-key"]]


@pytest.mark.parametrize("key", ["0", "a b", "null", "{}", "../..", "k" * 8_000, "\u00e9\u4f60"])
def test_an_idempotency_key_is_any_text(api: Api, key: str) -> None:
    """Free-form, up to the size that a header can have."""
    first, second = (
        api.call("POST", "/v2/order", headers={"X-Idempotency-Key": key.encode()}, json=body())
        for _ in range(2)
    )
    assert first.status_code == 202
    assert second.content == first.content
    assert len(order_ids(api)) == 1


def test_header_names_have_no_case(api: Api) -> None:
    """The names are compared without case, the values with it."""
    headers = {"X-API-KEY": KEY, "x-idempotency-key": "a", "x-EXECUTION-mode": "sync"}
    assert api.call("POST", "/v2/order", headers=headers, json=body()).status_code == 200


def test_the_send_email_header_comes_back(api: Api) -> None:
    """The answer to an order carries ``X-Send-Email: true`` if the request did."""
    assert api.order(X_Send_Email="true").headers["X-Send-Email"] == "true"
    assert "X-Send-Email" not in api.order(X_Send_Email="false").headers
    assert "X-Send-Email" not in api.order().headers


def test_the_content_type_of_a_request_does_not_count(api: Api) -> None:
    """The body is read as JSON whatever it is called."""
    assert api.order(Content_Type="text/plain").status_code == 202


def test_a_trailing_slash_is_tolerated(api: Api) -> None:
    """Each path works with and without."""
    order = api.call("POST", "/v2/order/", headers={"X-Idempotency-Key": "slash"}, json=body())
    order_id = order.json()["id"]
    assert order.status_code == 202
    assert api.get("/v2/ping/").json() == api.get("/v2/ping").json()
    assert api.get("/v2/order/").content == api.get("/v2/order").content
    assert api.get(f"/v2/order/{order_id}/").content == api.get(f"/v2/order/{order_id}").content


@pytest.mark.parametrize(
    "path", ["/v2/", "/v2/nothing", "/v2/orders", "/v2/order/a/b", "/v2/Ping", "/v2/order/%2e%2e"]
)
def test_an_unknown_path_is_not_found_for_a_known_caller_only(api: Api, path: str) -> None:
    """With a key 404; without one 401, so that a stranger learns nothing."""
    assert refusal(api.get(path)) == (404, "not_found")
    assert refusal(api.get(path, headers={"X-Api-Key": None})) == (401, "unauthorized")


@pytest.mark.parametrize("path", ["/", "/nothing", "/v3/ping", "/ping"])
def test_an_unknown_path_outside_the_api_needs_a_key_too(api: Api, path: str) -> None:
    """An unknown path on the host is 401 without a key, 404 with one; errors have their shape."""
    for key, expected in ((None, (401, "unauthorized")), (KEY, (404, "not_found"))):
        response = api.get(path, headers={"X-Api-Key": key})
        assert refusal(response) == expected
        validate(response.json(), "error")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        *((method, "/v2/ping", {"GET"}) for method in ("POST", "PUT", "PATCH", "DELETE")),
        *((method, "/v2/order", {"GET", "POST"}) for method in ("PUT", "DELETE", "OPTIONS")),
        *((method, "/v2/order/x", {"GET"}) for method in ("POST", "DELETE", "OPTIONS")),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(
    api: Api, method: str, path: str, allowed: set[str]
) -> None:
    """405 with ``Allow``; a stranger gets 401."""
    response = api.call(method, path)
    assert refusal(response) == (405, "method_not_allowed")
    assert set(response.headers["Allow"].split(", ")) == allowed
    assert refusal(api.call(method, path, headers={"X-Api-Key": None})) == (401, "unauthorized")


def test_head_is_a_wrong_method_without_a_body(server: MockServer) -> None:
    """A HEAD request gets the headers of the 405 and nothing after them."""
    request = f"HEAD /v2/ping HTTP/1.1\r\nHost: x\r\nX-Api-Key: {KEY}\r\nConnection: close\r\n\r\n"
    reply = exchange(server.url, request.encode(), "HEAD")
    assert (reply.status, reply.headers["allow"], reply.body) == (405, "GET", b"")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("X-Mock-Procesing", "X-Mock-Processing"), ("x-mock-tokens", "X-Mock-Token")],
)
def test_a_header_of_this_mock_that_does_not_exist_is_refused(
    api: Api, name: str, nearest: str
) -> None:
    """400 that names the nearest one, wherever it is sent; nothing is stored under the key."""
    for response in (
        api.call(
            "POST", "/v2/order", headers={"X-Idempotency-Key": "a", name: "never"}, json=body()
        ),
        api.get("/v2/ping", headers={name: "never"}),
    ):
        assert refusal(response) == (400, "bad_request")
        assert nearest in response.json()["message"]
    assert api.order(key="a").status_code == 202


@pytest.mark.parametrize("form", ["", "?format=json", "/card/AMZ-US"])
def test_pages_without_a_key_refuse_such_a_header_too(api: Api, form: str) -> None:
    """A payout's page, the redemption API and the texts of products: the same 400 everywhere."""
    order = api.order(mode="sync").json()
    url = order["items"][0]["payout"]["url"]
    product = api.get("/v2/product/AMZ-US").json()["gift_card"]
    for page in (url + form, product["assets"]["icon_image_url"], f"{api.url}/openapi.json"):
        refused = requests.get(page, headers={"X-Mock-Tokn": "t"}, timeout=TIMEOUT)
        assert (refused.status_code, refused.json()["type"]) == (400, "bad_request"), page
        assert "X-Mock-Token" in refused.json()["message"]
    form_sent = requests.post(url, headers={"X-Mock-Tokn": "t"}, timeout=TIMEOUT)
    assert form_sent.status_code == 400
    assert api.read(order["id"])["items"][0]["payout"]["status"] == "ACTIVE"


@pytest.mark.parametrize("path", ["/_mock", "/_mock/clock", "/_mock/health"])
def test_the_control_api_refuses_such_a_header_too(api: Api, path: str) -> None:
    """The same 400; a header that counts once is not chosen from two values either."""
    refused = api.get(path, headers={"X-Mock-Tokn": "t"})
    assert (refused.status_code, refused.json()["type"]) == (400, "bad_request")
    assert "X-Mock-Token" in refused.json()["message"]
    known = api.get(path, headers={"X-Mock-Processing": "never", "X-Mock-Token": "t"})
    assert known.status_code == 200
    twice = f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Mock-Token: a\r\nX-Mock-Token: b\r\n\r\n"
    assert exchange(api.url, twice.encode()).status == 400


def test_the_headers_of_this_mock_are_known_wherever_they_are_sent(api: Api) -> None:
    """One that means nothing to an operation is ignored."""
    headers = {"X-Mock-Processing": "never", "X-Mock-Token": "t"}
    assert api.get("/v2/ping", headers=headers).status_code == 200


ONCE = [
    "X-Api-Key",
    "X-Api-Version",
    "X-Execution-Mode",
    "X-Idempotency-Key",
    "X-Mock-Processing",
    "X-Send-Email",
    "X-Trigger-Error",
]


@pytest.mark.parametrize("name", ONCE)
def test_a_header_that_counts_once_has_one_value(server: MockServer, name: str) -> None:
    """Two different values are refused, for nobody knows which was meant; the same twice is one."""
    values = {"X-Api-Key": KEY, "X-Mock-Processing": "never", "X-Trigger-Error": "timeout"}
    value = values.get(name, "sync" if name == "X-Execution-Mode" else "2024-02-05")
    sent = message("POST", "/v2/order", ORDER, X_Idempotency_Key="a")
    if name.encode() not in sent:
        sent = sent.replace(b"\r\n", f"\r\n{name}: {value}\r\n".encode(), 1)
    elif name == "X-Idempotency-Key":
        value = "a"
    twice = sent.replace(b"\r\n", f"\r\n{name.lower()}: {value}\r\n".encode(), 1)
    differing = sent.replace(b"\r\n", f"\r\n{name.lower()}: {value}2\r\n".encode(), 1)
    refused = exchange(server.url, differing)
    assert (refused.status, refused.document["type"]) == (400, "bad_request")
    assert name in refused.document["message"]
    assert exchange(server.url, twice).body == exchange(server.url, sent).body


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "XX"),
        ({"profile": "production"}, "wg"),
        ({"api_keys": ["XX-only.this"]}, "api_keys"),
    ],
)
def test_a_refused_key_is_told_what_is_accepted(settings: dict[str, Any], expected: str) -> None:
    """How a key starts; of an exact list of keys no key is shown."""
    with MockServer(**settings) as server:
        sent = message("GET", "/v2/ping").replace(KEY.encode(), b"no.secret")
        refused = exchange(server.url, sent)
    assert (refused.status, expected in refused.document["message"]) == (403, True)
    assert b"only.this" not in refused.body


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"])
def test_a_byte_order_mark_is_named(api: Api, mark: bytes) -> None:
    """Which an editor has put before the JSON, and nobody can see."""
    response = api.order(raw=mark + ORDER)
    assert refusal(response) == (400, "bad_request")
    assert "byte-order mark" in response.json()["message"]
