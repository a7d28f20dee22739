"""What drives the server: asyncio's own loop, or uvloop where it is installed."""

from pathlib import Path

import pytest
import requests

from runa_client import RunaClient, item, single
from runa_mock_server import connect
from support.process import Process, serving


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_orders_and_faults_are_the_same_on_each_loop(loop: str) -> None:
    """An order that is cut after it was stored happens once, and a signal stops the server."""
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    with serving("--port", "0", "--event-loop", loop, "--processing", "at-once") as served:
        with connect(served.url) as mock, RunaClient(served.url + "/v2", "XX-me.secret") as client:
            mock.faults.arm("reset", "after_commit", method="POST")
            order = client.create_order([item(10, products=single("1800FL-US"))], currency="USD")
            assert client.get_order(order.id).status == "COMPLETED"
            mock.assert_exactly_once()
            assert requests.get(served.url + "/openapi.json", timeout=10).status_code == 200
        assert served.stop().code == 0


def test_a_loop_that_is_not_installed_is_told(tmp_path: Path) -> None:
    """Without uvloop the command says what to install, and ends as for wrong usage."""
    (tmp_path / "uvloop.py").write_text("raise ImportError\n", encoding="utf-8")
    hidden = {"PYTHONPATH": str(tmp_path)}
    with Process("serve", "--event-loop", "uvloop", environment=hidden) as process:
        done = process.finish()
    assert (done.code, done.out) == (2, "")
    assert done.err == "Error: uvloop is not installed: pip install 'runa-mock[uvloop]'\n"
