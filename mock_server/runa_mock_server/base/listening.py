"""Listening sockets, bound without an event loop: a server can listen before it is loaded."""

import errno
import socket
from collections.abc import Iterable, Sequence

BACKLOG = 1024
"""Connections that wait to be accepted; the default of 100 makes the system drop some."""

_TRIES = 5  # to find a port that is free on every address
# A name can resolve to an address of a family that this computer does not use.
_UNUSABLE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
_NO_DESCRIPTOR = {errno.EMFILE, errno.ENFILE}  # which says nothing of the address


class PortBusyError(Exception):
    """The address cannot be listened on; the message says which and why."""


def bind(hosts: Sequence[str], port: int) -> list[socket.socket]:
    """Listen on every address of the hosts; connections are queued from now on.

    Args:
        hosts: names or IP addresses.
        port: the port on all of them; 0 picks one that is free on all.

    Raises:
        PortBusyError: naming the host that cannot be listened on, and why.
        OSError: if the process or the system has no file descriptor left.
    """
    tries = _TRIES
    while True:
        tries -= 1
        sockets: list[socket.socket] = []
        try:
            for host in hosts:
                _bind_host(host, port, sockets)
        except (PortBusyError, OSError) as error:
            close(sockets)
            if isinstance(error, OSError) or port or not sockets or not tries:
                raise
        else:
            return sockets


def close(sockets: Iterable[socket.socket]) -> None:
    """Close sockets; harmless for those that are closed already."""
    for each in sockets:
        each.close()


def port_of(sockets: Sequence[socket.socket]) -> int:
    """The port that sockets from ``bind`` listen on."""
    port: int = sockets[0].getsockname()[1]
    return port


def _bind_host(host: str, port: int, sockets: list[socket.socket]) -> None:
    """Add a socket for each address of the host that this computer can use."""
    before, unusable = len(sockets), None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in dict.fromkeys(found):
            chosen = port_of(sockets) if sockets else port
            place = (address[0], chosen, *address[2:])
            try:
                sockets.append(_listening(socket.socket(family, kind, protocol), place))
            except OSError as error:
                if error.errno not in _UNUSABLE:
                    raise
                unusable = error
        if len(sockets) == before and unusable is not None:
            raise unusable
    except (OSError, ValueError) as error:  # a name that no host can have is a ValueError
        if isinstance(error, OSError) and error.errno in _NO_DESCRIPTOR:
            raise
        raise PortBusyError(
            f"cannot listen on {ascii(host)[1:-1]} port {port}: {_reason(error)}"
        ) from None


def _listening(unbound: socket.socket, place: tuple[str | int, ...]) -> socket.socket:
    try:
        unbound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if unbound.family == socket.AF_INET6:  # IPv4 gets a socket of its own
            unbound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        unbound.bind(place)
        unbound.listen(BACKLOG)
    except OSError:
        unbound.close()
        raise
    return unbound


def _reason(error: Exception) -> str:
    if not isinstance(error, OSError):
        return "there can be no such host"
    if error.errno == errno.EADDRINUSE:
        return "something is listening there already"
    return error.strerror or str(error)
