"""The project's own clients do well in every scenario."""

from contextlib import ExitStack

import pytest

from runa_client import AccessDeniedError, BadRequestError, Timeout, ValidationError, item, single
from runa_mock_server import ManualClock, MockServer
from runa_mock_server.testing import SCENARIOS, Pace, run_scenario
from support.clients import make_client


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_own_clients_pass_every_scenario(name: str, kind: str) -> None:
    """Both clients order exactly once, wait and look politely, and take a no for a no."""
    clock = ManualClock()
    with MockServer(clock=clock) as server, ExitStack() as stack:
        played = run_scenario(server, name, Pace(slow=0.001, silence=1.5, hang=20))
        patience = Timeout(read=1)
        client = make_client(kind, server, clock, stack, api_key=played.api_key, timeout=patience)
        order = [item(10, products=single("1800FL-US"))]
        if played.ends == "REFUSED":
            with pytest.raises((AccessDeniedError, BadRequestError, ValidationError)):
                client.create_order(order, currency="USD")
        else:
            receipt = client.create_order(order, currency="USD")
            assert client.wait_for_order(receipt, timeout=60).status == played.ends
        played.check()
