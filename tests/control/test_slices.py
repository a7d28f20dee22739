"""Long control work is done in slices: what others ask meanwhile is answered in between."""

import asyncio
import json
from collections.abc import Callable, Generator

import pytest

from runa_mock_server.base import slices
from runa_mock_server.base.slices import finish, finish_in_slices
from runa_mock_server.config.settings import make_settings
from runa_mock_server.contract.profiles import PROFILES
from runa_mock_server.control.api import ControlApi
from runa_mock_server.control.operation import ControlRequest
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.server_state.server_state import ServerState
from support.api import KEY
from support.server_states import place_orders

NEW = "XX-new.secret"
MANY = 300
MISSING = ("/orders/O-none", "/requests/0", "/settings?account=none")
LONG = (
    "/accounts",
    "/effects",
    "/emails",
    "/orders",
    "/requests",
    "/state",
    "/state?format=lines",
)


def _server_state(path: str) -> ServerState:
    """A server whose answer to a path takes long."""
    server_state = ServerState(make_settings(clock="2026-03-14T12:00:00Z", seed=1))
    place_orders(server_state.account(KEY), MANY)
    for number in range(0 if path.startswith("/state") else MANY):
        server_state.account(f"XX-shop.{number}")
    return server_state


def _answered(
    slices: Generator[None, None, Answer], between: Callable[[], object], after: int = 1
) -> Answer:
    """The answer to a request, with something done after so many of its slices."""
    for _ in range(after):
        next(slices)
    between()
    return finish(slices)


@pytest.mark.parametrize("path", LONG + MISSING)
def test_other_requests_run_between_two_slices(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shorter request comes later and is answered first."""
    monkeypatch.setattr(slices, "SLICE_SECONDS", 0)  # however fast the machine is
    api = ControlApi(_server_state(path))
    answered: list[str] = []

    async def ask(asked: str) -> Answer:
        where, _, query = asked.partition("?")
        asks = {name: [value] for name, _, value in [query.partition("=")] if name}
        whose = KEY if where == "/state" else None
        request = ControlRequest("GET", where, asks, api_key=whose)
        answer = await finish_in_slices(api.slices(request))
        answered.append(asked)
        return answer

    async def both() -> tuple[Answer, Answer]:
        return await asyncio.gather(ask(path), ask("/clock"))

    status = 404 if path in MISSING else 200
    assert [answer.status for answer in asyncio.run(both())] == [status, 200]
    assert answered == ["/clock", path]


CHANGES = {
    "settings": ControlRequest("PUT", "/settings", body=b'{"rate_limit": 7}'),
    "balances": ControlRequest("PUT", "/settings", body=b'{"balances": {"USD": 7}}'),
    "product": ControlRequest("PATCH", "/products/AMZ-US", body=b'{"is_orderable": false}'),
    "endpoint": ControlRequest(
        "POST",
        "/webhooks/endpoints",
        body=b'{"url": "http://127.0.0.1:1/", "event": "order.completion"}',
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_concerns_every_account_is_done_account_by_account(name: str) -> None:
    """A slice holds one account at most, and what was changed is so for all in the end."""
    server_state = _server_state("")
    server_state.profile = PROFILES["production"]  # which sends webhooks
    slices_done = 0

    def counted() -> Generator[None, None, Answer]:
        nonlocal slices_done
        work = ControlApi(server_state).slices(CHANGES[name])
        while True:
            try:
                next(work)
            except StopIteration as end:
                answer: Answer = end.value
                return answer
            slices_done += 1
            yield

    assert finish(counted()).status in {200, 201}
    assert slices_done > MANY
    for account in server_state.accounts:
        if name == "settings":
            assert account.settings.rate_limit == 7
        elif name == "balances":
            assert account.state.balances == {"USD": 700}
        elif name == "product":
            assert account.orders.terms.catalogue is server_state.catalogue
        else:
            assert account.state.order_changed is not None


def test_an_order_that_ends_while_an_endpoint_is_added_is_not_for_it() -> None:
    """One that is placed meanwhile and ends afterwards is, exactly once."""
    server_state = ServerState(
        make_settings(clock="2026-03-14T12:00:00Z", playground_webhooks=True)
    )
    account = server_state.account(KEY)
    place_orders(account, 3)
    first = account.state.order_at(0)
    assert first is not None

    def meanwhile() -> None:
        account.orders.complete(first.id)
        place_orders(account, 1, first=3)

    work = ControlApi(server_state).slices(CHANGES["endpoint"])
    assert _answered(work, meanwhile, after=2).status == 201
    server_state.clock.advance(60)
    server_state.webhooks.catch_up()
    told = [message.subject for message in server_state.webhooks.messages.values()]
    others = [order.id for order in account.state.orders() if order.id != first.id]
    assert sorted(told) == others


@pytest.mark.parametrize("path", ["/effects", "/state"])
def test_an_account_is_read_as_it_was_when_the_request_came(path: str) -> None:
    """Orders that are placed between two slices, and a reset, change nothing in it."""
    server_state = _server_state("/state")
    api, request = ControlApi(server_state), ControlRequest("GET", path, api_key=KEY)
    before = api(request)
    account = server_state.account(KEY)

    def change() -> None:
        place_orders(account, 60, first=MANY)
        server_state.reset_account(account)
        while account.drop(50):
            pass

    assert _answered(api.slices(request), change).body == before.body
    assert api(request).body != before.body


def test_a_reset_refuses_what_was_to_be_read_of_many_accounts() -> None:
    """No answer mixes what was before with what is now: 409, and the next one is right."""
    server_state = _server_state("/effects")
    api, request = ControlApi(server_state), ControlRequest("GET", "/effects")
    refused = _answered(api.slices(request), server_state.reset)
    assert (refused.status, json.loads(refused.body)["type"]) == (409, "conflict")
    assert json.loads(api(request).body)["keys"] == []


def test_an_account_that_is_imported_is_the_old_one_until_all_of_it_is_there() -> None:
    """Between two slices it is as before, and what else is done then stays, but for the account."""
    server_state = _server_state("/state")
    api = ControlApi(server_state)
    exported = api(ControlRequest("GET", "/state", api_key=KEY))
    server_state.reset_account(server_state.account(KEY))
    place_orders(server_state.account(KEY), 1)
    seen: list[int] = []

    def look() -> None:
        seen.append(server_state.account(KEY).state.order_count)
        api(ControlRequest("PUT", "/settings", body=b'{"rate_limit": 7}'))
        place_orders(server_state.account("XX-other.secret"), 2)

    request = ControlRequest("PUT", "/state", body=exported.body, api_key=KEY)
    assert _answered(api.slices(request), look).status == 200
    assert seen == [1]
    assert server_state.account(KEY).state.order_count == MANY
    assert server_state.account("XX-other.secret").state.order_count == 2
    again = json.loads(api(ControlRequest("GET", "/state", api_key=KEY)).body)
    assert again["orders"] == json.loads(exported.body)["orders"]


@pytest.mark.parametrize("other", [None, "XX-other.secret"], ids=["reset", "same state"])
def test_an_import_is_refused_where_what_it_is_for_has_changed_meanwhile(other: str | None) -> None:
    """409, and nothing was changed: after a reset, and where the same state is elsewhere by now."""
    server_state = _server_state("/state")
    api = ControlApi(server_state)
    exported = api(ControlRequest("GET", "/state", api_key=KEY)).body
    server_state.reset()

    def disturb() -> None:
        if other is None:
            server_state.reset()
        else:
            api(ControlRequest("PUT", "/state", body=exported, api_key=other))

    request = ControlRequest("PUT", "/state", body=exported, api_key=NEW)
    read = 2 * MANY + 10  # slices; what follows makes the account
    refused = _answered(api.slices(request), disturb, after=read)
    assert (refused.status, json.loads(refused.body)["type"]) == (409, "conflict")
    assert server_state.account(NEW).state.order_count == 0
    assert api(request).status == 200
    assert server_state.account(NEW).state.order_count == MANY
