"""Where something is reached: a server that listens at a host and port, and the text for it."""

import re

# Who listens on every address is reached at one.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
_PLACE = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})")
_PORTS = range(1, 65_536)
HOST_HEADER = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{1,45}\])(?::[0-9]{1,5})?")
"""A ``Host`` header that links can be made of: a name or an IP address, with or without a port."""


def url_of(host: str, port: int) -> str:
    """The URL, without a path and without a slash at the end."""
    reached = _EVERYWHERE.get(host, host)
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


def host_and_port(text: str) -> tuple[str, int]:
    """The parts of ``HOST:PORT``; an IPv6 address stands in brackets.

    Raises:
        ValueError: for any other text, or a port that cannot be.
    """
    found = _PLACE.fullmatch(text)
    if found is None:
        raise ValueError("must be HOST:PORT, such as localhost:1025 or [::1]:1025")
    port = int(found[3])
    if port not in _PORTS:
        raise ValueError(f"the port must be from 1 to 65535, not {port}")
    return found[1] or found[2], port


def usable_host(header: str | None) -> str | None:
    """The value of a ``Host`` header if links can be made of it; see ``HOST_HEADER``."""
    return header if header is not None and HOST_HEADER.fullmatch(header) else None


def is_never_delivered(email_address: str) -> bool:
    """Whether no mail can reach an address, as the provider says of these (page "Playground")."""
    return email_address.lower().endswith((".invalid", ".test"))
