"""What is sent: orders, and the headers that go with them."""

import json

ACCOUNT = "XX-bench.secret"
HEADERS = {"X-Api-Key": ACCOUNT}
ORDERING = {**HEADERS, "Content-Type": "application/json"}
KEY_HEADER = "X-Idempotency-Key"
ORDER_PATH = "/v2/order"
NUMBER = "@NUMBER@"
"""Where a body is to differ from request to request."""


def order_of(items: int, *, description: str | None = None, by_mail: bool = False) -> str:
    """The order of the README's first example, with as many items.

    Args:
        items: how many.
        description: what the order says, beside.
        by_mail: whether each item is for somebody else, by mail; otherwise all are equal.
    """
    item = {
        "face_value": 10,
        "distribution_method": {"type": "PAYOUT_LINK"},
        "products": {"type": "SINGLE", "value": "1800FL-US"},
    }
    told = {} if description is None else {"description": description}
    wanted = [item] * items
    if by_mail:
        addresses = [f"{number}@example.com" for number in range(items)]
        wanted = [
            item | {"distribution_method": {"type": "EMAIL", "email_address": address}}
            for address in addresses
        ]
    return json.dumps(
        {
            "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "USD"},
            **told,
            "items": wanted,
        }
    )


ONE_ITEM = order_of(1)
