"""``runa-mock trigger``: make something happen on a running mock server."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn, get_args

import click

from runa_client import Order, RunaClient, RunaError, item, template
from runa_mock_server.cli.errors import RefusedError
from runa_mock_server.config.flags import DEFAULT_HOST, DEFAULT_PORT
from runa_mock_server.control_client.client import ControlClient
from runa_mock_server.control_client.remote import RemoteServer, connect
from runa_mock_server.control_client.transport import ControlRefusedError
from runa_mock_server.server_state.fault_spec import PLACES, Kind, Place
from runa_schemas.contract_data import PRODUCT_TEMPLATES

_API_KEY = "XX-trigger.mock"
_PRODUCT = "AMZ-US"


class _Asked(NamedTuple):
    """What was asked for: a server, one of its accounts, and the options."""

    server: RemoteServer
    account: ControlClient
    options: Mapping[str, Any]

    @property
    def client(self) -> RunaClient:
        """A client of the account."""
        return RunaClient(f"{self.server.url}/v2", self.options["api_key"])


def _order(asked: _Asked) -> None:
    _tell(_placed(asked))


def _failed_order(asked: _Asked) -> None:
    _tell(_placed(asked, trigger_error="order_failed"))


def _refused_order(asked: _Asked) -> None:
    try:
        _placed(asked, trigger_error=asked.options["error"])
    except RunaError as error:
        _say("refused", str(error))
        return
    _give_up("the order was accepted")


def _webhook(asked: _Asked) -> None:
    """Deliver an order.completion to the endpoints that there are, or to one for this time."""
    webhooks, to = asked.account.webhooks, asked.options["to"]
    endpoint = None
    if to is not None:
        endpoint = webhooks.add(to, "order.completion", asked.options["secret"])
        _say("secret", endpoint.secret)
    try:
        order = _placed(asked)
        message = webhooks.wait_for(
            order=order.id,
            event="order.completion",
            until=lambda message: any(delivery.attempts for delivery in message.deliveries),
            timeout=asked.options["timeout"],
        )
    except LookupError:
        raise RefusedError("no endpoint is subscribed to order.completion: give --to URL") from None
    except TimeoutError as error:
        _give_up(str(error))
    finally:
        if endpoint is not None:
            webhooks.remove(endpoint.id)
    _say("message", message.id)
    for delivery in message.deliveries:
        for attempt in delivery.attempts:
            _say(delivery.state, f"{delivery.url}: {attempt.status or attempt.error}")
    if not any(delivery.state == "delivered" for delivery in message.deliveries):
        _give_up("no endpoint accepted the message")


def _product_update(asked: _Asked) -> None:
    """Take a product off sale and put it back: two events."""
    products = asked.server.products
    code = asked.options["product"]
    before = products.get(code).product["is_orderable"]
    for is_orderable in (not before, before):
        products.change(code, is_orderable=is_orderable)
        _say(code, "orderable" if is_orderable else "not orderable")


def _fault(asked: _Asked) -> None:
    kind = asked.options["kind"]
    place = asked.options["place"] or PLACES[kind][0]
    armed = asked.account.faults.arm(kind, place)
    _say("fault", f"{armed.id}: {kind}, {place}, on the next request of {asked.options['api_key']}")


_EVENTS: dict[str, Callable[[_Asked], None]] = {
    "order": _order,
    "order.failed": _failed_order,
    "order.refused": _refused_order,
    "order.completion": _webhook,
    "product.update": _product_update,
    "fault": _fault,
}


@click.command("trigger")
@click.argument("event", type=click.Choice(tuple(_EVENTS)), metavar="EVENT")
@click.option(
    "--url",
    default=f"http://{DEFAULT_HOST}:{DEFAULT_PORT}",
    show_default=True,
    metavar="URL",
    help="The mock server.",
)
@click.option(
    "--api-key", default=_API_KEY, show_default=True, metavar="KEY", help="Whose order it is."
)
@click.option("--token", metavar="TOKEN", help="The --control-token of the server.")
@click.option("--to", metavar="URL", help="order.completion: send it there, besides endpoints.")
@click.option("--secret", metavar="WHSEC", help="order.completion: the signing secret for --to.")
@click.option(
    "--error",
    default="insufficient_funds",
    show_default=True,
    metavar="TYPE",
    help="order.refused: the error type.",
)
@click.option(
    "--product",
    default=_PRODUCT,
    show_default=True,
    metavar="CODE",
    help="product.update: the product.",
)
@click.option(
    "--kind",
    type=click.Choice(get_args(Kind)),
    default="reset",
    show_default=True,
    help="fault: what goes wrong.",
)
@click.option(
    "--place",
    type=click.Choice(get_args(Place)),
    help="fault: where; by default the first place that the kind allows.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1, max=600),
    default=20.0,
    show_default=True,
    help="Seconds to wait for the order and the delivery.",
)
def command(event: str, url: str, token: str | None, **options: Any) -> None:
    """Make something happen on a running mock server.

    \b
    order             an order that completes
    order.failed      an order that ends FAILED
    order.refused     an order that is refused with --error
    order.completion  an order, and its webhook to --to or to the endpoints
    product.update    a product goes off sale and returns
    fault             the next request of the API key fails
    """  # noqa: D301 - click reads the character
    place = options["place"]
    if event == "fault" and place is not None and place not in PLACES[options["kind"]]:
        allowed = ", ".join(PLACES[options["kind"]])
        raise click.UsageError(f"--place: {options['kind']} can happen at {allowed}")
    try:
        server = connect(url, token=token)
        try:
            _EVENTS[event](_Asked(server, server.account(options["api_key"]), options))
        finally:
            server.close()
    except (ConnectionError, ControlRefusedError, LookupError) as error:
        raise RefusedError(f"{event}: {error}") from None
    except RunaError as error:
        _give_up(f"{event}: {error}")


def _placed(asked: _Asked, **more: Any) -> Order:
    """An order of one link that the recipient chooses a product for, once it has ended."""
    entry = item(10, products=template(PRODUCT_TEMPLATES["USD"]))
    with asked.client as client:
        receipt = client.create_order([entry], currency="USD", **more)
        return client.wait_for_order(receipt, timeout=asked.options["timeout"])


def _tell(order: Order) -> None:
    _say("order", order.id)
    _say("status", order.status)
    for url in order.urls:
        _say("link", url)


def _say(label: str, text: str) -> None:
    click.echo(f"{label:<10} {text}")


def _give_up(reason: str) -> NoReturn:
    raise click.ClickException(reason)
