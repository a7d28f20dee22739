"""The demonstration in five steps: an order, a cut connection, a retry, the proof, the dashboard.

Every step states what it expects, and the demonstration fails if a step does not get it.
"""

from collections.abc import Callable
from typing import Any

import click

from runa_client import (
    RunaClient,
    RunaConnectionError,
    RunaError,
    item,
    single,
    template,
)
from runa_mock_server.control_client.timeline import counted
from runa_mock_server.server import MockServer
from runa_schemas.contract_data import PRODUCT_TEMPLATES

USD_TEMPLATE = PRODUCT_TEMPLATES["USD"]
API_KEY = "XX-demo.not-a-secret"
FIRST_KEY = "order-1"
SECOND_KEY = "order-2"
_DELAY = 1.0  # seconds, as on the playground


class UnexpectedError(Exception):
    """A step did not get what it expected."""


class _Demo:
    """What the steps share: a server, and a client that does not retry by itself."""

    def __init__(self, server: MockServer, client: RunaClient) -> None:
        self.server = server
        self.client = client
        self.account = server.account(API_KEY)

    def buy(self) -> Any:
        """Order USD 25 under the second key."""
        entry = item(25, products=single("1800FL-US"))
        return self.client.create_order([entry], currency="USD", idempotency_key=SECOND_KEY)


def run(keep: Callable[[], object] | None = None) -> int:
    """Run the demonstration on a server of its own.

    Args:
        keep: waits until the server may be stopped; by default it is stopped at the end.

    Returns:
        The exit code: 0 if each step did what it should, 1 otherwise.
    """
    with MockServer(processing_delay=_DELAY) as server:
        _say("server", server.base_url)
        with RunaClient(server.base_url, API_KEY, retry=0) as client:
            demo = _Demo(server, client)
            try:
                for number, step in enumerate(STEPS, 1):
                    click.secho(f"\n{number}. {step.__doc__}", fg="cyan", bold=True)
                    step(demo)
            except (UnexpectedError, RunaError, AssertionError) as error:
                click.secho(f"failed: {error}", fg="red", bold=True, err=True)
                return 1
        click.secho("\nEvery step did what it should.", fg="green", bold=True)
        if keep is not None:
            click.echo("The server is running; press Ctrl-C to stop it.")
            keep()
    return 0


def _place_and_poll(demo: _Demo) -> None:
    """Order two payout links, USD 10 and USD 20, and poll until they are there."""
    links = [item(value, products=template(USD_TEMPLATE)) for value in (10, 20)]
    receipt = demo.client.create_order(links, currency="USD", idempotency_key=FIRST_KEY)
    _expect(receipt.status, "PROCESSING")
    _say("order", receipt.id)
    _say("status", receipt.status)
    order = demo.client.wait_for_order(receipt)
    _expect(order.status, "COMPLETED")
    _say("status", order.status)
    _expect(len(order.urls), 2)
    for link in order.items:
        _say(f"{link.currency} {link.face_value}", str(link.url))


def _cut(demo: _Demo) -> None:
    """Order USD 25, and lose the answer: the connection is cut after the order is stored."""
    demo.account.faults.arm("reset", "after_commit")
    try:
        demo.buy()
    except RunaConnectionError as error:
        _say("no answer", str(error).partition("\n")[0])
        _expect(error.safe_to_retry, wanted=True)
        _say("bought?", "the client cannot know; a new key would buy twice")
        return
    raise UnexpectedError("expected the connection to be cut, but an answer came")


def _retry(demo: _Demo) -> None:
    """Retry with the same idempotency key: the answer to the first attempt comes again."""
    receipt = demo.buy()
    newest = next(demo.client.iter_orders())
    _expect(receipt.id, newest.id)
    _say("order", receipt.id)
    _expect(demo.client.wait_for_order(receipt).status, "COMPLETED")
    _say("status", "COMPLETED")


def _prove(demo: _Demo) -> None:
    """Prove that each order was placed exactly once."""
    demo.account.assert_exactly_once()
    effects = demo.account.effects()
    _expect(effects.orders, 2)
    _say("verdict", effects.verdict)
    for key in effects.keys:
        attempts = counted(len(key.attempts), "attempt")
        _say(key.idempotency_key, f"{counted(len(key.orders), 'order')}, {attempts}")


def _show(demo: _Demo) -> None:
    """See it in the dashboard, and control the server over HTTP or from Python."""
    _say("dashboard", f"{demo.server.url}/_mock/")
    _say("control API", f"{demo.server.url}/_mock")


STEPS: tuple[Callable[[_Demo], None], ...] = (_place_and_poll, _cut, _retry, _prove, _show)


def _expect(got: object, wanted: object) -> None:
    if got != wanted:
        raise UnexpectedError(f"expected {wanted!r}, got {got!r}")


def _say(label: str, text: str) -> None:
    click.echo(f"   {click.style(f'{label:<14}', dim=True)} {text}")
