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

    async def both() -> list[web.StreamResponse]:
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
