"""The redemption API: what a payout link answers to ``?format=json``.

Provider's page "Redemption". The HTTP status is always 200; whether it worked is in the body.
"""

from collections.abc import Callable
from typing import Any

from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.orders.e_codes import e_code
from runa_mock_server.orders.payouts import Payout, PayoutService
from runa_schemas.contract_data import REDEMPTION_ERRORS


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


class Redeemer:
    """Redeems the payouts of one account.

    Args:
        payouts: the account's payout links.
        catalogue: what is known of the products.
        code_url: where a product that is a link leads, by payout token and product code.
    """

    def __init__(
        self,
        payouts: PayoutService,
        catalogue: Catalogue,
        code_url: Callable[[str, str], str],
    ) -> None:
        self._payouts = payouts
        self._catalogue = catalogue
        self._code_url = code_url

    def redeem(self, payout: Payout) -> dict[str, Any]:
        """The JSON answer for a payout; one without a choice is claimed by asking (inferred).

        Raises:
            RedemptionRefusedError: with the provider's code for the payout's state.
        """
        if payout.order_status == "FAILED":
            raise RedemptionRefusedError("RE012", payout.order_id, "The order failed.")
        if payout.status in _REFUSED:
            raise RedemptionRefusedError(_REFUSED[payout.status], payout.order_id)
        if payout.status == "ACTIVE":
            if len(payout.codes) > 1:
                reason = "The recipient has not chosen a product yet: open the link."
                raise RedemptionRefusedError("RE012", payout.order_id, reason)
            payout = self._payouts.claim(payout)
        codes = self.e_codes(payout)
        answer = {
            "status": "SUCCESS",
            "order_id": payout.order_id,
            "error_code": None,
            "error_string": None,
            "error_details": None,
            "e_code": codes[0],
        }
        # Inferred: a payout that was split has a code for each part, beside the first.
        return answer if len(codes) == 1 else answer | {"e_codes": codes}

    def e_codes(self, payout: Payout) -> list[dict[str, Any]]:
        """The codes of a claimed payout, one for each part."""
        return [
            e_code(
                payout.token,
                part,
                self._catalogue.product_of(part.code),
                payout.status_updated_at,
                self._code_url(payout.token, part.code),
            )
            for part in self._payouts.parts(payout)
        ]


_REFUSED = {"CANCELLED": "RE005", "EXPIRED": "RE004"}


def refusal(code: str, order_id: str | None = None) -> dict[str, Any]:
    """The JSON answer that says no without looking at a payout: RE011 or RE013."""
    return RedemptionRefusedError(code, order_id).document()
