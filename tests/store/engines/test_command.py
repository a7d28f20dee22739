"""`runa-mock store` on stores of every kind that outlives its process."""

import asyncio
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from runa_mock_server.store.engine import WORLD, Batch
from runa_mock_server.store.urls import open_engine
from support.command import run
from support.engines import KEPT, Worlds

KEY = "XX-someone.private"
MAIL = "someone@mail.test"
STREAM = 2**62 + 5
ACCOUNT = {"account": {"key": KEY, "number": 1, "secret": "ab" * 8, "stream": STREAM}, "id": "1"}


def order(order_id: str, key: str = "k", position: int = 0, **more: Any) -> dict[str, Any]:
    """The record of an order that was placed."""
    start = 1_700_000_000_000_000
    row = [position, start, 0, None, None, False, "f", key, "USD", "USD", 1_000, 0, None, [MAIL]]
    return {"placed": order_id, "rows": {order_id: row}, "key": {"name": key, "order": 0}, **more}


GOOD = (
    (WORLD, ACCOUNT),
    (STREAM, order("O-1")),
    (STREAM, order("O-2", "l", 1)),
    (STREAM, {"rows": {"O-1": [0]}}),
    (STREAM, {"key": {"name": "m", "first_seen": 1, "status": 400, "body": "{}"}}),
)


@pytest.fixture(params=KEPT)
def worlds(request: pytest.FixtureRequest) -> Worlds:
    """Makes worlds of a kind that outlives its process."""
    return Worlds(request.param, request)


def stored(worlds: Worlds, *more: tuple[int, Mapping[str, Any]]) -> str:
    """The URL of a store with a few records."""
    url = worlds.url()

    async def write() -> None:
        engine = open_engine(url)
        await engine.open()
        records = [(account, {"v": 1, **record}) for account, record in (*GOOD, *more)]
        await engine.append(0, [Batch(who, json.dumps(what).encode()) for who, what in records])
        await engine.journal([json.dumps({"body": f"{KEY} {MAIL}"}).encode()] * 9)
        await engine.close()

    asyncio.run(write())
    return url


def test_info(worlds: Worlds) -> None:
    """It tells accounts, orders and the version of the schema."""
    out = run("store", "info", stored(worlds)).output
    found = dict(line.split(":", 1) for line in out.splitlines())
    assert (found["accounts"].strip(), found["orders"].strip()) == ("1", "2")
    assert found["schema version"].strip() == "1"
    assert found["journal"].strip().startswith("9 ")


def test_consistent(worlds: Worlds) -> None:
    """A store in which all fits together is consistent."""
    done = run("store", "check", stored(worlds))
    assert (done.exit_code, "2 orders" in done.output) == (0, True)


@pytest.mark.parametrize(
    ("record", "named"),
    [
        (order("O-1"), "O-1"),
        (order("O-3", rows={}), "O-3"),
        ({"rows": {"O-9": [0]}}, "O-9"),
        ({"v": None}, "version"),
    ],
)
def test_inconsistent(worlds: Worlds, record: Mapping[str, Any], named: str) -> None:
    """What does not fit is named with the number of its record."""
    done = run("store", "check", stored(worlds, (STREAM, record)))
    assert done.exit_code == 1
    assert "record 6" in done.output
    assert named in done.output


def test_reset_discards_orders(worlds: Worlds) -> None:
    """After a reset the same id may come again."""
    reset = {"operation": {"method": "POST", "path": "/reset", "key": KEY}, "id": "2"}
    assert (
        run("store", "check", stored(worlds, (WORLD, reset), (STREAM, order("O-1")))).exit_code == 0
    )


def test_compact(worlds: Worlds) -> None:
    """It drops the journal but for what is to be kept, and no record."""
    url = stored(worlds)
    assert run("store", "compact", url, "--keep-journal", "2").exit_code == 0
    assert "2 requests" in run("store", "info", url).output
    assert run("store", "compact", url).exit_code == 0
    out = run("store", "info", url).output
    assert "0 requests" in out
    assert run("store", "check", url).exit_code == 0


def test_export(worlds: Worlds, tmp_path: Path) -> None:
    """A copy has the same records, and an existing file is left alone."""
    url, copy = stored(worlds), tmp_path / "copy.db"
    assert run("store", "export", url, str(copy)).exit_code == 0
    assert [*tmp_path.iterdir()] == [copy]
    assert run("store", "export", url, str(copy)).exit_code == 1

    async def rows(of: str) -> Any:
        engine = open_engine(of)
        await engine.open()
        found = [*await engine.read(0)], await engine.read_journal(0)
        await engine.close()
        return found

    assert asyncio.run(rows(url)) == asyncio.run(rows(f"sqlite:///{copy}"))


def test_export_redacted(worlds: Worlds, tmp_path: Path) -> None:
    """A redacted copy is consistent, and has no key, secret or address in any place."""
    more = {
        "operation": {"method": "POST", "path": "/faults", "key": KEY, "body": f'{{"a": "{KEY}"}}'},
        "id": "whsec_c2VjcmV0",
    }
    url, copy = stored(worlds, (WORLD, more)), tmp_path / "copy.db"
    assert run("store", "export", url, str(copy), "--redacted").exit_code == 0
    assert run("store", "check", f"sqlite:///{copy}").exit_code == 0
    raw = copy.read_bytes()
    for secret in (KEY, MAIL, "ab" * 8, "whsec_c2VjcmV0"):
        assert secret.encode() not in raw


def test_in_use(tmp_path: Path) -> None:
    """A file in use can be looked at, checked and copied, but not compacted."""
    url = f"sqlite:///{tmp_path}/world.db"

    async def use() -> None:
        engine = open_engine(url)
        await engine.open()
        await engine.append(0, [Batch(WORLD, json.dumps({"v": 1, **ACCOUNT}).encode())])
        for arguments in (["info", url], ["check", url], ["export", url, f"{tmp_path}/copy.db"]):
            done = await asyncio.to_thread(run, "store", *arguments)
            assert done.exit_code == 0, done.output
        done = await asyncio.to_thread(run, "store", "compact", url)
        assert (done.exit_code, "another process" in done.output) == (1, True)
        await engine.close()

    asyncio.run(use())


@pytest.mark.parametrize("url", ["memory:", "nonsense", "sqlite:///nowhere/x.db"])
@pytest.mark.parametrize("name", ["info", "check", "compact"])
def test_no_store(name: str, url: str) -> None:
    """What is no store, or not there, is refused in one line."""
    done = run("store", name, url)
    assert done.exit_code == 1
    assert done.output.startswith("Error: store ")
    assert done.output.count("\n") == 1


def test_views(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The views show orders and keys to any SQLite tool."""
    copy = tmp_path / "copy.db"
    run("store", "export", stored(Worlds("sqlite", request)), str(copy))
    with closing(sqlite3.connect(copy)) as tool:
        orders = tool.execute(
            "SELECT id, seq, total_price_cents, created_at FROM orders"
        ).fetchall()
        keys = tool.execute("SELECT name, status, order_position FROM keys").fetchall()
    assert orders == [("O-1", 4, None, None), ("O-2", 3, 1_000, "2023-11-14T22:13:20.000Z")]
    assert keys == [("k", 202, 0), ("l", 202, 0), ("m", 400, None)]
