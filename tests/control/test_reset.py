"""A reset returns to the start: one account or all, also amid requests, ten thousand times."""

import gc
import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.config.settings import make_settings
from runa_mock_server.orders.commit import Commit
from runa_mock_server.orders.idempotency import Answer, KeptAnswer
from runa_mock_server.server_state.server_state import ServerState
from support.answers import order_ids, refusal, still_answers
from support.api import KEY, TIMEOUT, Api, body
from support.control import ControlCaller

OTHER = "XX-other.secret"


def _used(server: MockServer, api_key: str) -> list[str]:
    """Do a bit of everything with an account; the ids of its orders."""
    hand = server.account(api_key)
    hand.configure(rate_limit=100, processing_delay=2)
    hand.clock.advance("PT1H")
    hand.faults.arm("hang", path="/v2/never")
    api = Api(server.url, api_key)
    for number in range(3):
        assert api.order(key=f"key-{number}", X_Send_Email="true").status_code == 202
    found = order_ids(api)
    api.close()
    return found


def test_everything_is_as_at_the_start() -> None:
    """Nothing that can be read tells of what was before, and a seed gives the same ids again."""
    with MockServer(clock="2026-03-14T12:00:00Z", seed=4, rate_limit=9) as server:
        whole = ControlCaller(server.url)
        first = _used(server, KEY)
        used = whole.snapshot()
        server.configure(processing="never", balances={"USD": 1})
        server.faults.arm("reset", "before", path="/v2/never")
        server.clock.run(speed=60)
        server.reset()
        assert whole.get("/accounts") == {"accounts": []}
        assert whole.get("/requests")["kept"] == 0
        assert whole.get("/faults") == {"faults": []}
        assert server.settings.model_dump(include={"rate_limit", "processing"}) == {
            "rate_limit": 9,
            "processing": None,
        }
        assert whole.get("/clock") == {"now": "2026-03-14T12:00:00Z", "speed": 0}
        assert _used(server, KEY) == first
        assert whole.snapshot() == used
        whole.close()


def test_one_account_is_reset_and_no_other_notices() -> None:
    """The other's orders, faults, clock and settings stay; the key's ids begin again."""
    with MockServer(clock="2026-03-14T12:00:00Z", seed=4) as server:
        first = _used(server, KEY)
        _used(server, OTHER)
        other = ControlCaller(server.url, OTHER)
        before = other.snapshot()
        server.faults.arm("hang", path="/v2/never")
        server.account(KEY).reset()
        assert other.snapshot() == before
        assert [fault.account is None for fault in server.faults] == [False, True]
        assert server.account(KEY).clock.now() == server.clock.now()
        assert server.account(KEY).settings == server.settings
        assert len(server.account(KEY).orders) == len(server.account(KEY).journal) == 0
        assert _used(server, KEY) == first
        other.close()


def test_payout_links_of_before_lead_nowhere(server: MockServer, api: Api) -> None:
    """RE011, as for any unknown link."""
    (item,) = api.order(mode="sync").json()["items"]
    server.account(KEY).reset()
    answer = requests.get(item["payout"]["url"], params={"format": "json"}, timeout=TIMEOUT)
    assert answer.json()["error_code"] == "RE011"


def test_requests_that_are_held_up_are_forgotten(server: MockServer) -> None:
    """What hangs inside is hung up on at a reset, and leaves nothing in the new server_state."""
    for turn, reset in enumerate((server.reset, server.account(KEY).reset)):
        hand = server.account(KEY)
        fault = hand.faults.arm("hang", "inside", times=None)
        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(_order, server, f"{turn}-{number}") for number in range(4)]
            while fault.struck < 4:
                pass
            reset()
            errors = [future.exception(TIMEOUT) for future in waiting]
            assert [type(error) for error in errors] == [requests.ConnectionError] * 4
        assert len(server.account(KEY).orders) == len(server.account(KEY).journal) == 0
        assert _order(server, f"{turn}-0") == 202
        assert len(server.account(KEY).orders) == 1


def _order(server: MockServer, key: str) -> int:
    headers = {"X-Api-Key": KEY, "X-Idempotency-Key": key}
    response = requests.post(
        f"{server.base_url}/order", json=body(), headers=headers, timeout=TIMEOUT
    )
    return response.status_code


def test_amid_requests_every_one_has_an_answer_of_the_service(server: MockServer) -> None:
    """Orders, reads, lists and payouts meet the server before a reset or after it, never half."""
    over = threading.Event()
    statuses: list[set[int]] = []

    def work(number: int) -> None:
        seen = set()
        api = Api(server.url, (KEY, OTHER)[number % 2])
        while not over.is_set():
            made = api.order(mode="sync")  # `Api` holds every answer against the contract
            order = made.json()
            read = api.get(f"/v2/order/{order['id']}")
            listed = api.get("/v2/order?limit=5")
            path = order["items"][0]["payout"]["url"].removeprefix(server.url)
            claimed = api.get(f"{path}?format=json")
            seen |= {made.status_code, read.status_code, listed.status_code, claimed.status_code}
        api.close()
        statuses.append(seen)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for number in range(150):
        (server.reset, server.account(KEY).reset)[number % 2]()
    over.set()
    for thread in threads:
        thread.join(TIMEOUT)
    assert len(statuses) == 4
    assert set().union(*statuses) <= {200, 404}
    api = Api(server.url)
    still_answers(api)
    assert refusal(api.order({})) == (422, "validation_error")
    api.close()


class _Held:
    """What this process holds: blocks of memory, objects, threads, open files."""

    def __init__(self) -> None:
        gc.collect()
        self.blocks = sys.getallocatedblocks()
        self.objects = len(gc.get_objects())
        self.threads = threading.active_count()
        folder = Path("/proc/self/fd")
        self.files = len(list(folder.iterdir())) if folder.exists() else 0

    def assert_no_more_than(self, before: "_Held", times: int) -> None:
        """Assert that nothing was kept each time; the few that caches took once do not count."""
        assert self.threads <= before.threads
        assert self.files <= before.files
        if sys.gettrace() is None:  # a tool that traces keeps something for every thread
            assert self.blocks - before.blocks < times
            assert self.objects - before.objects < times / 4


def _leaks_nothing(act: Callable[[int], None], times: int) -> None:
    if sys.gettrace() is not None:  # what is left to look at, threads and files, shows soon
        times //= 10
    for number in range(50):  # imports, caches
        act(number)
    before = _Held()
    for number in range(times):
        act(number)
    _Held().assert_no_more_than(before, times)


def test_ten_thousand_resets_leak_nothing(server: MockServer) -> None:
    """Of used accounts, of all, with armed faults, on one connection."""
    api, hand = Api(server.url), server.account(KEY)

    def act(number: int) -> None:
        if number % 50 == 0:
            still_answers(api)
            server.account(KEY).faults.arm("hang", path="/v2/never")
        (server if number % 10 else hand).reset()

    _leaks_nothing(act, 10_000)
    api.close()


def test_a_thousand_starts_and_stops_leak_nothing() -> None:
    """No thread, socket or memory stays, also where a client was still connected."""

    def act(number: int) -> None:
        with MockServer() as server:
            if number % 20 == 0:
                api = Api(server.url)
                still_answers(api)
                server.close()
                api.close()

    _leaks_nothing(act, 1_000)


def test_what_is_reset_is_freed_bit_by_bit() -> None:
    """A reset only lets go; the memory is freed between later requests, and all of it."""
    server_state = ServerState(make_settings(), ManualClock())
    acts: list[Callable[[], None]] = []
    server_state.later = acts.append
    account = server_state.account(KEY)
    for number in range(1_200):
        kept = KeptAnswer(0, "f" * 32, Answer(202, b"{}"))
        account.state.apply(Commit(key=(str(number), kept)))
    freed = weakref.ref(account)
    server_state.reset_account(account)
    del account
    steps = 0
    while acts:
        acts.pop()()
        steps += 1
    gc.collect()
    assert (steps, freed()) == (3, None)
    assert not list(server_state.account(KEY).state.kept_answers())
