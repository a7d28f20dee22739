"""A recipient whose payout goes to a card: orders for one, and what is done step by step."""

from typing import Any
from urllib.parse import urlencode

import requests

from runa_mock_server import ControlClient
from support.money import MoneyApi, paid_in, single
from support.recipient import Order, link, submit

CARD = "P2C-US"
ADDRESS = "ada@mail.example"
ACCEPTED, REFUSED = "4111 1111 1111 1111", "4111-1111-1111-1112"


def to_recipient(address: str = ADDRESS, reference: str = "ada", value: int = 10) -> dict[str, Any]:
    """An item that is paid to a card."""
    recipient = {
        "type": "RECIPIENT",
        "recipient_reference": reference,
        "email_address": address,
    }
    return single(CARD, value, distribution_method=recipient)


def for_a_card(bank: MoneyApi, address: str = ADDRESS, reference: str = "ada") -> Order:
    """An order of one payout that goes to a card."""
    return bank.finished(paid_in("USD", to_recipient(address, reference)))


def press(url: str, step: str, **fields: str) -> requests.Response:
    """Send a form of the page."""
    return submit(url, urlencode({"step": step, **fields}).encode())


def codes(server: ControlClient, order: Order) -> list[str]:
    """The one-time codes of an order that are in the outbox, oldest first."""
    mails = server.emails.list(order_id=order["id"])
    return [mail.code for mail in mails if mail.code is not None]


def code_for(server: ControlClient, order: Order) -> str:
    """Have a code sent; the code."""
    response = press(link(order), "send")
    assert response.status_code == 303, response.text
    return codes(server, order)[-1]


def wrong(code: str) -> str:
    """A code that is another."""
    return f"{(int(code) + 1) % 10**6:06d}"


def pay(
    order: Order, code: str, number: str = ACCEPTED, expiry: str = "12/29"
) -> requests.Response:
    """Send the form with a card."""
    return press(link(order), "card", one_time_code=code, card_number=number, card_expiry=expiry)
