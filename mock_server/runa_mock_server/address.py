"""Where a server is reached that listens at a host and port."""

# Who listens on every address is reached at one.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


def url_of(host: str, port: int) -> str:
    """The URL, without a path and without a slash at the end."""
    reached = _EVERYWHERE.get(host, host)
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"
