"""Which URLs name a store, and how they are shown."""

import pytest

from runa_mock_server.store.engine import StoreUrlError
from runa_mock_server.store.urls import open_engine, shown

PASSWORD = "Pa55-w@rd"  # noqa: S105 - made up


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("memory:", "memory:"),
        ("sqlite:////srv/x.db?synchronous=full", "sqlite:////srv/x.db"),
        (
            f"postgresql://me:{PASSWORD}@db:5432/runa?sslkey=k&name=x",
            "postgresql://me@db:5432/runa?name=x",
        ),
        (f"postgresql:///runa?host=/run&password={PASSWORD}", "postgresql:///runa"),
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
    ],
)
def test_no_store(url: str) -> None:
    """A URL of no store is refused in one line, without the password that it may hold."""
    with pytest.raises(StoreUrlError) as refused:
        open_engine(url)
    assert "memory:" in str(refused.value) or "URL" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert PASSWORD not in str(refused.value)
    assert refused.value.__cause__ is None
