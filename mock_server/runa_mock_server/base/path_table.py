"""From the path of a request to what lies there. A trailing slash is tolerated."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Generic, TypeVar

T = TypeVar("T")


def fits_pattern(path: str, pattern: str) -> bool:
    """Whether a path, trailing slash or not, is of a pattern in which only ``*`` is special.

    >>> fits_pattern("/v2/order/O-1", "/v2/order/*")
    True
    """
    # In the library's patterns `[` and `?` are special too.
    literal = pattern.replace("[", "[[]").replace("?", "[?]")
    return fnmatchcase(path.rstrip("/") or "/", literal)


class PathTable(Generic[T]):
    """What lies at paths, some of which have variable parts in braces: ``/order/{order_id}``.

    Each resource is a dict from HTTP methods to what answers them. Literal paths win.
    """

    def __init__(self) -> None:
        self._literal: dict[str, dict[str, T]] = {}
        self._variable: dict[re.Pattern[str], dict[str, T]] = {}

    def add(self, method: str, path: str, found: T) -> None:
        """Have ``found`` answer a method at a path."""
        if "{" in path:
            pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
            self._variable.setdefault(pattern, {})[method] = found
        else:
            self._literal.setdefault(path, {})[method] = found

    def find(self, path: str) -> tuple[Mapping[str, T], Mapping[str, str]]:
        """What lies at a path, by method, and the variable parts of the path.

        Returns:
            Two empty mappings if nothing does.
        """
        path = path.rstrip("/") or path
        methods = self._literal.get(path)
        if methods is not None:
            return methods, {}
        for pattern, candidates in self._variable.items():
            found = pattern.fullmatch(path)
            if found is not None:
                return candidates, found.groupdict()
        return {}, {}
