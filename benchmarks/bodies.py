"""The requests: orders whose bodies all differ, and the headers that go with them."""

import json
import re
from itertools import count

ACCOUNT = "XX-bench.secret"
HEADERS = {"X-Api-Key": ACCOUNT}
ORDERING = {**HEADERS, "Content-Type": "application/json"}
KEY_HEADER = "X-Idempotency-Key"
ORDER_PATH = "/v2/order"

NUMBER = "<NUMBER>"
"""Mark in a body: replaced by run and number of the request."""

VALUE = "<VALUE>"
"""Mark in a body: replaced by an amount with cents, different at each place."""

_MARK = re.compile("<NUMBER>|<VALUE>")


def order(items: int = 1) -> str:
    """An order with marks: description, addresses and face values differ in each request.

    Args:
        items: The number of items, each with its own address and face value.
    """
    wanted = [
        {
            "face_value": VALUE,
            "distribution_method": {
                "type": "EMAIL",
                "email_address": f"person-{NUMBER}-{place}@example.com",
            },
            "products": {"type": "SINGLE", "value": "1800FL-US"},
        }
        for place in range(items)
    ]
    body = {
        "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "USD"},
        "description": f"order {NUMBER}",
        "items": wanted,
    }
    return json.dumps(body).replace(f'"{VALUE}"', VALUE)


def written(template: str, run: str, number: int) -> str:
    """A body without marks; ``load.lua`` does the same.

    Args:
        template: The body with marks.
        run: A name, different for each run of a load generator.
        number: The number of the request within the run.
    """
    places = count(1)

    def replacement(mark: re.Match[str]) -> str:
        if mark[0] == NUMBER:
            return f"{run}-{number}"
        cents = 1000 + (number * 7919 + next(places) * 613) % 9000
        return f"{cents // 100}.{cents % 100:02d}"

    return _MARK.sub(replacement, template)


ONE_ITEM = order()
SAME_BODY = written(ONE_ITEM, "same", 1)
"""An order without marks, so that each request has the same body."""
