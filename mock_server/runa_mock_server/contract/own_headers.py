"""The headers of this mock, ``X-Mock-*``: one that does not exist is refused, never ignored."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Protocol

from runa_mock_server.base.errors import ApiError, quoted

OWN_HEADERS = ("X-Mock-Processing", "X-Mock-Token")

OWN_PREFIX = "x-mock-"
_NAMES = frozenset(name.lower() for name in OWN_HEADERS)


class Headers(Protocol):
    """Headers, of which several can have the same name."""

    def getall(self, key: str, default: tuple[str, ...]) -> Iterable[str]:
        """The values of a header."""


def check_own_names(names: Iterable[str]) -> None:
    """See whether each header that begins with ``X-Mock-`` exists.

    Args:
        names: the names of all headers, in lower case.

    Raises:
        ApiError: ``bad_request``, naming the nearest that exists.
    """
    for name in names:
        if name.startswith(OWN_PREFIX) and name not in _NAMES:
            nearest = get_close_matches(name.title(), OWN_HEADERS, 1, 0)[0]
            raise ApiError(
                "bad_request",
                f"There is no header {quoted(name.title())}; did you mean {nearest}?",
                help_=f"The headers of this mock are {' and '.join(OWN_HEADERS)}.",
                rule="mock-header",
            )


def check_single(headers: Headers, name: str) -> None:
    """See whether a header that counts once has one value.

    Raises:
        ApiError: ``bad_request`` if it comes with different values.
    """
    values = list(headers.getall(name, ()))
    if len(values) > 1 and len(set(values)) > 1:
        raise ApiError(
            "bad_request",
            f"The header {name} is given {len(values)} times with different values.",
            help_="Send it once.",
            rule="header-repeated",
        )
