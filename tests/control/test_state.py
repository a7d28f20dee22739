"""An account as a document: taken out, put in elsewhere, the same requests get the same answers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from http.client import HTTPConnection
from typing import Any, NamedTuple

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from runa_mock_server import ControlRefusedError, MockServer
from runa_mock_server.config.settings import RUN_TIME
from support.api import TIMEOUT, body, item

PUBLIC = "http://mock.example.test"
KEYS = {"playground": ("XX-me.secret", "XX-you.secret"), "production": ("wg-me.x", "wg-you.x")}
MAILED = item(distribution_method={"type": "EMAIL", "email_address": "a@b.example"})
CHOICE = item(products={"type": "MULTIPLE", "values": ["1800FL-US", "AMZ-US"]})
PAID = item(
    distribution_method={
        "type": "RECIPIENT",
        "recipient_reference": "r-1",
        "email_address": "a@b.example",
    },
    products={"type": "SINGLE", "value": "EXBANK-US"},
)
BODIES: tuple[dict[str, Any], ...] = (
    body(),
    body(items=[MAILED, item(), CHOICE], description="h\u00e9 \U0001f381", metadata={"a": "b"}),
    body(items=[item(products={"type": "SINGLE", "value": "FIVEG-US"}, face_value=5)]),
    body(items=[PAID]),
    {"items": "no"},
)
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"X-Execution-Mode": "sync"},
    {"X-Mock-Processing": "reads:2", "X-Send-Email": "true"},
    {"X-Mock-Processing": "never"},
    {"X-Trigger-Error": "order_failed"},
    {"X-Send-Email": "true"},
)


class Placed(NamedTuple):
    """An attempt to place an order."""

    key: bytes
    document: Mapping[str, Any]
    headers: Mapping[str, str]


class User:
    """Does things with one account of one server."""

    def __init__(self, server: MockServer, api_key: str) -> None:
        self.server = server
        self.hand = server.account(api_key)
        self.api_key = api_key
        self.session = requests.Session()
        self.session.trust_env = False

    def call(self, method: str, path: str, **options: Any) -> tuple[int, bytes]:
        """Status and body of an answer; never one that tells of a defect."""
        response = self.session.request(method, self.server.url + path, timeout=TIMEOUT, **options)
        assert b"defect" not in response.content, (method, path, response.content)
        assert response.status_code != 500, (method, path, response.content)
        return response.status_code, response.content

    def get(self, path: str) -> tuple[int, bytes]:
        """Read something of the account."""
        return self.call("GET", path, headers={"X-Api-Key": self.api_key})

    def place(self, placed: Placed) -> tuple[int, bytes]:
        """Place an order, or try to."""
        headers = {"X-Api-Key": self.api_key, "X-Idempotency-Key": placed.key, **placed.headers}
        return self.call("POST", "/v2/order", json=placed.document, headers=headers)


def battery(user: User, placed: Sequence[Placed], turns: int = 2) -> list[Any]:
    """What an account answers to all that depends on its past, step by step."""
    hand = user.hand
    seen: list[Any] = []
    for turn in range(turns):
        seen += [user.get("/v2/balance"), user.get("/v2/order?limit=2")]
        orders = hand.orders.list()
        seen += [order.model_dump(exclude={"account"}) for order in orders]
        for order in orders:
            detail = hand.orders.get(order.id).order
            seen += [detail, user.get(f"/v2/order?after={order.id}&limit=2")]
            seen += [user.get(f"/v2/order/{order.id}")]
            for each in detail["items"]:
                path = each["payout"]["url"].removeprefix(PUBLIC)
                seen += [user.call("GET", path), user.call("GET", f"{path}?format=json")]
        seen += [user.place(each) for each in placed]
        seen += [user.place(placed[0]._replace(document=body(description="other")))]
        seen += [user.place(Placed(b"new-%d" % turn, each, HEADERS[turn])) for each in BODIES[:2]]
        seen += [mail.model_dump(exclude={"account"}) for mail in hand.emails]
        seen += [
            user.get("/v2/order?limit=500"),
            hand.settings.model_dump(include=set(RUN_TIME - {"balances"})),
        ]
        seen += [hand.clock.now()]
        hand.clock.advance((1, "P30D")[turn])
    return seen


def act(user: User, placed: list[Placed], step: tuple[str, int]) -> None:
    """One step of a story; what cannot be done is left."""
    kind, number = step
    hand = user.hand
    orders = hand.orders.list()
    if kind == "order":
        key = (b"k-%d" % number, b"caf\xc3\xa9 %25", b"\xff\xfe")[number % 3]
        document, headers = BODIES[number % len(BODIES)], HEADERS[number % len(HEADERS)]
        placed.append(Placed(key, document, headers))
        user.place(placed[-1])
    elif kind == "advance":
        hand.clock.advance((0.4, 1, 3_600, 86_400 * 20)[number % 4])
    elif kind == "configure":
        changes: tuple[dict[str, Any], ...] = (
            {"rate_limit": 12},
            {"processing": "reads:1"},
            {"link_lifetime_days": 10},
            {"legacy_item_fields": False},
        )
        hand.configure(**changes[number % len(changes)])
    elif orders and kind == "redeem":
        for each in hand.orders.get(orders[number % len(orders)].id).order["items"]:
            user.call("GET", each["payout"]["url"].removeprefix(PUBLIC) + "?format=json")
    elif orders and kind == "decide":
        methods = hand.orders
        decide = (methods.complete, methods.fail, methods.hold, methods.cancel_payouts)[number % 4]
        try:
            decide(orders[number % len(orders)].id)
        except ControlRefusedError as refused:
            assert refused.status == 409  # noqa: PT017 - either way is good


kinds = st.sampled_from(["order", "order", "order", "advance", "configure", "redeem", "decide"])
steps = st.lists(st.tuples(kinds, st.integers(0, 59)), max_size=12)


@settings(max_examples=max(8, settings().max_examples // 8))
@given(
    profile=st.sampled_from(sorted(KEYS)),
    seeds=st.tuples(st.none() | st.integers(), st.integers()),
    story=steps,
)
def test_the_same_requests_get_the_same_answers(
    profile: str, seeds: tuple[int | None, int], story: list[tuple[str, int]]
) -> None:
    """Under the same key or another, on a server of another seed, in another time."""
    common: dict[str, Any] = {"profile": profile, "public_url": PUBLIC, "balances": {"USD": 150}}
    mine, other = KEYS[profile]
    with (
        MockServer(clock="2026-03-14T12:00:00.5Z", seed=seeds[0], **common) as home,
        MockServer(clock="2031-01-01T00:00:00Z", seed=seeds[1], rate_limit=3, **common) as abroad,
    ):
        user = User(home, mine)
        placed = [Placed(b"first", BODIES[0], {})]
        user.place(placed[0])
        for step in story:
            act(user, placed, step)
        text = json.dumps(user.hand.export_state())
        first = battery(user, placed)
        for there in (User(home, mine), User(abroad, other)):
            there.hand.import_state(json.loads(text))
            assert json.dumps(there.hand.export_state()) == text
            assert len(there.hand.journal) == 0
            assert battery(there, placed) == first


def test_a_state_without_a_secret_fits() -> None:
    """Earlier versions wrote none: old links lead to old orders, new ones to new ones."""
    with MockServer(clock="2026-03-14T12:00:00Z", public_url=PUBLIC) as server:
        user = User(server, KEYS["playground"][0])
        at_once = {"X-Mock-Processing": "at-once"}
        user.place(Placed(b"old", BODIES[0], at_once))
        state = user.hand.export_state()
        del state["ids"]["secret"]
        user.hand.import_state(state)
        user.place(Placed(b"new", BODIES[0], at_once))
        for order in user.hand.orders.list():
            first, *_ = user.hand.orders.get(order.id).order["items"]
            path = first["payout"]["url"].removeprefix(PUBLIC) + "?format=json"
            user.call("GET", path)
            (claimed,) = user.hand.orders.get(order.id).order["items"]
            assert claimed["id"] == first["id"]
            assert claimed["payout"]["status"] == "CLAIMED"


def test_a_state_with_an_exchange_of_an_earlier_version_fits() -> None:
    """Earlier versions exported `converted`, `fee` and `currency` as three strings."""
    in_pounds = {"type": "ACCOUNT_BALANCE", "currency": "GBP"}
    with MockServer(public_url=PUBLIC) as server:
        user = User(server, KEYS["playground"][0])
        user.place(Placed(b"k", body(payment_method=in_pounds), {"X-Execution-Mode": "sync"}))
        (order,) = user.hand.orders.list()
        expected = user.hand.orders.get(order.id).order
        state = user.hand.export_state()
        old = deepcopy(expected)
        fx = {"rate": "1.2", "rate_symbol": "GBPUSD"}
        fx |= {"converted": "8.33", "fee": "0.16", "currency": "GBP"}
        old["transaction_detail"]["USD"]["fx"] = fx
        state["orders"][0]["document"] = json.dumps(old)
        user.hand.import_state(state)
        assert user.hand.orders.get(order.id).order == expected


def test_accounts_of_one_state_make_links_of_their_own() -> None:
    """Which each lead to the orders of the account that made them."""
    mine, other = KEYS["playground"]
    with MockServer(clock="2026-03-14T12:00:00Z", public_url=PUBLIC) as server:
        users = [User(server, mine), User(server, other)]
        users[0].place(Placed(b"old", BODIES[0], {}))
        users[1].hand.import_state(users[0].hand.export_state())
        links = set()
        for user in users:
            user.place(Placed(b"new", BODIES[0], {"X-Mock-Processing": "at-once"}))
            newest, *_ = user.hand.orders.list()
            (made,) = user.hand.orders.get(newest.id).order["items"]
            url = made["payout"]["url"]
            links.add(url)
            user.call("GET", url.removeprefix(PUBLIC) + "?format=json")
            (claimed,) = user.hand.orders.get(newest.id).order["items"]
            assert claimed["payout"]["status"] == "CLAIMED"
        assert len(links) == 2


def told_story(user: User) -> list[Placed]:
    """An account that holds one of everything that a state can hold."""
    placed = [
        Placed(b"sync", BODIES[1], {"X-Execution-Mode": "async", "X-Send-Email": "true"}),
        Placed(b"held", BODIES[2], {"X-Mock-Processing": "never"}),
        Placed(b"reads", BODIES[0], {"X-Mock-Processing": "reads:3"}),
        Placed(b"wrong", BODIES[-1], {}),
        Placed(b"failed", BODIES[0], {"X-Mock-Processing": "never"}),
        Placed(b"paid", body(items=[PAID]), {"X-Execution-Mode": "sync"}),
    ]
    user.hand.configure(rate_limit=100, link_lifetime_days=20)
    user.hand.faults.arm("status", "after_commit", status=504, idempotency_key="reads")
    for each in placed:
        user.place(each)
    user.hand.clock.advance(2)
    paid, held, *_, oldest = user.hand.orders.list()
    user.hand.orders.fail(held.id, "because")
    for order in (paid, oldest):
        first, *_ = user.hand.orders.get(order.id).order["items"]
        path = first["payout"]["url"].removeprefix(PUBLIC)
        if order is paid:
            user.call("POST", path, data={"step": "send"})
        user.call("GET", f"{path}?format=json")
    return placed


@pytest.fixture
def user() -> Iterator[User]:
    """Somebody with a server on which all of this happened."""
    with MockServer(clock="2026-03-14T12:00:00Z", public_url=PUBLIC) as server:
        yield User(server, KEYS["playground"][0])


Step = str | int


def _places(document: Any) -> Iterator[tuple[Step, ...]]:
    """The way to each field and entry; of a list the first and the last entry will do."""
    if isinstance(document, dict):
        inner: Sequence[tuple[Step, Any]] = list(document.items())
    elif isinstance(document, list) and document:
        inner = [(0, document[0]), (len(document) - 1, document[-1])]
    else:
        return
    for step, value in inner:
        yield (step,)
        deeper = json.loads(value) if step == "document" and isinstance(value, str) else value
        yield from ((step, *rest) for rest in _places(deeper))


def _spoilt(document: Any, place: tuple[Step, ...], values: Sequence[Any]) -> Any:
    """A copy of a document without what lies at a place, or with another value there."""
    step, *rest = place
    if isinstance(document, str):  # the text of an order
        return json.dumps(_spoilt(json.loads(document), place, values), separators=(",", ":"))
    copy = document.copy()
    if rest:
        copy[step] = _spoilt(copy[step], tuple(rest), values)
    elif values:
        copy[step] = values[0]
    else:
        del copy[step]
    return copy


_NOTHING = object()
JUNK: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**30,
    2**62,
    0.5,
    float("nan"),
    float("inf"),
    "",
    "x",
    "\x00",
    "9" * 60,
    "O-01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "2026-03-14T12:00:00.000000+00:00",
    [],
    [[]],
    {},
    {"x": 1},
)


def _import(user: User, state: Any) -> ControlRefusedError | None:
    """Try to import; the refusal, if there is one."""
    try:
        user.hand.import_state(state)
    except ControlRefusedError as refusal:
        return refusal
    return None


def test_whatever_is_spoilt_is_named_or_does_no_harm(user: User) -> None:
    """Each field left out, each with each junk: the refusal names the part and changes nothing."""
    placed = told_story(user)
    state = user.hand.export_state()
    text = json.dumps(state)
    assert all(state.values()), "a state that holds nothing proves nothing"
    refused = 0
    harmless: dict[tuple[Step, ...], Any] = {}
    for number, place in enumerate(_places(state)):
        for junk in (_NOTHING, [], *JUNK[number % 6 :: 6]):
            values = () if junk is _NOTHING else (junk,)
            spoilt = _spoilt(state, place, values)
            refusal = _import(user, spoilt)
            if refusal is None:
                harmless.setdefault(place, spoilt)
                user.hand.import_state(state)
                continue
            refused += 1
            parts = {each["location"][1] for each in refusal.details if each["location"][1:]}
            # Parts belong together: what is spoilt in one can show in another.
            assert parts, (place, values, refusal.details)
            assert parts <= {*state, place[0]}, (place, values, refusal.details)
        assert json.dumps(user.hand.export_state()) == text, place
    assert refused > 500
    for spoilt in harmless.values():
        user.hand.import_state(spoilt)
        battery(user, placed[:1], turns=1)


def test_a_state_of_another_profile_is_refused(user: User) -> None:
    """The refusal names the profile."""
    told_story(user)
    with MockServer(profile="production") as server:
        account = server.account(KEYS["production"][0])
        with pytest.raises(ControlRefusedError, match=r"^profile: "):
            account.import_state(user.hand.export_state())
        assert len(account.orders) == 0


def test_a_state_with_products_that_are_not_here_is_refused(
    user: User, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A server with another catalogue could not redeem them."""
    told_story(user)
    catalogue = tmp_path_factory.mktemp("catalogue") / "one.json"
    product = user.get("/v2/product/AMZ-GB")[1].decode()
    catalogue.write_text(f'{{"catalog": [{product}]}}', encoding="utf-8")
    with MockServer(catalogue=catalogue) as server:
        hand = server.account("XX-me.secret")
        with pytest.raises(ControlRefusedError, match=r"^orders: .*no product"):
            hand.import_state(user.hand.export_state())


def test_thousands_of_orders_travel(user: User) -> None:
    """What an account of 2,000 orders says of the first and the last is the same elsewhere."""
    _grow(user, 2_000)
    state = user.hand.export_state()
    with MockServer(clock="2026-03-14T12:00:00Z", public_url=PUBLIC) as server:
        there = User(server, "XX-you.secret")
        there.hand.import_state(state)
        assert len(there.hand.orders) == 2_000
        for path in ("/v2/order?limit=3", f"/v2/order/{state['orders'][0]['id']}", "/v2/balance"):
            assert there.get(path) == user.get(path)
        placed = Placed(b"another", BODIES[0], {})
        assert there.place(placed) == user.place(placed)


def _grow(user: User, count: int) -> None:
    """Give an account many orders, fast."""
    wire = HTTPConnection(user.server.url.removeprefix("http://"), timeout=TIMEOUT)
    sent = json.dumps(BODIES[0])
    for number in range(count):
        headers = {"X-Api-Key": user.api_key, "X-Idempotency-Key": str(number)}
        wire.request("POST", "/v2/order", sent, headers)
        with wire.getresponse() as response:
            assert (response.status, len(response.read())) == (202, 59)
    wire.close()


def test_a_state_is_of_one_account(user: User) -> None:
    """Without a key there has to be just one; the refusal says what to send."""
    with pytest.raises(ControlRefusedError, match=r"x-api-key: there are 0 accounts"):
        user.server.export_state()
    told_story(user)
    assert user.server.export_state() == user.hand.export_state()
    user.server.account(KEYS["playground"][1]).orders.list()
    with pytest.raises(ControlRefusedError, match=r"x-api-key: there are 2 accounts"):
        user.server.import_state(deepcopy(user.hand.export_state()))
