"""Engines of every kind over fresh worlds, for tests that hold for all of them."""

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from runa_mock_server.store.engine import Engine
from runa_mock_server.store.memory_log import MemoryEngine, MemoryLog
from runa_mock_server.store.urls import open_engine
from support.postgres import new_world

KINDS = ("memory", "shared memory", "sqlite", "postgresql")
SHARED = ("shared memory", "postgresql")
KEPT = ("sqlite", "postgresql")


class World:
    """A fresh world.

    Args:
        connect: makes an engine for it, which is not yet open.
    """

    def __init__(self, connect: Callable[[], Engine]) -> None:
        self.connect = connect

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[Engine]:
        """An open engine, closed in the end."""
        engine = self.connect()
        await engine.open()
        try:
            yield engine
        finally:
            await engine.close()

    @asynccontextmanager
    async def engines(self) -> AsyncIterator[tuple[Engine, Engine]]:
        """Two engines of two processes, or one and the same where the store is for one."""
        async with self.engine() as one:
            if not one.shared:
                yield one, one
                return
            async with self.engine() as other:
                yield one, other


class Worlds:
    """Makes fresh worlds of one kind.

    Args:
        kind: one of ``KINDS``.
        request: gives the fixtures that the kind needs.
    """

    def __init__(self, kind: str, request: pytest.FixtureRequest) -> None:
        self.kind = kind
        self._folder: Path = request.getfixturevalue("tmp_path_factory").mktemp("worlds")
        self._postgres = request.getfixturevalue("postgres") if kind == "postgresql" else ""

    def fresh(self) -> World:
        """A world that nobody has used yet."""
        if self.kind == "memory":
            engine = MemoryEngine()
            return World(lambda: engine)
        if self.kind == "shared memory":
            log = MemoryLog()
            return World(lambda: MemoryEngine(log))
        url = self.url()
        return World(lambda: open_engine(url))

    def url(self) -> str:
        """The URL of a world that nobody has used yet, of a kind that has one."""
        if self.kind == "postgresql":
            return new_world(self._postgres)
        return f"sqlite:///{tempfile.mkdtemp(dir=self._folder)}/world.db"
