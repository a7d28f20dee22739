"""Which URLs name a store, and how they are shown."""

import sys

import pytest

from runa_mock_server.store.engine import StoreUrlError
from runa_mock_server.store.urls import open_engine, shown

PASSWORD = "Pa55-w@rd"  # noqa: S105 - made up
SECRET = PASSWORD[:4]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("memory:", "memory:"),
        ("sqlite:////srv/x.db?synchronous=full", "sqlite:////srv/x.db"),
        (
            f"postgresql://me:{PASSWORD}@db:5432/runa?sslkey=k&name=x",
            "postgresql://me@db:5432/runa?name=x",
        ),
    ],
)
def test_shown(url: str, expected: str) -> None:
    """A URL is shown without password, and with no option but the name of the world."""
    assert shown(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "memory",
        "redis://host",
        f"mysql://me:{PASSWORD}@host/db",
        f"me:{PASSWORD}@host",
        f"postgresql://me:{PASSWORD}@[host/db",
        f"postgresql://me:{PASSWORD}@host:port/db",
        f"postgresql://me:{PASSWORD}@host",
        f"postgresql://me:{PASSWORD}@host/db?name=",
        f"postgresql://me:{PASSWORD}@host/db?name={'x' * 101}",
        f"postgresql://me:{PASSWORD}@host/db?nmae=x",
        f"postgresql://me:{PASSWORD}@host/db?name=x&name=y",
        f"postgresql://me:{SECRET}?#/@host/db?nmae=x",
        f"postgresql:///db?host=/run&password={PASSWORD}",
        f"postgresql://host/db?password={SECRET}",
        "sqlite://x.db",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///x.db?synchronous=off",
        "sqlite:///x.db?mode=ro",
        "sqlite:///x.db#1",
        "sqlite:///x%00.db",
    ],
)
def test_no_store(url: str) -> None:
    """A URL of no store is refused in one line, without the password that it may hold."""
    with pytest.raises(StoreUrlError) as refused:
        open_engine(url)
    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize(("url", "shared"), [("memory:", False), ("sqlite:///x.db", False)])
def test_store(url: str, *, shared: bool) -> None:
    """A URL gives its engine without touching what it names."""
    engine = open_engine(url)
    assert (engine.shared, engine.place) == (shared, url)


def test_database() -> None:
    """The URL of a database gives an engine for many processes, whose place has no password."""
    engine = open_engine(f"postgresql://me:{SECRET}@host:1/db?name=x&sslmode=disable")
    assert (engine.shared, engine.place) == (True, "postgresql://me@host:1/db?name=x")


def test_asyncpg_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without asyncpg a database is refused with the command that installs it."""
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(StoreUrlError, match=r"pip install 'runa-mock\[postgres\]'"):
        open_engine("postgresql://host/db")
