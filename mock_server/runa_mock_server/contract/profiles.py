"""The two environments of the service and all in which they differ.

``playground`` is the provider's free test environment, ``production`` the one that moves money.
Whoever asks what production does differently finds it here and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from runa_schemas.contract_data import API_KEY_PREFIXES, ProfileName


@dataclass(frozen=True, slots=True)
class Profile:
    """How one environment behaves.

    Attributes:
        name: its name.
        key_prefix: how its API keys start, in upper or lower case.
        applies_discounts: whether an order costs its face values less the catalogue's discounts.
        enforces_balances: whether an order needs, and is debited from, the account's balance.
        details_of_pydantic_1: whether 422 details are worded and located as pydantic 1 does.
        honours_triggers: whether ``X-Trigger-Error`` has an effect.
        always_sends_email: whether mail goes to every EMAIL item without being asked for.
        opening_balances: what an account has unless the settings say otherwise (inferred).
        customer: who the recipient's page says that the payout comes from; the name in
            production is inferred.
    """

    name: ProfileName
    key_prefix: str
    applies_discounts: bool
    enforces_balances: bool
    details_of_pydantic_1: bool
    honours_triggers: bool
    always_sends_email: bool
    opening_balances: Mapping[str, Decimal]
    customer: str


PROFILES: dict[ProfileName, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            name="playground",
            key_prefix=API_KEY_PREFIXES["playground"],
            applies_discounts=False,
            enforces_balances=False,
            details_of_pydantic_1=False,
            honours_triggers=True,
            always_sends_email=False,
            opening_balances=dict.fromkeys(("CAD", "EUR", "GBP", "USD"), Decimal("10000.00")),
            customer="PlaygroundCustomer",
        ),
        Profile(
            name="production",
            key_prefix=API_KEY_PREFIXES["production"],
            applies_discounts=True,
            enforces_balances=True,
            details_of_pydantic_1=True,
            honours_triggers=False,
            always_sends_email=True,
            opening_balances={},
            customer="Customer",
        ),
    )
}
