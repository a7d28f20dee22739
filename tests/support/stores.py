"""Runs every test's servers on a store: ``RUNA_TEST_STORE=sqlite pytest tests/server``."""

import os
from itertools import count
from pathlib import Path

import pytest

from runa_mock_server import server
from runa_mock_server.store.sqlite import SqliteEngine
from runa_mock_server.store.urls import IN_MEMORY, open_engine


@pytest.fixture(autouse=os.environ.get("RUNA_TEST_STORE") == "sqlite")
def on_sqlite(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every server that is made without a store has a file of its own."""
    folder: Path | None = None
    numbers = count()

    def engine_of(url: str) -> object:
        nonlocal folder
        if url != IN_MEMORY:
            return open_engine(url)
        folder = folder or tmp_path_factory.mktemp("store")
        return SqliteEngine(str(folder / f"{next(numbers)}.db"))

    monkeypatch.setattr(server, "IN_MEMORY", "")
    monkeypatch.setattr(server, "open_engine", engine_of)
