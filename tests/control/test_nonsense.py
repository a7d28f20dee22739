"""Whatever an operation of the control API cannot do, it refuses whole, and names the field."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runa_mock_server import MockServer
from runa_mock_server.config.settings import RUN_TIME, make_settings
from runa_mock_server.control.api import HEALTH, OPERATIONS, PREFIX, ControlApi
from runa_mock_server.control.operation import ControlRequest, Operation
from runa_mock_server.control.webhook_models import MessageResult
from runa_mock_server.server_state.server_state import ServerState
from support.api import KEY, Api
from support.control import DESCRIPTION, ControlCaller, locations, name_of, snapshot
from support.raw import exchange
from support.smtp import mailed

NOON = "2026-03-14T12:00:00Z"
ABOUT_ACCOUNTS = (("query", "account"), ("header", "x-api-key"))
DEEP = b'{"a":' * 5_000 + b"1" + b"}" * 5_000

every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)


class Nonsense(NamedTuple):
    """What is sent, and what must come back."""

    status: int
    location: tuple[str, ...]
    options: Mapping[str, Any]


def _body(status: int, *location: str, data: bytes) -> Nonsense:
    return Nonsense(status, ("body", *location), {"data": data})


def _key(api_key: str | bytes) -> Nonsense:
    return Nonsense(422, ("header", "x-api-key"), {"headers": {"X-Api-Key": api_key}})


NONSENSE = {
    "unknown parameter": Nonsense(422, ("query", "nht"), {"params": {"nht": 2}}),
    "unknown parameter, NUL": Nonsense(422, ("query", "a\x00"), {"params": {"a\x00": 2}}),
    "parameter twice": Nonsense(422, ("query", "nht"), {"params": {"nht": [1, 2]}}),
    "account twice": Nonsense(422, ("query", "account"), {"params": {"account": ["a", "b"]}}),
    "account and key": Nonsense(422, ("query", "account"), {"params": {"account": "a"}}),
    "unknown account": Nonsense(
        404,
        ("query", "account"),
        {"params": {"account": "XX-nobody~\x00"}, "headers": {"X-Api-Key": None}},
    ),
    "key of another environment": _key("wg-live.secret"),
    "empty key": _key(""),
    "key that is no text": _key(b"XX-\xff\xfe"),
    "unknown field": _body(422, "nht", data=b'{"nht": 2}'),
    "unknown field, not a number": _body(422, "nht", data=b'{"nht": NaN}'),
    "unknown field, huge number": _body(422, "nht", data=b'{"nht": 1e999}'),
    "unknown field, NUL": _body(422, "\x00", data=b'{"\\u0000": "\\u0000"}'),
    "key twice": _body(400, "nht", data=b'{"nht": 1, "nht": 2}'),
    "key twice, escaped": _body(400, "nht", data=b'{"nht": 1, "\\u006eht": 1}'),
    "key twice, below": _body(400, "a", data=b'{"b": [{"a": 1, "a": 1}]}'),
    "key twice, empty": _body(400, data=b'{"": 1, "": 2}'),
    "array": _body(422, data=b"[]"),
    "null": _body(422, data=b"null"),
    "text": _body(422, data=b'"{}"'),
    "number": _body(422, data=b"-1e308"),
    "no JSON": _body(400, data=b"advance=5"),
    "half JSON": _body(400, data=b'{"advance": '),
    "two documents": _body(400, data=b"{}{}"),
    "no UTF-8": _body(400, data=b'{"\xff": 1}'),
    "surrogate": _body(400, data=b'{"\\ud800": 1}'),
    "number without end": _body(400, data=b'{"a": ' + b"9" * 5_000 + b"}"),
    "deep": _body(400, data=DEEP),
    "no gzip": Nonsense(400, ("body",), {"data": b"{}", "headers": {"Content-Encoding": "gzip"}}),
}


@pytest.fixture
def paths(api: Api, server: MockServer) -> dict[str, str]:
    """Things that exist, by the name of the variable part of a path that names them."""
    account = server.account(KEY)
    fault = account.faults.arm("hang", path="/v2/never")
    endpoint = account.webhooks.add("http://127.0.0.1:1/", "order.completion")
    order_id = api.order(**mailed("a@b.example")).json()["id"]
    (email,) = server.emails
    told = api.order(mode="sync").json()["id"]
    message = account.webhooks.wait_for(order=told, until=has_been_refused)
    return {
        "order_id": order_id,
        "fault_id": fault.id,
        "email_id": email.id,
        "code": "AMZ-US",
        "endpoint_id": endpoint.id,
        "message_id": message.id,
        "number": "1",
        "trick_id": account.webhooks.misbehave("delay").id,
    }


def has_been_refused(message: MessageResult) -> bool:
    """Whether nothing happens to a message any more while time stands still."""
    return len(message.deliveries[0].attempts) == 2


def _path(operation: Operation, paths: Mapping[str, str]) -> str:
    return operation.path.format_map(paths)


@every_operation
def test_every_operation_names_the_field_and_changes_nothing(
    operation: Operation, control: ControlCaller, paths: dict[str, str]
) -> None:
    """Each kind of nonsense has its status and its place in the details."""
    before = control.snapshot()
    for name, (status, location, options) in NONSENSE.items():
        if operation.path == HEALTH and location in ABOUT_ACCOUNTS:
            continue  # it is about no account, so that anybody can ask
        response = control.call(operation.method, _path(operation, paths), **options)
        document = response.json()
        assert response.status_code == status, (name, document)
        assert location in locations(document), (name, document)
        assert len(document["details"]) > 5 or location[-1] in document["message"], (name, document)
    assert control.snapshot() == before


def test_only_its_methods_can_be_used_on_a_path(
    control: ControlCaller, paths: dict[str, str]
) -> None:
    """Every other method is 405, OPTIONS included; HEAD goes where GET does."""
    before = control.snapshot()
    served: dict[str, set[str]] = {}
    for operation in OPERATIONS:
        served.setdefault(_path(operation, paths), set()).add(operation.method)
    known = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
    for path, methods in served.items():
        for method in sorted(known - methods):
            response = control.call(method, path)
            goes = method == "HEAD" and "GET" in methods
            assert response.status_code == (200 if goes else 405), (method, path)
            if method != "HEAD":
                document = response.json()
                assert document["type"] == "method_not_allowed"
                assert response.headers["Allow"] == ", ".join(sorted(methods))
                assert all(allowed in document["message"] for allowed in methods)
    assert control.snapshot() == before


@pytest.mark.parametrize(
    "path",
    ["/nope", "/orders/a/b", "/orders/a%2Fb", "/clock/now", "//", "/clock%00", "/%ff", "/.."],
)
def test_a_path_where_nothing_lies(control: ControlCaller, path: str) -> None:
    """Unknown paths are 404 in the API's own shape."""
    reply = exchange(
        control.url, f"GET {PREFIX}{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    )
    assert (reply.status, reply.document["type"]) == (404, "not_found")


VALID = {
    "PATCH /orders/{order_id}": {"status": "COMPLETED"},
    "PATCH /products/{code}": {"is_orderable": False},
    "PATCH /webhooks/endpoints/{endpoint_id}": {"disabled": True},
    "POST /webhooks/endpoints/{endpoint_id}/recover": {"since": NOON},
}


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if "{" in o.path], ids=name_of)
@pytest.mark.parametrize("name", ["none", "%00", "%ff", "%ed%a0%80", "%27", "O-" + "0" * 5_000])
def test_a_thing_that_does_not_exist(
    operation: Operation, name: str, control: ControlCaller
) -> None:
    """The refusal names the part of the path."""
    path = re.sub(r"\{.*?\}", name, operation.path)
    body = VALID.get(name_of(operation))
    response = control.call(operation.method, path, json=body)
    (location,) = locations(response.json())
    assert (response.status_code, location[0]) == (404, "path")


@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "x", None])
def test_a_body_is_json_whatever_its_content_type_says(
    control: ControlCaller, type_: str | None
) -> None:
    """`curl -d` says that it sends a form, and is understood."""
    response = control.call(
        "PUT", "/settings", data=b'{"rate_limit": 7}', headers={"Content-Type": type_}
    )
    assert response.status_code == 200
    assert control.get("/settings")["settings"]["rate_limit"] == 7


def test_a_field_that_is_given_twice_changes_nothing(control: ControlCaller) -> None:
    """Neither the first nor the last value is taken, though either would do by itself."""
    before = control.snapshot()
    response = control.call("PUT", "/settings", data=b'{"rate_limit": 7, "rate_limit": 8}')
    assert (response.status_code, locations(response.json())) == (400, {("body", "rate_limit")})
    assert response.json()["message"] == "rate_limit: is given 2 times"
    assert control.snapshot() == before


def test_what_has_no_default_must_be_given(control: ControlCaller, paths: dict[str, str]) -> None:
    """An empty body, or one of nulls, is refused where there is nothing to do without one."""
    needed = {
        "PUT /clock": "advance",
        "POST /faults": "kind",
        "PATCH /orders/{order_id}": "status",
        "PATCH /products/{code}": "is_orderable",
        "POST /webhooks/endpoints": "url",
        "PATCH /webhooks/endpoints/{endpoint_id}": "url",
        "POST /webhooks/endpoints/{endpoint_id}/recover": "since",
        "POST /webhooks/adversary": "kind",
    }
    for operation in OPERATIONS:
        field = needed.get(name_of(operation))
        for body in (b"", b"{}", b'{"%s": null}' % field.encode()) if field is not None else ():
            response = control.call(operation.method, _path(operation, paths), data=body)
            assert response.status_code == 422, (name_of(operation), body)
            assert ("body", field) in locations(response.json())


@cache
def _words() -> list[str]:
    """The values that the document lists: kinds, places, statuses."""

    def found(schema: Any) -> set[str]:
        if isinstance(schema, dict):
            own = {*schema.get("enum", ()), schema.get("const")}
            return {v for v in own if isinstance(v, str)}.union(*map(found, schema.values()))
        return set().union(*map(found, schema)) if isinstance(schema, list) else set()

    return sorted(found(DESCRIPTION.document["components"]))


MOMENTS = ["2026-03-15T00:00:00Z", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"]
TEXTS = ["0.05", "10.00", "P31D", "PT1S", "P99999999999D", "/v2/*", "GET", "reads:2", *MOMENTS]
NUMBERS = [0, 1, -1, 0.5, 2, 599, 10**9, 2**63, -(2**63) - 1, 10**400, 1e308, 1e-320]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(NUMBERS),
    st.integers() | st.floats(),
    st.sampled_from([*_words(), *TEXTS, "O-00000000000000000000000000", "USD", "F-1"]),
    st.text(max_size=20),
)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("distribution", "low", "high", "median", "sigma", "USD", "now", "speed"),
                    *("type", "minimum_value", "maximum_value", "available_list"),
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


PREPARED = {
    "/faults": b'{"kind": "hang"}',
    "/webhooks/adversary": b'{"kind": "delay"}',
    "/webhooks/endpoints": b'{"url": "http://127.0.0.1:1/", "event": "product.update"}',
}


def _fields(operation: Operation) -> list[str]:
    body = operation.body
    if body is None:
        return ["x"]
    fields = list(body.model_fields)
    return sorted(RUN_TIME) if fields == ["root"] else fields or ["x"]


def _bodies(operation: Operation) -> st.SearchStrategy[bytes]:
    known = st.dictionaries(st.sampled_from(_fields(operation)), documents, max_size=3)
    either = known | st.dictionaries(st.text(max_size=5), documents, max_size=2) | documents
    return either.map(lambda document: json.dumps(document).encode()) | st.binary(max_size=20)


def _queries(operation: Operation) -> st.SearchStrategy[dict[str, list[str]]]:
    names = ["account", "x", *(operation.query.model_fields if operation.query else ())]
    text = scalars.map(str) | st.text(max_size=10)
    return st.dictionaries(
        st.sampled_from(names), st.lists(text, min_size=1, max_size=2), max_size=2
    )


def _calls(operation: Operation) -> st.SearchStrategy[ControlRequest]:
    path = operation.path.replace("{fault_id}", "F-1").replace("{trick_id}", "A-1")
    path = path.replace("{code}", "AMZ-US")
    path = re.sub(r"\{(endpoint|message)_id\}", lambda found: _made()[found[1]], path)
    return st.builds(
        ControlRequest,
        method=st.just(operation.method),
        path=st.sampled_from([path, path.replace("{order_id}", "O-00000000000000000000000000")]),
        query=st.just({}) | _queries(operation),
        body=st.just(b"") | _bodies(operation),
        api_key=st.sampled_from([KEY, None, "", "wg-no.no"]),
    )


def _fresh() -> ControlApi:
    server_state = ServerState(make_settings(clock=NOON, seed=1))
    api = ControlApi(server_state)
    for path, body in PREPARED.items():
        api(ControlRequest("POST", path, body=body, api_key=KEY))
    api(ControlRequest("PATCH", "/products/AMZ-US", body=b'{"is_orderable": false}'))
    return api


@cache
def _made() -> dict[str, str]:
    """The ids of what every fresh server has."""
    seen = {path: json.loads(body) for path, body in _at_first().items()}
    return {
        "endpoint": seen["/webhooks/endpoints"]["endpoints"][0]["id"],
        "message": seen["/webhooks/messages"]["messages"][0]["id"],
    }


def _seen(api: ControlApi) -> dict[str, bytes]:
    return snapshot(lambda path: api(ControlRequest("GET", path)).body)


@cache
def _at_first() -> dict[str, bytes]:
    return _seen(_fresh())


@settings(max_examples=4 * settings().max_examples)
@given(st.sampled_from(OPERATIONS).flatmap(_calls))
def test_any_call_is_answered_as_described_and_a_refused_one_changes_nothing(
    call: ControlRequest,
) -> None:
    """No call fails on the server's side; what was taken, the document allows."""
    api = _fresh()
    answer = api(call)
    document = DESCRIPTION.check_answer(call.method, PREFIX + call.path, answer.status, answer.body)
    assert answer.status in {200, 201, 400, 403, 404, 409, 422}
    if answer.status >= 400:
        assert locations(document) or document["type"] == "forbidden", document
        assert _seen(api) == _at_first()
    elif call.body.strip() not in (b"", b"{}"):
        DESCRIPTION.check_body(call.method, PREFIX + call.path, json.loads(call.body))
