"""Long control work is done in slices: what others ask meanwhile is answered in between."""

import asyncio
import json
from collections.abc import Callable, Generator

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from runa_mock_server.config.settings import make_settings
from runa_mock_server.control.api import ControlApi
from runa_mock_server.control.operation import ControlRequest
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.server_state.server_state import World
from runa_mock_server.web.control_gate import ControlGate
from support.api import KEY
from support.worlds import place_orders

NEW = "XX-new.secret"
MANY = 300
LONG = ("/accounts", "/effects", "/requests", "/state")


def _world(path: str) -> World:
    """A server whose answer to a path takes long."""
    world = World(make_settings(clock="2026-03-14T12:00:00Z", seed=1))
    place_orders(world.account(KEY), MANY)
    for number in range(0 if path == "/state" else MANY):
        world.account(f"XX-shop.{number}")
    return world


def _answered(slices: Generator[None, None, Answer], between: Callable[[], object]) -> Answer:
    """The answer to a request, with something done after its first slice."""
    next(slices)
    between()
    while True:
        try:
            next(slices)
        except StopIteration as end:
            answer: Answer = end.value
            return answer


@pytest.mark.parametrize("path", LONG)
def test_other_requests_run_between_two_slices(path: str) -> None:
    """The shorter request comes later and is answered first."""
    gate = ControlGate(_world(path))
    answered: list[str] = []

    async def ask(asked: str) -> web.StreamResponse:
        response = await gate(make_mocked_request("GET", "/_mock" + asked))
        answered.append(asked)
        return response

    async def both() -> tuple[web.StreamResponse, web.StreamResponse]:
        return await asyncio.gather(ask(path), ask("/clock"))

    responses = asyncio.run(both())
    assert [response.status for response in responses] == [200, 200]
    assert answered == ["/clock", path]


@pytest.mark.parametrize("path", ["/effects", "/state"])
def test_an_account_is_read_as_it_was_when_the_request_came(path: str) -> None:
    """Orders that are placed between two slices, and a reset, change nothing in it."""
    world = _world("/state")
    api, request = ControlApi(world), ControlRequest("GET", path, api_key=KEY)
    before = api(request)
    account = world.account(KEY)

    def change() -> None:
        place_orders(account, 60, first=MANY)
        world.reset_account(account)
        while account.drop(50):
            pass

    assert _answered(api.slices(request), change).body == before.body
    assert api(request).body != before.body


def test_a_reset_refuses_what_was_to_be_read_of_many_accounts() -> None:
    """No answer mixes what was before with what is now: 409, and the next one is right."""
    world = _world("/effects")
    api, request = ControlApi(world), ControlRequest("GET", "/effects")
    refused = _answered(api.slices(request), world.reset)
    assert (refused.status, json.loads(refused.body)["type"]) == (409, "conflict")
    assert json.loads(api(request).body)["keys"] == []


def test_an_account_that_is_imported_is_the_old_one_until_all_of_it_is_there() -> None:
    """Between two slices it is as before, and what else is done then stays, but for the account."""
    world = _world("/state")
    api = ControlApi(world)
    exported = api(ControlRequest("GET", "/state", api_key=KEY))
    world.reset_account(world.account(KEY))
    place_orders(world.account(KEY), 1)
    seen: list[int] = []

    def look() -> None:
        seen.append(world.account(KEY).state.order_count)
        api(ControlRequest("PUT", "/settings", body=b'{"rate_limit": 7}'))
        place_orders(world.account("XX-other.secret"), 2)

    request = ControlRequest("PUT", "/state", body=exported.body, api_key=KEY)
    assert _answered(api.slices(request), look).status == 200
    assert seen == [1]
    assert world.account(KEY).state.order_count == MANY
    assert world.account("XX-other.secret").state.order_count == 2
    again = json.loads(api(ControlRequest("GET", "/state", api_key=KEY)).body)
    assert again["orders"] == json.loads(exported.body)["orders"]


@pytest.mark.parametrize("other", [None, "XX-other.secret"], ids=["reset", "same state"])
def test_an_import_is_refused_where_what_it_is_for_has_changed_meanwhile(other: str | None) -> None:
    """409, and nothing was changed: after a reset, and where the same state is elsewhere by now."""
    world = _world("/state")
    api = ControlApi(world)
    exported = api(ControlRequest("GET", "/state", api_key=KEY)).body
    world.reset()

    def disturb() -> None:
        if other is None:
            world.reset()
        else:
            api(ControlRequest("PUT", "/state", body=exported, api_key=other))

    request = ControlRequest("PUT", "/state", body=exported, api_key=NEW)
    refused = _answered(api.slices(request), disturb)
    assert (refused.status, json.loads(refused.body)["type"]) == (409, "conflict")
    assert world.account(NEW).state.order_count == 0
    assert api(request).status == 200
    assert world.account(NEW).state.order_count == MANY
