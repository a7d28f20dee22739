"""The redemption API: what a payout link answers to ``?format=json``.

Provider's page "Redemption". The HTTP status is always 200; whether it worked is in the body.
"""

from collections.abc import Sequence
from typing import Any

from runa_mock_server.base.clock import SECOND
from runa_mock_server.base.ids import short_id
from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.orders.commit import AccountView, Commit
from runa_mock_server.orders.e_codes import e_code
from runa_mock_server.orders.order import Part
from runa_mock_server.orders.payouts import Payout, find_payout
from runa_schemas.contract_data import REDEMPTION_ERRORS

PROCESSING_ERROR = "RE008"

_REFUSED = {"CANCELLED": "RE005", "EXPIRED": "RE004"}
_NOT_FOUND = frozenset({"RE001", "RE011"})
_RETRY_AFTER = 60 * SECOND


class RedemptionRefusedError(Exception):
    """The payout cannot be redeemed.

    Attributes:
        code: the provider's code, such as ``RE004``.
        order_id: the short id of the order, if there is one.
        details: what more there is to say.
        rule: the id of the rule that refuses.
    """

    def __init__(
        self,
        code: str,
        order_id: str | None = None,
        details: str | None = None,
        rule: str = "redemption-errors",
    ) -> None:
        super().__init__(REDEMPTION_ERRORS[code])
        self.rule = rule
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


def short_order_id(payout: Payout) -> str:
    """The order's id in the redemption API, which is not its id in the rest (recorded)."""
    return short_id("O", payout.order.id.encode())


def provoked(payout: Payout, asked: str | None, now: int) -> RedemptionRefusedError | None:
    """The refusal with which a redemption is to be answered, if there is one.

    A processing error (RE008) is followed by RE009 for a minute, as the provider says.

    Args:
        payout: the payout.
        asked: the error code that the settings ask for, if any.
        now: microseconds since the epoch.
    """
    failed_at = payout.order.recipient(payout.index).failed_at
    is_too_early = failed_at is not None and failed_at <= now < failed_at + _RETRY_AFTER
    code = "RE009" if is_too_early else asked
    if code is None:
        return None
    return RedemptionRefusedError(code, None if code in _NOT_FOUND else short_order_id(payout))


def note_processing_error(view: AccountView, token: str, now: int) -> Commit:
    """Remember that a redemption is answered with RE008: RE009 follows for a minute."""
    payout = find_payout(view, token, now)
    if payout is None:
        return Commit()
    state = payout.order.recipient(payout.index)._replace(failed_at=now)
    return Commit(changed=[payout.order.with_recipient(payout.index, state)])


def check_redeemable(payout: Payout) -> None:
    """See whether a payout can be redeemed by asking.

    Raises:
        RedemptionRefusedError: with the provider's code for the payout's state.
    """
    order_id = short_order_id(payout)
    if payout.order.failed:
        raise RedemptionRefusedError("RE012", order_id, "The order failed.")
    if payout.status in _REFUSED:
        rule = "link-expiry" if payout.status == "EXPIRED" else "redemption-errors"
        raise RedemptionRefusedError(_REFUSED[payout.status], order_id, rule=rule)
    if payout.status == "ACTIVE" and len(payout.codes) > 1:
        reason = "The recipient has not chosen a product yet: open the link."
        raise RedemptionRefusedError("RE012", order_id, reason, "redemption-choice")


def redeemed(payout: Payout, codes: list[dict[str, Any]]) -> dict[str, Any]:
    """The JSON answer for a payout that has been claimed.

    Args:
        payout: the payout.
        codes: its ``e_codes``.
    """
    answer = {
        "status": "SUCCESS",
        "order_id": short_order_id(payout),
        "error_code": None,
        "error_string": None,
        "error_details": None,
        "e_code": codes[0],
    }
    # Inferred: a payout that was split has a code for each part, beside the first.
    return answer if len(codes) == 1 else answer | {"e_codes": codes}


def e_codes(
    payout: Payout, parts: Sequence[Part], catalogue: Catalogue, links: str
) -> list[dict[str, Any]]:
    """The codes of a claimed payout, one for each part.

    Args:
        payout: the payout.
        parts: what it was turned into.
        catalogue: what can be ordered now; it knows products that were removed, too.
        links: what payout links begin with; a token follows.
    """
    return [
        e_code(
            payout.token,
            part,
            catalogue.product_of(part.code),
            payout.status_updated_at,
            links + payout.token,
        )
        for part in parts
    ]
