"""The redemption API: what a payout link answers to ``?format=json``.

Provider's page "Redemption". The HTTP status is always 200; whether it worked is in the body.
"""

from collections.abc import Callable, Sequence
from typing import Any

from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.orders.e_codes import e_code
from runa_mock_server.orders.order import Part
from runa_mock_server.orders.payouts import Payout
from runa_schemas.contract_data import REDEMPTION_ERRORS

_REFUSED = {"CANCELLED": "RE005", "EXPIRED": "RE004"}

CodeUrl = Callable[[str, str], str]
"""Where a product that is a link leads, by payout token and product code."""


class RedemptionRefusedError(Exception):
    """The payout cannot be redeemed.

    Attributes:
        code: the provider's code, such as ``RE004``.
        order_id: the order, if there is one.
        details: what more there is to say.
    """

    def __init__(self, code: str, order_id: str | None = None, details: str | None = None) -> None:
        super().__init__(REDEMPTION_ERRORS[code])
        self.code = code
        self.order_id = order_id
        self.details = details

    def document(self) -> dict[str, Any]:
        """The JSON answer."""
        return {
            "status": "ERROR",
            "order_id": self.order_id,
            "error_code": self.code,
            "error_string": str(self),
            "error_details": self.details,
        }


def check_redeemable(payout: Payout) -> None:
    """See whether a payout can be redeemed by asking.

    Raises:
        RedemptionRefusedError: with the provider's code for the payout's state.
    """
    order_id = payout.order.id
    if payout.order.failed:
        raise RedemptionRefusedError("RE012", order_id, "The order failed.")
    if payout.status in _REFUSED:
        raise RedemptionRefusedError(_REFUSED[payout.status], order_id)
    if payout.status == "ACTIVE" and len(payout.codes) > 1:
        reason = "The recipient has not chosen a product yet: open the link."
        raise RedemptionRefusedError("RE012", order_id, reason)


def redeemed(payout: Payout, codes: list[dict[str, Any]]) -> dict[str, Any]:
    """The JSON answer for a payout that has been claimed.

    Args:
        payout: the payout.
        codes: its ``e_codes``.
    """
    answer = {
        "status": "SUCCESS",
        "order_id": payout.order.id,
        "error_code": None,
        "error_string": None,
        "error_details": None,
        "e_code": codes[0],
    }
    # Inferred: a payout that was split has a code for each part, beside the first.
    return answer if len(codes) == 1 else answer | {"e_codes": codes}


def e_codes(
    payout: Payout, parts: Sequence[Part], catalogue: Catalogue, code_url: CodeUrl
) -> list[dict[str, Any]]:
    """The codes of a claimed payout, one for each part.

    Args:
        payout: the payout.
        parts: what it was turned into.
        catalogue: what can be ordered now; it knows products that were removed, too.
        code_url: where a product that is a link leads.
    """
    return [
        e_code(
            payout.token,
            part,
            catalogue.product_of(part.code),
            payout.status_updated_at,
            code_url(payout.token, part.code),
        )
        for part in parts
    ]


def refusal(code: str, order_id: str | None = None) -> dict[str, Any]:
    """The JSON answer that says no without looking at a payout: RE011 or RE013."""
    return RedemptionRefusedError(code, order_id).document()
