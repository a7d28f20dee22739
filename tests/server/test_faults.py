"""Which requests a fault hits, how often, and which faults there cannot be."""

from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.control.models import FaultResult
from runa_mock_server.control_client.transport import ControlRefusedError
from runa_mock_server.server_state.fault_spec import PLACES, FaultSpec
from runa_mock_server.server_state.faults import Faults
from support.api import KEY, TIMEOUT, Api
from support.raw import connection, exchange, message, reply_on
from support.waiting import until

OTHER = "XX-other.secret"
STRUCK = 599  # a status that nothing else gives


def statuses(server: MockServer, *paths: str, key: str | None = KEY) -> list[int]:
    """What ``GET`` of each path is answered with."""
    headers = {} if key is None else {"X-Api-Key": key}
    with requests.Session() as session:
        session.trust_env = False
        return [
            session.get(server.url + path, headers=headers, timeout=TIMEOUT).status_code
            for path in paths
        ]


def pings(server: MockServer, count: int, key: str | None = KEY) -> list[int]:
    """What ``count`` pings are answered with."""
    return statuses(server, *["/v2/ping"] * count, key=key)


def arm(server: Any, **fields: Any) -> Any:
    """A fault that shows in the status; ``server`` may be an account."""
    return server.faults.arm("status", status=STRUCK, **fields)


@pytest.mark.parametrize(
    ("pattern", "hit", "spared"),
    [
        ("/v2/order/*", ["/v2/order/O-1", "/v2/order/a/b"], ["/v2/order", "/v2/orders"]),
        ("/v2/ping", ["/v2/ping", "/v2/ping/", "/v2/ping?a=b", "/v2/%70ing"], ["/v2/pin"]),
        ("/v2/ping/", ["/v2/ping", "/v2/ping/"], ["/v2/balance"]),
        ("/*ing", ["/v2/ping"], ["/v2/balance", "/V2/PING"]),
        ("/v2/[p]ing", ["/v2/[p]ing", "/v2/%5Bp%5Ding"], ["/v2/ping"]),
        ("/*", ["/", "/v2/ping", "/nowhere", "/openapi.json"], []),
    ],
)
def test_a_path_fits_with_its_stars_alone(
    server: MockServer, pattern: str, hit: list[str], spared: list[str]
) -> None:
    """Only ``*`` is special; a trailing slash, a query and percent-encoding do not count."""
    fault = arm(server, path=pattern, times=None)
    assert statuses(server, *hit) == [STRUCK] * len(hit)
    assert STRUCK not in statuses(server, *spared)
    assert (fault.read().matched, fault.struck) == (len(hit), len(hit))


def test_the_journal_is_filtered_by_the_same_patterns(server: MockServer) -> None:
    """What a pattern hits is what it shows."""
    statuses(server, "/v2/ping", "/v2/%70ing/", "/v2/[p]ing", "/v2/balance")
    shown = [len(server.journal.read(path=pattern).requests) for pattern in ("/v2/ping/", "/*")]
    assert shown == [2, 4]
    assert server.journal.read(path="/v2/[p]ing").total == 1


def test_the_control_api_is_out_of_reach(server: MockServer) -> None:
    """However much goes wrong, the one who did it can undo it."""
    arm(server, times=None)
    assert statuses(server, "/v2/ping", "/_mock/health", "/_mock/faults") == [STRUCK, 200, 200]


def test_a_method_fits_in_either_case(server: MockServer, api: Api) -> None:
    """``post`` is taken for ``POST``, and hits nothing else."""
    fault = arm(server, method="post", times=None)
    assert pings(server, 1) == [200]
    assert exchange(server.url, message("POST", "/v2/ping")).status == STRUCK
    assert fault.read().spec.method == "POST"
    assert api.get("/v2/order").status_code == 200


@pytest.mark.parametrize("key", ["mine", "with space", "clé", "*"])
def test_an_idempotency_key_fits_to_the_letter(server: MockServer, api: Api, key: str) -> None:
    """No pattern, no case folding."""
    arm(server, idempotency_key=key, times=None)
    sent = [key, key.upper() + "x", "other"]
    seen = [
        exchange(server.url, message("GET", "/v2/ping", X_Idempotency_Key=name)).status
        for name in sent
    ]
    assert seen == [STRUCK, 200, 200]
    assert api.order().status_code == 202


def test_a_fault_of_an_account_spares_the_others(server: MockServer) -> None:
    """Parallel tests never meet; a fault of the server hits them all, strangers too."""
    arm(server.account(KEY), times=None)
    assert [pings(server, 1, key) for key in (KEY, OTHER, None)] == [[STRUCK], [200], [401]]
    arm(server, times=None)
    assert [pings(server, 1, key) for key in (OTHER, None, "wrong")] == [[STRUCK]] * 3


def test_clearing_an_account_s_faults_leaves_the_others(server: MockServer) -> None:
    """The server's stay, and the other way round nothing does."""
    arm(server, times=None)
    arm(server.account(KEY), times=None)
    server.account(KEY).faults.clear()
    assert [fault.account for fault in server.faults] == [None]
    arm(server.account(KEY), times=None)
    server.faults.clear()
    assert list(server.faults) == []
    assert pings(server, 1) == [200]


@pytest.mark.parametrize(
    ("fields", "hits"),
    [
        ({}, [1]),
        ({"times": 3}, [1, 2, 3]),
        ({"times": None}, [1, 2, 3, 4, 5, 6]),
        ({"nth": 2}, [2]),
        ({"nth": [2, 4, 5], "times": 2}, [2, 4]),
        ({"nth": [5, 2, 2], "times": None}, [2, 5]),
    ],
)
def test_how_often_it_strikes(server: MockServer, fields: dict[str, Any], hits: list[int]) -> None:
    """``times`` counts hits, ``nth`` the requests that it fits, from 1."""
    arm(server, path="/v2/ping", **fields)
    statuses(server, "/v2/balance", "/nowhere")
    seen = pings(server, 6)
    assert [number for number, status in enumerate(seen, 1) if status == STRUCK] == hits


def test_a_spent_fault_says_so(server: MockServer) -> None:
    """It stays in the list, with its counts."""
    fault = arm(server, nth=2, path="/v2/ping")
    pings(server, 1)
    assert (fault.read().armed, fault.read().matched, fault.struck) == (True, 1, 0)
    pings(server, 2)
    assert [(f.id, f.armed, f.matched, f.struck) for f in server.faults] == [
        (fault.id, False, 2, 1)
    ]


def test_of_two_faults_the_older_strikes(server: MockServer) -> None:
    """Both have counted the request; the other one waits for the next."""
    first = arm(server)
    second = server.faults.arm("status", status=598)
    third = server.faults.arm("status", status=597, nth=2)
    assert pings(server, 4) == [STRUCK, 598, 200, 200]
    assert [f.read().matched for f in (first, second, third)] == [1, 2, 2]
    assert third.struck == 0  # the second request was taken


@pytest.mark.parametrize("of_account", [True, False])
def test_a_fault_expires_by_the_mock_s_clock(
    server: MockServer, clock: ManualClock, *, of_account: bool
) -> None:
    """To the microsecond; that of an account by the account's clock."""
    scope = server.account(KEY) if of_account else server
    fault = arm(scope, times=None, expires_after=60)
    clock.advance(59.999999)
    assert pings(server, 1) == [STRUCK]
    scope.clock.advance(0.000001)
    assert pings(server, 1) == [200]
    assert not fault.read().armed


def _hits(seed: int | None, count: int) -> list[int]:
    with MockServer(seed=seed) as server:
        arm(server, probability=0.5, times=None)
        return pings(server, count)


def test_chance_repeats_with_the_seed() -> None:
    """The same seed and calls, the same hits; about as many as asked for."""
    hits = _hits(7, 40)
    assert hits == _hits(7, 40)
    assert 10 < hits.count(STRUCK) < 30
    assert len({tuple(_hits(seed, 10)) for seed in (1, 2, 3, None)}) > 1


@pytest.mark.parametrize("place", ["before", "after_commit"])
def test_faults_hit_what_would_be_refused_anyway(server: MockServer, place: str) -> None:
    """No key, a key that is not accepted, an unknown path, a wrong method."""
    server.faults.arm("status", place, status=STRUCK, times=None)  # type: ignore[arg-type] # both are places
    seen = [pings(server, 1, None), pings(server, 1, "no"), statuses(server, "/v2/nowhere", "/x")]
    assert seen == [[STRUCK], [STRUCK], [STRUCK, STRUCK]]
    assert [entry.status for entry in server.journal] == [STRUCK] * 4


@pytest.mark.parametrize("place", ["before", "after_commit"])
def test_faults_hit_payout_links(server: MockServer, api: Api, place: str) -> None:
    """The account's too, though its recipients send no key; after the commit it is redeemed."""
    link = api.order(mode="sync").json()["items"][0]["payout"]["url"]
    server.account(OTHER).faults.arm("status", status=STRUCK, times=None)
    fault = server.account(KEY).faults.arm("status", place, status=STRUCK, path="/payout/*")  # type: ignore[arg-type] # both are places
    lost = requests.get(link, params={"format": "json"}, timeout=TIMEOUT)
    assert (lost.status_code, fault.struck) == (STRUCK, 1)
    entry = server.account(KEY).journal.read(path="/payout/*").requests[-1]
    assert (entry.status, [hit.id for hit in entry.faults]) == (STRUCK, [fault.id])
    order_id = next(iter(server.orders)).id
    payout = server.orders.get(order_id).order["items"][0]["payout"]
    assert payout["status"] == ("CLAIMED" if place == "after_commit" else "ACTIVE")
    again = requests.get(link, params={"format": "json"}, timeout=TIMEOUT).json()
    assert again["status"] == "SUCCESS"


def test_a_fault_in_a_with_block_is_gone_after_it(server: MockServer) -> None:
    """Also if it never struck; where it has been removed already, that is said."""
    with arm(server, path="/v2/nowhere") as fault:
        assert [each.id for each in server.faults] == [fault.id]
    assert list(server.faults) == []
    with pytest.raises(ControlRefusedError, match=r"^fault_id: there is no fault"):
        fault.remove()


def test_a_thousand_spent_faults_are_remembered() -> None:
    """The older ones are forgotten."""
    server_state = Faults(seed=1)
    clock = ManualClock()
    spec = FaultSpec(kind="reset", expires_after=1)
    armed = [server_state.arm(spec, None, clock).id for _ in range(1_003)]
    clock.advance(1)
    assert [fault.id for fault in server_state] == armed[3:]


GOOD: dict[str, st.SearchStrategy[Any]] = {
    "method": st.sampled_from(["GET", "post", None]),
    "path": st.sampled_from(["/v2/order", "/*", None]),
    "idempotency_key": st.sampled_from(["a", "ü", None]),
    "nth": st.sampled_from([1, [1, 2], None]),
    "probability": st.sampled_from([1, 0.5, 1e-9]),
    "times": st.sampled_from([1, 10**9, None]),
    "expires_after": st.sampled_from([0.1, 10**9, None]),
}
DELAYS = [0, 0.5, {"distribution": "uniform", "low": 0, "high": 1}]
OWN: dict[str, dict[str, list[Any]]] = {
    "delay": {"delay": [*DELAYS, {"distribution": "lognormal", "median": 1, "sigma": 0}]},
    "slow": {"delay": DELAYS},
    "status": {
        "status": [200, 599],
        "body": ["", "<p>ü\0", None],
        "content_type": ["text/plain", "text/html; charset=utf-8"],
        "retry_after": [0, 86_400, None],
    },
    "rate_limit": {"retry_after": [5]},
}
BAD: dict[str, list[Any]] = {
    "kind": ["", "RESET", None, 1, [], {}],
    "place": ["", "Before", 0, []],
    "method": ["", "GET POST", "*", 1, []],
    "path": ["", "v2/order", "*", "/v2/order?limit=1", "/a#b", "http://x/v2", 1],
    "idempotency_key": ["", 1, []],
    "nth": [0, -1, [], [0], [1, "2"], "1", 1.5, True],
    "probability": [0, -0.1, 1.1, "1", None, True],
    "times": [0, -1, 1.5, "1", True],
    "expires_after": [0, -1, "1", 1e10],
    "delay": [-1, 3601, "1", None, True, {}, {"distribution": "normal"}, []],
    "share": [-0.1, 1, "0", None],
    "status": [199, 600, 100, "500", None, 503.5],
    "body": [1, {}, []],
    "content_type": ["", "a\r\nb: c", "é", None],
    "retry_after": [-1, 86_401, "5", 1.5],
    "nht": [1],
}
PAIRS = [(kind, place) for kind, places in PLACES.items() for place in places]


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """Any fault that can be armed."""
    kind, place = draw(st.sampled_from(PAIRS))
    spec = draw(st.fixed_dictionaries({}, optional=GOOD))
    for name, values in OWN.get(kind, {}).items():
        if draw(st.booleans()):
            spec[name] = draw(st.sampled_from(values))
    if place == "in_body" and draw(st.booleans()):
        spec["share"] = draw(st.sampled_from([0, 0.5, 0.99]))
    if place == "inside":
        spec = {name: v for name, v in spec.items() if name not in {"method", "path"}}
    return {**spec, "kind": kind, "place": place}


@given(specs())
@settings(max_examples=40)
def test_every_fault_can_be_armed_and_read_back(spec: dict[str, Any]) -> None:
    """What was sent is what is shown, but for the spelling of method and path."""
    with MockServer() as server:
        server.faults.arm(**spec)
        shown: FaultResult = next(iter(server.faults))
    assert shown.spec == FaultSpec(**spec)


@given(specs(), st.sampled_from([(field, bad) for field, values in BAD.items() for bad in values]))
@settings(max_examples=150)
def test_a_wrong_field_is_named(spec: dict[str, Any], wrong: tuple[str, Any]) -> None:
    """Whatever else is right, the refusal leads to the field, and nothing is armed."""
    field, value = wrong
    server = MockServer()  # the control API needs no socket
    with pytest.raises(ControlRefusedError) as caught:
        server.faults.arm(**{**spec, field: value})
    assert caught.value.status == 422
    assert field in {step for detail in caught.value.details for step in detail["location"]}
    assert field in str(caught.value)
    assert list(server.faults) == []


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        *[
            ({"kind": kind, "place": place}, "place")
            for kind in PLACES
            for place in ("before", "inside", "after_commit", "in_body")
            if (kind, place) not in PAIRS
        ],
        *[
            ({"kind": kind, name: value}, name)
            for kind in PLACES
            for name, value in (("delay", 1), ("status", 500), ("body", ""))
            if name not in OWN.get(kind, {})
        ],
        ({"kind": "reset", "share": 0.5}, "share"),
        ({"kind": "hang", "place": "inside", "method": "GET"}, "method"),
        ({"kind": "hang", "place": "inside", "path": "/v2/order/*"}, "path"),
        ({"kind": "delay", "delay": {"distribution": "uniform", "low": 2, "high": 1}}, "delay"),
    ],
)
def test_a_combination_that_cannot_be_names_its_field(spec: dict[str, Any], field: str) -> None:
    """A field that this kind does not have, a place where this kind cannot be."""
    with pytest.raises(ControlRefusedError, match=field) as caught:
        MockServer().faults.arm(**spec)
    assert field in caught.value.details[0]["location"]


def test_a_fault_armed_while_a_request_comes_in_can_hit_it_inside(server: MockServer) -> None:
    """Inside, what counts is what is armed when the request gets there."""
    head, body, _ = message("POST", "/v2/order", b"{}", X_Idempotency_Key="k").partition(b"{}")
    with connection(server.url) as opened:
        opened.sendall(head)
        fault = server.faults.arm("delay", "inside", delay=0)
        opened.sendall(body)
        assert reply_on(opened).status == 422
    until(lambda: fault.struck == 1)
