"""Runs of pytest inside a test, in the same process."""

from collections.abc import Callable

import pytest

# Imported before the inner runs, which forget whatever they import themselves.
from runa_client import AsyncRunaClient  # noqa: F401 - see above

Run = Callable[..., pytest.RunResult]

WITH_PLUGIN = ("-p", "runa_pytest", "-W", "error", "-rs")

HEAD = """
import pytest
from runa_client import item, single

TEN = [item(10, products=single("1800FL-US"))]

def buy(client, **options):
    return client.create_order(TEN, currency="USD", **options)
"""
