"""The form of the recipient's page: a field for each product, its value the product's part."""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from urllib.parse import parse_qs

from runa_mock_server.base.errors import quoted
from runa_mock_server.base.money import in_cents
from runa_mock_server.orders.order import Part
from runa_mock_server.orders.payouts import ClaimError

_MORE_FIELDS = 100  # than there are products to choose from
_AMOUNT = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,2})?")


def read_fields(raw: bytes, codes: Collection[str]) -> dict[str, str]:
    """What was typed, by product code.

    Raises:
        ClaimError: for what is no form, or has fields of other names or a field twice.
    """
    try:
        fields = parse_qs(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(raw),
            max_num_fields=len(codes) + _MORE_FIELDS,
        )
    except ValueError:
        raise ClaimError("This is no form that can be read.") from None
    for code, values in fields.items():
        if len(values) > 1:
            raise ClaimError(f"{quoted(code)} is given {len(values)} times.")
        if code not in codes:
            raise ClaimError(f"{quoted(code)} is not among the products of this payout.")
    return {code: value for code, (value,) in fields.items()}


def read_parts(fields: Mapping[str, str]) -> list[Part]:
    """The parts that fields ask for; those that are empty or zero ask for nothing.

    Raises:
        ClaimError: naming each field that holds no amount of money.
    """
    typed = {code: text.strip() for code, text in fields.items() if text.strip()}
    wrong = {
        code: f"{quoted(text, 20)} is no amount of money: write 12 or 12.50."
        for code, text in typed.items()
        if not _AMOUNT.fullmatch(text)
    }
    if wrong:
        raise ClaimError("Not every part is an amount of money.", wrong)
    return [Part(code, in_cents(Decimal(text))) for code, text in typed.items() if Decimal(text)]
