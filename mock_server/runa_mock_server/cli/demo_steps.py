"""The demonstration: the provider's first-order guide, driven through the thin client.

Every step states what it expects, and the demonstration fails if a step does not get it.
"""

from collections.abc import Callable
from typing import TypeVar

import click

from runa_client import (
    IdempotencyConflictError,
    Order,
    RunaClient,
    RunaError,
    ValidationError,
    item,
    single,
    template,
)
from runa_mock_server.server import MockServer
from runa_schemas.contract_data import PRODUCT_TEMPLATES

E = TypeVar("E", bound=Exception)

USD_TEMPLATE = PRODUCT_TEMPLATES["USD"]
API_KEY = "XX-demo.not-a-secret"
KEY = "guide-order-1"
_DELAY = 1.0  # seconds, as on the playground


class UnexpectedError(Exception):
    """A step did not get what it expected."""


def run() -> int:
    """Run the demonstration on a server of its own.

    Returns:
        The exit code: 0 if each step did what it should, 1 otherwise.
    """
    with MockServer(processing_delay=_DELAY) as server:
        _say("server", f"listening on {server.base_url}")
        with RunaClient(server.base_url, API_KEY) as client:
            try:
                for step in STEPS:
                    step(client)
            except (UnexpectedError, RunaError) as error:
                click.secho(f"failed: {error}", fg="red", bold=True, err=True)
                return 1
    click.secho("Every step did what it should.", fg="green", bold=True)
    return 0


def _two_links() -> list[dict[str, object]]:
    return [item(value, products=template(USD_TEMPLATE)) for value in (10, 20)]


def _place_and_poll(client: RunaClient) -> None:
    receipt = client.create_order(_two_links(), currency="USD", idempotency_key=KEY)
    _step("an async order of two payout links, USD 10 and USD 20")
    _expect(receipt.status, "PROCESSING")
    _say("order", receipt.id)
    _say("status", receipt.status)

    def tell(order: Order) -> None:
        _say("status", order.status)

    _step("polling until it has ended")
    order = client.wait_for_order(receipt, on_progress=tell)
    _expect(order.status, "COMPLETED")
    _expect(len(order.urls), 2)
    for link in order.items:
        _say(f"{link.currency} {link.face_value}", str(link.url))


def _repeat(client: RunaClient) -> None:
    first = next(client.iter_orders())
    _step("the same key again: the same order, no second one")
    again = client.create_order(_two_links(), currency="USD", idempotency_key=KEY)
    _expect(again.id, first.id)
    _expect(len(list(client.iter_orders())), 1)
    _say("order", again.id)


def _conflict(client: RunaClient) -> None:
    _step("the same key with another body: refused")
    other = [item(30, products=template(USD_TEMPLATE))]
    error = _refusal(
        IdempotencyConflictError,
        lambda: client.create_order(other, currency="USD", idempotency_key=KEY),
    )
    _say(f"{error.status} {error.type}", str(error.message))


def _bad_body(client: RunaClient) -> None:
    _step("a bad body: refused, with its field errors")
    bad = [item(0, products={"type": "SINGLE"})]
    error = _refusal(ValidationError, lambda: client.create_order(bad, currency="EURO"))
    _expect(len(error.details), 3)
    for detail in error.details:
        _say(".".join(detail.location), detail.message[:60])


def _synchronous(client: RunaClient) -> None:
    _step("a sync order: its link at once")
    receipt = client.create_order(
        [item(25, products=single("1800FL-US"))], currency="USD", execution_mode="sync"
    )
    _expect(receipt.status, "COMPLETED")
    _expect(len(receipt.order.urls), 1)
    _say("status", receipt.status)
    _say("USD 25.00", receipt.order.urls[0])


STEPS: tuple[Callable[[RunaClient], None], ...] = (
    _place_and_poll,
    _repeat,
    _conflict,
    _bad_body,
    _synchronous,
)


def _refusal(kind: type[E], call: Callable[[], object]) -> E:
    try:
        call()
    except kind as error:
        return error
    raise UnexpectedError(f"expected {kind.__name__}, but nothing was refused")


def _expect(got: object, wanted: object) -> None:
    if got != wanted:
        raise UnexpectedError(f"expected {wanted!r}, got {got!r}")


def _step(text: str) -> None:
    click.secho(f"\n> {text}", fg="cyan", bold=True)


def _say(label: str, text: str) -> None:
    click.echo(f"  {click.style(f'{label:<14}', dim=True)} {text}")
