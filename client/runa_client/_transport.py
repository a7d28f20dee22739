"""HTTP/1.1 for `RunaClient`: requests and urllib3, without an answer going to another request.

An answer carries nothing that says which request it belongs to: only its place on the connection
does. So `RunaAdapter` skips interim answers (RFC 9110, 15.2), closes each connection on which
something is left over or went wrong, opens new ones after a fork, and holds deadlines while
bytes drip in.
"""

import http.client
import io
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import requests.adapters
import urllib3
import urllib3.connection

from runa_client._exchange import LONGEST_HEAD

_LONGEST_LINE = 65536  # http.client's own limit for a header, here for the framing of chunks too
_FIRST_FINAL = 200
_SWITCHING_PROTOCOLS = 101


class _Running(threading.local):
    """The request that this thread is sending."""

    deadline: float | None = None


_RUNNING = _Running()


@contextmanager
def deadline(moment: float) -> Iterator[None]:
    """Hold the requests of this block to a time of `time.monotonic`, as far as they go by here.

    Args:
        moment: When reading and writing end, on connections of a `RunaAdapter`, with an error.
    """
    before, _RUNNING.deadline = _RUNNING.deadline, moment
    try:
        yield
    finally:
        _RUNNING.deadline = before


def _patience(silence: float | None, moment: float | None) -> float | None:
    """Return the seconds to wait for a peer, None for ever.

    Raises:
        TimeoutError: The deadline has passed.
    """
    if moment is None:
        return silence
    left = moment - time.monotonic()
    if left <= 0:
        raise TimeoutError("the total time of the request is over")
    return left if silence is None else min(silence, left)


class _Source(io.RawIOBase):
    """The bytes of one answer from a socket, each wait for them bounded."""

    def __init__(self, sock: socket.socket, silence: float | None, moment: float | None) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._silence = silence
        self._moment = moment
        self._process = os.getpid()
        self.head_left: int | None = LONGEST_HEAD
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.ended:
            return None
        self._sock.settimeout(_patience(self._silence, self._moment))
        count = self._raw.readinto(buffer)
        if os.getpid() != self._process:
            raise ConnectionAbortedError("the process was forked during the request")
        if self.head_left is not None:
            self.head_left -= count or 0
            if self.head_left < 0:
                raise http.client.HTTPException(f"more than {LONGEST_HEAD} bytes before the body")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Buffer(io.BufferedReader):
    """What http.client reads one answer from; bytes behind the answer close the connection."""

    def __init__(self, source: _Source, connection: Any) -> None:
        super().__init__(source)
        self._source = source
        self._connection = connection
        self._sock = connection.sock

    def makefile(self, mode: str) -> "_Buffer":  # noqa: ARG002 - as a socket is asked
        return self

    def readline(self, size: int | None = -1) -> bytes:
        if size is not None and size >= 0:
            return super().readline(size)
        line = super().readline(_LONGEST_LINE + 1)
        if len(line) > _LONGEST_LINE:
            raise http.client.LineTooLong("chunk")
        return line

    def close(self) -> None:
        if not self.closed:
            # Nothing is read any more, so this peek shows what was read too much.
            self._source.ended = True
            if self.peek(1) and self._connection.sock is self._sock:
                self._connection.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer whose interim answers are skipped and whose framing is not ambiguous."""

    def __init__(
        self, sock: socket.socket, *args: Any, connection: "_SafeConnection", **options: Any
    ) -> None:
        self._source = _Source(sock, connection.timeout, connection.deadline)
        self._sent_whole = connection.sent_whole
        buffer: Any = _Buffer(self._source, connection)
        super().__init__(buffer, *args, **options)

    def begin(self) -> None:
        super().begin()
        while self.status < _FIRST_FINAL and self.status != _SWITCHING_PROTOCOLS:
            # `begin` reads a head only while there is none.
            self.headers = self.msg = None  # type: ignore[assignment]  # as they are at first
            super().begin()
        self._source.head_left = None
        lengths = set(self.headers.get_all("Content-Length", []))
        if len(lengths) > 1 or not all(length.isascii() and length.isdigit() for length in lengths):
            raise http.client.HTTPException(f"contradictory or bad Content-Length: {lengths}")
        both = bool(lengths) and "Transfer-Encoding" in self.headers
        if both or self.status == _SWITCHING_PROTOCOLS or not self._sent_whole:
            self.will_close = True


class _SafeConnection(urllib3.connection.HTTPConnection):
    """A connection on which no answer is read that is not the request's own."""

    deadline: float | None = None
    sent_whole = True

    @property
    def response_class(self) -> Any:  # type: ignore[override]  # nothing ever sets it
        """What http.client makes of an answer."""
        return partial(_Response, connection=self)

    @property
    def is_connected(self) -> bool:
        """Whether the connection can be used again: open, and nothing has come on it."""
        pending = getattr(self.sock, "pending", None)  # what TLS has unpacked already
        return super().is_connected and not (pending and pending())

    def connect(self) -> None:
        """Connect, at most until the deadline of the request."""
        self.deadline = _RUNNING.deadline
        self.timeout = _patience(self.timeout, self.deadline)
        super().connect()

    def request(self, *args: Any, **options: Any) -> None:
        """Send a request; one that was cut off leaves a connection that must close."""
        self.deadline = _RUNNING.deadline
        self.timeout = _patience(self.timeout, self.deadline)
        self.sent_whole = False
        super().request(*args, **options)
        self.sent_whole = True


class _SafeTlsConnection(_SafeConnection, urllib3.connection.HTTPSConnection):
    """The same over TLS."""


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _SafeConnection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SafeTlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}
_USUAL_POOLS = {urllib3.HTTPConnectionPool, urllib3.HTTPSConnectionPool}


class RunaAdapter(requests.adapters.HTTPAdapter):
    """The requests adapter that `RunaClient` sends by, for sessions of your own.

    It never hands an answer to another request than its own: interim answers (1xx) are skipped,
    and a connection is closed after an answer of ambiguous length, an answer to half a request,
    a switch of protocols, and whenever bytes are left over. One thing cannot be told: a second
    answer that is well formed and comes after the connection was used again, for nothing in
    HTTP/1.1 names the request. A forked child opens connections of its own. Arguments are those of
    `requests.adapters.HTTPAdapter`.
    """

    @classmethod
    def like(cls, adapter: requests.adapters.HTTPAdapter) -> "RunaAdapter":
        """Make one with the retries and the pool sizes of another adapter."""
        ours: Any = cls()
        ours.__setstate__(adapter.__getstate__())  # as a copy would
        return ours  # type: ignore[no-any-return]  # the stubs lack the method

    def init_poolmanager(self, *sizes: Any, **options: Any) -> None:
        """Make the pools, as requests asks."""
        super().init_poolmanager(*sizes, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS
        self._pool_options = (sizes, options)
        self._process = os.getpid()

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Make the pools of a proxy, as requests asks; those of a SOCKS proxy are its own."""
        manager = super().proxy_manager_for(proxy, **options)
        if set(manager.pool_classes_by_scheme.values()) == _USUAL_POOLS:
            manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, *args: Any, **options: Any) -> requests.Response:
        """Send a request, in a forked child on connections of its own."""
        if os.getpid() != self._process:
            sizes, pool_options = self._pool_options
            # The old pools only close the child's descriptors: nothing is sent to the peer.
            self.init_poolmanager(*sizes, **pool_options)
            self.proxy_manager = {}
        return super().send(*args, **options)
