"""The URLs that name a store, and the engine of each."""

from runa_mock_server.store.engine import Engine, StoreUrlError
from runa_mock_server.store.memory_log import MemoryEngine

ALLOWED = "memory:"


def open_engine(url: str) -> Engine:
    """The engine that a URL names; nothing is opened or connected yet.

    Raises:
        StoreUrlError: the URL has none of the forms in ``ALLOWED``.
    """
    if url == "memory:":
        return MemoryEngine()
    raise StoreUrlError(f"store {shown(url)}: must be {ALLOWED}")


def shown(url: str) -> str:
    """The URL of a store as it may be shown: without password, and with no option but the name.

    >>> shown("postgresql://me:secret@db.example:5432/runa?name=demo&sslkey=k")
    'postgresql://me@db.example:5432/runa?name=demo'
    """
    scheme, colon, rest = url.partition(":")
    if not colon:
        return ascii(scheme)
    # As careful as can be: the URL may be one that no parser takes.
    place, _, query = rest.partition("?")
    user, at, host = place.rpartition("@")
    names = [option for option in query.split("&") if option.startswith("name=")]
    before = f"{user.partition('//')[1]}{user.partition('//')[2].partition(':')[0]}@" if at else ""
    return ascii(f"{scheme}:{before}{host}{'?' if names else ''}{'&'.join(names)}")[1:-1]
