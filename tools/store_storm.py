"""Storms on a store engine for longer than tests have time: each key must be stored once.

``PYTHONPATH=tests python tools/store_storm.py sqlite --rounds 200`` kills a writer of a file at
random again and again. ``... postgresql --url postgresql://...`` has several processes write the
same keys while their connections are cut every 20 to 40 ms and they are stopped in turns.
Exit code 1 and the reason if a key is missing, stored twice, or not where it was confirmed.
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
from asyncio.subprocess import Process
from collections import Counter
from pathlib import Path

import asyncpg

from runa_mock_server.store.urls import open_engine
from support.postgres import new_world
from support.storm import keys_in

_TESTS = Path(__file__).parents[1] / "tests"
_APPLICATION = "store-storm"


async def _writer(url: str, keys: int, seed: int) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "support.storm", url, str(keys), str(seed),
        cwd=_TESTS, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def _stored(url: str) -> list[str]:
    engine = open_engine(url)
    await engine.open()
    try:
        return keys_in(await engine.read(0, limit=10_000_000))
    finally:
        await engine.close()


def _compare(stored: list[str], confirmed: dict[int, str]) -> list[str]:
    twice = [key for key, count in Counter(stored).items() if count > 1]
    lost = [seq for seq, key in confirmed.items() if stored[seq - 1 : seq] != [key]]
    problems = [f"{len(twice)} keys stored twice: {twice[:5]}"] if twice else []
    if lost:
        problems.append(f"{len(lost)} confirmed records lost or changed: {lost[:5]}")
    return problems


def _confirmed(output: bytes) -> dict[int, str]:
    *whole, _ = output.decode().split("\n")
    return {int(line.split()[1]): line.split()[0] for line in whole}


async def _sqlite(rounds: int, keys: int) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/world.db"
        confirmed: dict[int, str] = {}
        for seed in range(rounds):
            writer = await _writer(url, keys, seed)
            assert writer.stdout is not None  # noqa: S101 - it was asked for
            lines = [
                await writer.stdout.readline()
                for _ in range(random.randrange(keys // rounds + 1))  # noqa: S311 - no secret
            ]
            if writer.returncode is None:
                writer.kill()
            confirmed |= _confirmed(b"".join(lines) + (await writer.communicate())[0])
            problems = _compare(await _stored(url), confirmed)
            if problems:
                return [f"round {seed}", *problems]
        sys.stdout.write(f"{rounds} kills, {len(confirmed)} confirmed records, none lost\n")
        return []


async def _disturb(url: str, writers: list[Process]) -> int:
    """Cut connections and stop processes until all writers have ended; how many were cut."""
    connection = await asyncpg.connect(url.partition("?")[0])
    cuts = 0
    while any(writer.returncode is None for writer in writers):
        stopped = random.choice(writers)  # noqa: S311 - no secret
        for number in (signal.SIGSTOP, signal.SIGCONT):
            if stopped.returncode is None:
                stopped.send_signal(number)
            cuts += await connection.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE application_name = $1",
                _APPLICATION,
            )
            await asyncio.sleep(random.uniform(0.02, 0.04))  # noqa: S311 - no secret
    await connection.close()
    return cuts


async def _postgresql(url: str, processes: int, keys: int) -> list[str]:
    world = new_world(url)
    writers = [
        await _writer(f"{world}&application_name={_APPLICATION}", keys, seed)
        for seed in range(processes)
    ]
    disturbing = asyncio.create_task(_disturb(url, writers))
    outputs = [(await writer.communicate())[0] for writer in writers]
    cuts = await disturbing
    stored = await _stored(world)
    problems = [p for out in outputs for p in _compare(stored, _confirmed(out))]
    if len(set(stored)) != keys:
        problems.append(f"{len(set(stored))} keys stored of {keys}")
    sys.stdout.write(f"{cuts} connections cut, {len(stored)} records of {keys} keys\n")
    return problems


def main() -> int:
    """Do what the command line says; 1 if the store is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("kind", choices=("sqlite", "postgresql"))
    parser.add_argument("--url", help="a database for stores, without the name of a world")
    parser.add_argument("--rounds", type=int, default=200, help="kills, with sqlite")
    parser.add_argument("--processes", type=int, default=4, help="writers, with postgresql")
    parser.add_argument("--keys", type=int, default=6_000, help="keys to write")
    given = parser.parse_args()
    if given.kind == "postgresql" and not given.url:
        parser.error("--url is needed")
    work = (
        _sqlite(given.rounds, given.keys)
        if given.kind == "sqlite"
        else _postgresql(given.url, given.processes, given.keys)
    )
    problems = asyncio.run(work)
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    return int(bool(problems))


if __name__ == "__main__":
    raise SystemExit(main())
