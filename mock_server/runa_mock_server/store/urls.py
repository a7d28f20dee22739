"""The URLs that name a store, and the engine of each."""

import re
from collections.abc import Collection
from importlib.util import find_spec
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from runa_mock_server.store.engine import Engine, StoreUrlError
from runa_mock_server.store.memory_log import MemoryEngine

IN_MEMORY = "memory:"
"""The store that ends with its process, which is the default."""

ALLOWED = (
    "memory:, sqlite:///relative.db, sqlite:////absolute.db or "
    "postgresql://USER@HOST/DATABASE?name=WORLD"
)
_SQLITE_OPTIONS = frozenset({"synchronous"})
_POSTGRES_OPTIONS = frozenset(
    {
        "application_name",
        "host",
        "name",
        "passfile",
        "port",
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
    }
)
_LONGEST_NAME = 100


def open_engine(url: str) -> Engine:
    """The engine that a URL names; nothing is opened or connected yet.

    Args:
        url: one of the forms in ``ALLOWED``.

    Raises:
        StoreUrlError: the URL has none of these forms, or its engine is not installed.
    """
    if url == IN_MEMORY:
        return MemoryEngine()
    try:
        parts = urlsplit(url)
        if parts.scheme == "sqlite":
            return _sqlite(url, parts)
        if parts.scheme in {"postgresql", "postgres"}:
            return _postgres(url, parts)
    except ValueError:  # its text may hold the password
        raise _refused(url, "cannot be read as a URL") from None
    raise _refused(url, f"must be {ALLOWED}")


def shown(url: str) -> str:
    """The URL of a store as it may be shown: without password, and with no option but the name.

    >>> shown("postgresql://me:secret@db.example:5432/runa?name=demo&sslkey=k")
    'postgresql://me@db.example:5432/runa?name=demo'
    """
    scheme, colon, rest = url.partition(":")
    # As careful as can be: the URL may be one that no parser takes, its password any text.
    before, at, after = rest.rpartition("@")
    slashes = "//" if before.startswith("//") else ""
    user = re.split("[:/?#]", before[2:])[0] if slashes else ""
    place, _, query = after.partition("?")
    names = [option for option in query.split("&") if option.startswith("name=")]
    text = f"{scheme}{colon}{slashes}{user}{at}{place}{'?' if names else ''}{'&'.join(names)}"
    return ascii(text)[1:-1]


def _refused(url: str, why: str) -> StoreUrlError:
    return StoreUrlError(f"store {shown(url)}: {why}")


def _options(url: str, parts: SplitResult, allowed: Collection[str]) -> dict[str, str]:
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    options = dict(pairs)
    unknown = sorted(options.keys() - allowed)
    if unknown:
        raise _refused(url, f"option {unknown[0]!a} is not one of {', '.join(sorted(allowed))}")
    if parts.fragment or len(pairs) != len(options):
        raise _refused(url, "has an option twice, or a fragment")
    return options


def _sqlite(url: str, parts: SplitResult) -> Engine:
    options = _options(url, parts, _SQLITE_OPTIONS)
    path = unquote(parts.path).removeprefix("/")
    synchronous = options.get("synchronous", "normal")
    if parts.netloc or not path or path == ":memory:" or "\0" in path:
        raise _refused(url, f"must be {ALLOWED}")
    if synchronous not in {"normal", "full"}:
        raise _refused(url, "synchronous must be normal or full")
    from runa_mock_server.store.sqlite import SqliteEngine  # noqa: PLC0415 - one is needed

    return SqliteEngine(path, synchronous=synchronous)


def _postgres(url: str, parts: SplitResult) -> Engine:
    options = _options(url, parts, _POSTGRES_OPTIONS)
    name = options.pop("name", "default")
    if not name.isprintable() or not 0 < len(name) <= _LONGEST_NAME:
        raise _refused(url, f"name must have 1 to {_LONGEST_NAME} characters")
    if parts.port == 0 or not parts.path.removeprefix("/"):
        raise _refused(url, "must name a database, and no port 0")
    if find_spec("asyncpg") is None:
        raise _refused(url, "needs asyncpg; run: pip install 'runa-mock[postgres]'")
    from runa_mock_server.store.postgres import PostgresEngine  # noqa: PLC0415 - one is needed

    options.setdefault("application_name", "runa-mock")
    query = "&".join(f"{option}={quote(value)}" for option, value in options.items())
    dsn = parts._replace(scheme="postgresql", query=query).geturl()
    return PostgresEngine(dsn, name, shown(url))
