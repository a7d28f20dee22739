"""The kinds of engines that most tests of this folder go through."""

import pytest

from support.engines import KINDS, Worlds


@pytest.fixture(scope="session", params=KINDS)
def worlds(request: pytest.FixtureRequest) -> Worlds:
    """Makes fresh worlds of a kind: every test runs once for each."""
    return Worlds(request.param, request)
