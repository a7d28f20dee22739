"""A mail as the message that leaves: MIME, as text and as HTML. All of its wording is inferred."""

import re
from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTPUTF8
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from runa_mock_server.base.clock import to_datetime
from runa_mock_server.base.money import cents_text
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.mail.outbox import Email
from runa_mock_server.orders.commit import AccountView
from runa_mock_server.orders.documents import ids_of
from runa_mock_server.orders.order import Item, Order
from runa_mock_server.orders.terms import OrderTerms

if TYPE_CHECKING:
    from jinja2 import Template

_NOTE = "A simulation by runa-mock. Nothing here has any value."
_NAMES_SHOWN = 10
_LONGEST_LINE = 998
# A valid address can hold what ends a header line for some readers, or an encoded word.
_NOT_IN_HEADERS = re.compile("[\x80-\x9f\u2028\u2029]|(?<==)\\?(?=.*\\?=)")


class Contents(NamedTuple):
    """What a message says.

    Attributes:
        subject: its subject.
        text: the message as text.
        html: the message as HTML.
        mime: the whole of it, as it leaves.
    """

    subject: str
    text: str
    html: str
    mime: bytes


class MailRenderer:
    """Renders the mails of one account, when they are asked for; the same bytes each time.

    Args:
        view: the account.
        terms: how its orders are carried out: the catalogue and the customer's name.
        sender: the address that mails come from.
    """

    def __init__(self, view: AccountView, terms: OrderTerms, sender: str) -> None:
        self._view = view
        self._terms = terms
        self._sender = sender

    def subject(self, email: Email) -> str:
        """What a mail is about."""
        if email.code is not None:
            return f"{email.code} is your one-time code (simulation)"
        return f"{self._value(email)} from {self._terms.profile.customer} (simulation)"

    def contents(self, email: Email) -> Contents:
        """All that a mail says."""
        values = {
            "note": _NOTE,
            "customer": self._terms.profile.customer,
            "value": self._value(email),
            "product": self._product(self._order_and_item(email)[1]),
            "url": email.url,
            "order_id": email.order_id,
        }
        if email.code is None:
            text = _text(**values)
            html = _template("payout.html").render(**values, template_id=email.template_id)
        else:
            text = _code_text(**values, code=email.code)
            html = _template("code.html").render(**values, code=email.code)
        message = _message(self._headers(email), text, html)
        message.set_boundary(f"=_{email.id}")
        # Headers are not folded: that would rewrite the addresses that are longer than a line.
        mime = message.as_bytes(policy=SMTPUTF8.clone(max_line_length=0))
        return Contents(self.subject(email), text, html, mime)

    def _headers(self, email: Email) -> dict[str, str | datetime | Address]:
        headers: dict[str, str | datetime | Address] = {
            "From": _address(self._sender, self._terms.profile.customer),
            "To": _address(email.to),
            "Subject": self.subject(email),
            "Message-ID": f"<{email.id}@runa-mock.invalid>",
            "X-Runa-Mock": "simulation",
            "X-Runa-Order": email.order_id,
        }
        if email.sent_at != NEVER:
            headers["Date"] = to_datetime(email.sent_at)
        if email.template_id is not None:
            headers["X-Runa-Template"] = email.template_id
        return headers

    def _value(self, email: Email) -> str:
        order, item = self._order_and_item(email)
        return f"{order.currency} {cents_text(item.face_value)}"

    def _order_and_item(self, email: Email) -> tuple[Order, Item]:
        order = self._view.order(email.order_id)
        if order is None:
            raise KeyError(email.order_id)
        return order, order.items[ids_of(order).index(email.item_id)]

    def _product(self, item: Item) -> str:
        """The name of the product, or those that the recipient can choose from."""
        codes = item.products.codes
        catalogue = self._terms.catalogue
        names = [_one_line(catalogue.product_of(code)["name"]) for code in codes[:_NAMES_SHOWN]]
        if len(names) == 1:
            return names[0]
        more = len(codes) - len(names)
        return f"your choice of {', '.join(names)}" + (f" and {more} more" if more else "")


def _text(**values: str) -> str:
    return """\
{note}

{customer} has sent you a payout.

Value: {value}
Product: {product}

Redeem it at
{url}

Order {order_id}
""".format(**values)


def _code_text(**values: str) -> str:
    return """\
{note}

{code} is your one-time code for the payout of {value} from {customer}.

Enter it at
{url}

Order {order_id}
""".format(**values)


def _message(headers: Mapping[str, str | datetime | Address], text: str, html: str) -> EmailMessage:
    message = EmailMessage(policy=SMTPUTF8)
    for name, value in headers.items():
        message[name] = value
    message.set_content(text, cte=_encoding(text))
    message.add_alternative(html, subtype="html", cte=_encoding(html))
    return message


def _encoding(text: str) -> str:
    longest = max(map(len, text.splitlines()))
    return "7bit" if text.isascii() and longest <= _LONGEST_LINE else "quoted-printable"


def _address(address: str, name: str = "") -> Address:
    """An address for a header; what would be no address there any more is replaced."""
    local, _, host = _NOT_IN_HEADERS.sub("\ufffd", address).rpartition("@")
    return Address(name, local, host)


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


@lru_cache(maxsize=2)
def _template(name: str) -> "Template":
    # Most servers never show a mail, and a template engine would slow down the start of each.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - see above

    templates = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return templates.get_template(name)
