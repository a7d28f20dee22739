"""Files that cannot be used, and what is said of them."""

from collections.abc import Callable
from pathlib import Path

import pytest


def problems_of(path: Path, read: Callable[[Path], object], refusal: type[Exception]) -> list[str]:
    """The lines of the refusal of a file, each of which names the file, without that name."""
    with pytest.raises(refusal) as caught:
        read(path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]
