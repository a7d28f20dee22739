"""A process that writes keys to a store, each once, whatever happens; for storms on engines.

It is the smallest store there can be: it folds the stream into a set of keys, and appends the keys
that it does not find there. ``python -m support.storm URL COUNT SEED`` does so until each of COUNT
keys is in the stream, and prints each key that it was told is written, with its number.
"""

import asyncio
import json
import random
import sys
from collections.abc import Callable, Collection, Sequence

from runa_mock_server.store.engine import (
    Batch,
    Engine,
    OutcomeUnknownError,
    Row,
    StoreDownError,
)
from runa_mock_server.store.urls import open_engine

ACCOUNTS = 16
_GROUP = 8
_PAUSE = 0.005  # seconds before the next attempt when the database is away


def batch_of(key: str) -> Batch:
    """The record of a key, for the account that the key belongs to."""
    return Batch(1 + int(key) % ACCOUNTS, json.dumps({"key": key}).encode())


def keys_in(rows: Sequence[Row]) -> list[str]:
    """The keys of some records."""
    return [json.loads(row.data)["key"] for row in rows]


async def write_once(
    engine: Engine, keys: Sequence[str], tell: Callable[[str, int], None]
) -> dict[str, int]:
    """Write each key once, retrying whatever fails.

    Args:
        engine: an open engine.
        keys: the keys, in the order in which they are tried.
        tell: called with each key that is known to be written, and its number.

    Returns:
        All keys of the stream, with their numbers.
    """
    folded: dict[str, int] = {}
    mark = 0
    pending = [*keys]

    def fold(rows: Collection[Row]) -> int:
        for row in rows:
            folded.setdefault(json.loads(row.data)["key"], row.seq)
        return max([mark, *(row.seq for row in rows)])

    while pending:
        group = [key for key in pending[:_GROUP] if key not in folded]
        try:
            news, written = await engine.append(mark, [batch_of(key) for key in group])
            mark = fold(news)
            own = [(seq, key) for key, seq in zip(group, written, strict=True) if seq is not None]
            mark = fold([Row(seq, *batch_of(key)[:2]) for seq, key in own])
        except OutcomeUnknownError:
            continue  # the next append brings what there is to know
        except StoreDownError:
            await asyncio.sleep(_PAUSE)
            continue
        for key in [key for key in pending[:_GROUP] if key in folded]:
            pending.remove(key)
            tell(key, folded[key])
    return folded


async def _main(url: str, count: int, seed: int) -> None:
    keys = [str(number) for number in range(count)]
    random.Random(seed).shuffle(keys)  # noqa: S311 - an order, no secret
    engine = open_engine(url)
    while True:
        try:
            await engine.open()
            break
        except StoreDownError:
            await asyncio.sleep(_PAUSE)

    def tell(key: str, seq: int) -> None:
        sys.stdout.write(f"{key} {seq}\n")
        sys.stdout.flush()

    await write_once(engine, keys, tell)
    await engine.close()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
