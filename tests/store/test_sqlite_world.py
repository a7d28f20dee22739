"""A world in a SQLite file: what was answered is there after a restart, and goes on."""

import json
import signal
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from runa_mock_server import ManualClock, MockServer, server
from runa_mock_server.config.settings import make_settings
from runa_mock_server.control.world import open_world
from runa_mock_server.server_state.digest import digest
from runa_mock_server.store.engine import StoreError
from runa_mock_server.store.log import run_now
from runa_mock_server.store.sqlite import SqliteEngine
from runa_mock_server.store.urls import open_engine
from support.api import KEY, Api, body
from support.fixtures import NOON
from support.process import Served, serving
from support.receiver import Receiver, status

OTHER = "XX-other.secret"
PAID = "wg-shop.secret"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The URL of a new file."""
    return f"sqlite:///{tmp_path / 'world.db'}"


def place(base: str, key: str, api_key: str = KEY, **changes: Any) -> requests.Response:
    """Place an order."""
    headers = {"X-Api-Key": api_key, "X-Idempotency-Key": key}
    return requests.post(f"{base}/v2/order", json=body(**changes), headers=headers, timeout=30)


def folded(url: str) -> str:
    """The digest of what a store holds, as somebody sees it who opens it."""
    engine = open_engine(url)
    try:
        return digest(run_now(open_world(engine, make_settings(), None, None)))
    finally:
        run_now(engine.close())


def live(running: MockServer) -> str:
    """The digest of what a server has in memory."""
    return digest(running._server_state)  # noqa: SLF001 - what cannot be asked for from outside


def shown(running: MockServer) -> dict[str, Any]:
    """What a server shows of its world."""
    mine = running.account(KEY)
    return {
        "state": json.dumps({**mine.export_state(), "clock": None}).replace(running.url, ""),
        "settings": running.settings.model_dump(exclude={"port", "store"}),
        "faults": list(running.faults),
        "orders": [order.id for order in running.orders],
        "endpoints": running.webhooks.endpoints,
        "messages": running.webhooks.messages(),
        "products": [p.model_dump() for p in running.products.list(search="walmart")],
        "requests": [(r.number, r.method, r.status, r.outcome) for r in running.journal],
        "effects": running.effects(),
    }


def busy(running: MockServer) -> None:
    """Do a little of everything."""
    base = running.url
    ids = [place(base, f"k{n}").json()["id"] for n in range(4)]
    place(base, "k0", currency="EUR")
    place(base, "sync", items=[{"face_value": -1}])
    running.clock.advance(2)
    running.orders.complete(ids[0])
    running.orders.fail(ids[1], "no stock")
    running.orders.hold(ids[2])
    running.configure(processing_delay=7, rate_limit=1_000)
    running.account(OTHER).configure(link_lifetime_days=1)
    place(base, "o", OTHER)
    running.webhooks.add("http://127.0.0.1:9/hook", "order.completion")
    running.faults.arm("status", "after_commit", nth=[2, 3], times=2)
    for number in range(3):
        place(base, f"f{number}")
    code = running.products.list(limit=1)[0].code
    running.products.change(code, is_orderable=False)
    running.webhooks.misbehave("duplicate")
    running.account(OTHER).reset()
    place(base, "after", OTHER)
    place(base, "o", OTHER)


def test_everything_is_there_after_a_restart(url: str) -> None:
    """Orders, keys, clocks, faults, settings, products, webhooks and the journal survive."""
    with MockServer(store=url, clock=ManualClock(NOON), processing_delay=60, seed=3) as first:
        busy(first)
        before, answers = shown(first), [place(first.url, f"k{n}").content for n in range(4)]
        before = shown(first)
        now, held = first.clock.now(), live(first)
    assert folded(url) == held
    with MockServer(store=url) as again:
        after = shown(again)
        assert {name: after[name] == before[name] for name in after} == dict.fromkeys(after, True)
        assert (again.clock.now(), again.clock.speed) == (now, 0)
        assert live(again) == held
        assert [place(again.url, f"k{n}").content for n in range(4)] == answers


def test_a_world_goes_on_as_if_it_had_not_stopped(url: str, tmp_path: Path) -> None:
    """The same requests make the same world, with a restart in the middle and without."""
    with MockServer(store=url, clock=ManualClock(NOON), processing_delay=60, seed=1) as first:
        busy(first)
    other = f"sqlite:///{tmp_path / 'other.db'}"
    with (
        MockServer(store=url) as again,
        MockServer(store=other, clock=ManualClock(NOON), processing_delay=60, seed=1) as whole,
    ):
        busy(whole)
        for running in (again, whole):
            for number in range(3):
                place(running.url, f"later{number}")
            running.clock.advance(timedelta(days=2))
        states = [shown(running) for running in (again, whole)]
        for name in ("state", "settings", "faults", "orders", "endpoints"):
            assert states[0][name] == states[1][name]


def test_a_reset_forgets_everything_for_ever(url: str) -> None:
    """After a reset and a restart nothing is left of the time before."""
    with MockServer(store=url, processing_delay=60, seed=1) as first:
        busy(first)
        first.reset()
    with MockServer(store=url) as again:
        assert (len(again.orders), len(again.journal), list(again.faults)) == (0, 0, [])
        assert again.settings.rate_limit is None
        assert place(again.url, "k0").status_code == 202


def test_an_imported_account_survives(url: str) -> None:
    """An account that was imported is there after a restart, with what was ordered since."""
    with MockServer(clock=ManualClock(NOON)) as source:
        answers = [place(source.url, f"k{n}").content for n in range(3)]
        state = source.account(KEY).export_state()
    with MockServer(store=url) as first:
        place(first.url, "lost")
        first.account(KEY).import_state(state)
        place(first.url, "later")
        orders = [order.id for order in first.orders]
    with MockServer(store=url) as again:
        assert [order.id for order in again.orders] == orders
        assert [place(again.url, f"k{n}").content for n in range(3)] == answers
        assert len(again.orders) == 4


def test_messages_are_delivered_after_a_restart(url: str) -> None:
    """A message that no receiver has taken is sent again after a restart, with the same id."""
    with Receiver() as receiver:
        hook = receiver.script("/hook", status(500), status(500), status(500), then=status(204))
        with MockServer(store=url, webhook_retries=[0.01, 0.01, 600.0]) as first:
            first.webhooks.add(hook, "order.completion")
            place(first.url, "k")
            first.clock.advance(60)
            ids = {receiver.take("/hook").id for _ in range(3)}
        assert len(ids) == 1
        with MockServer(store=url) as again:
            again.clock.advance(700)
            assert receiver.take("/hook").id in ids
            again.webhooks.wait_for(order=again.orders.list()[0].id)


def test_the_world_keeps_its_settings(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Settings and balances of a world win over flags, and a flag that differs is named."""
    with MockServer(
        store=url, profile="production", balances={"USD": 100}, processing_delay=3
    ) as s:
        assert place(s.url, "k", PAID).status_code == 202
    with MockServer(store=url, balances={"USD": 900}, processing_delay=3, seed=4) as again:
        assert again.settings.profile == "production"
        left = again.account(PAID).export_state()["balances"]["USD"]
        assert float(left) < 100
    told = [record.getMessage() for record in caplog.records if "keeps" in record.getMessage()]
    assert len(told) == 1
    assert {"balances", "seed"} <= {word.strip(",") for word in told[0].split()}
    assert "processing_delay" not in told[0]


def test_a_second_server_is_told_in_one_line(url: str) -> None:
    """A file is for one process."""
    with MockServer(store=url), pytest.raises(StoreError, match=r"world\.db"):
        MockServer(store=url)


def test_records_of_a_newer_version_are_refused(url: str, tmp_path: Path) -> None:
    """A newer version's record is not misread, and unknown fields do no harm."""
    with MockServer(store=url) as first:
        place(first.url, "k")
    with closing(sqlite3.connect(tmp_path / "world.db")) as file:
        table = "log"
        file.execute(f"UPDATE {table} SET data = json_set(CAST(data AS TEXT), '$.unknown', 1)")  # noqa: S608 - a name of ours
        file.commit()
    with MockServer(store=url) as again:
        assert place(again.url, "k").status_code == 202
        assert len(again.orders) == 1


class Broken:
    """Fails statements of an engine while it is told to."""

    def __init__(self) -> None:
        self.is_broken = False

    def __call__(self, statement: str) -> None:
        """Fail, or not."""
        if self.is_broken and statement.split(maxsplit=1)[0] in {"BEGIN", "COMMIT", "INSERT"}:
            raise sqlite3.OperationalError("disk I/O error")


@contextmanager
def breakable(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[MockServer, Broken]]:
    """A server whose store can be made to fail."""
    broken = Broken()
    path = url.removeprefix("sqlite:///")
    monkeypatch.setattr(server, "open_engine", lambda _: SqliteEngine(path, before=broken))
    with MockServer(store=url, clock=ManualClock(NOON)) as running:
        yield running, broken


def test_a_store_that_fails_does_nothing_by_halves(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the store fails, all is refused with 503 and nothing changes; then it goes on."""
    with breakable(url, monkeypatch) as (running, broken):
        first = place(running.url, "before")
        held = live(running)
        broken.is_broken = True
        for key in ("before", "during"):
            refused = place(running.url, key)
            assert refused.status_code == 503
            assert set(refused.json()) == {"type", "message", "help"}
            assert refused.json()["type"] == "service_unavailable"
        health = requests.get(f"{running.url}/_mock/health", timeout=30)
        assert health.status_code == 503
        assert "world.db" in health.text
        assert (
            requests.put(f"{running.url}/_mock/clock", json={"advance": 60}, timeout=30).status_code
            == 503
        )
        assert live(running) == held
        broken.is_broken = False
        assert requests.get(f"{running.url}/_mock/health", timeout=30).status_code == 200
        assert running.clock.now() == NOON
        assert place(running.url, "before").content == first.content
        during = place(running.url, "during")
        assert during.status_code == 202
        assert running.effects().verdict == "exactly_once"
    with MockServer(store=url) as again:
        assert place(again.url, "during").content == during.content


def storm(served: Served, api_keys: list[str], done: dict[tuple[str, str], bytes]) -> None:
    """Order under shared keys until the server is gone; keep what was answered."""
    stopped = threading.Event()

    def order(worker: int) -> None:
        with closing(requests.Session()) as session:
            for number in range(10_000):
                api_key, key = api_keys[number % len(api_keys)], f"{worker % 4}-{number // 3}"
                headers = {"X-Api-Key": api_key, "X-Idempotency-Key": key}
                try:
                    answer = session.post(
                        f"{served.url}/v2/order", json=body(), headers=headers, timeout=10
                    )
                except requests.RequestException:
                    return
                assert answer.status_code == 202, answer.text
                assert done.setdefault((api_key, key), answer.content) == answer.content
                if len(done) > 40:
                    stopped.set()

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(order, worker) for worker in range(8)]
        stopped.wait(20)
        served.process.send(signal.SIGKILL)
        for each in running:
            each.result()


def test_kill_loses_nothing_that_was_answered(url: str) -> None:
    """``kill -9`` in a storm: acknowledged orders exist once, and keys replay their bytes."""
    done: dict[tuple[str, str], bytes] = {}
    for _ in range(2):
        with serving("--port", "0", "--store", url) as served:
            storm(served, [KEY, OTHER], done)
    with serving("--port", "0", "--store", url) as served:
        for (api_key, key), answer in done.items():
            assert place(served.url, key, api_key).content == answer
        for api_key in (KEY, OTHER):
            with closing(Api(served.url, api_key)) as api:
                effects = requests.get(
                    f"{served.url}/_mock/effects", headers={"X-Api-Key": api_key}, timeout=30
                )
                assert effects.json()["verdict"] == "exactly_once", api
