"""Where the mock is kinder than the real service, each with the setting that turns it off.

The setting ``strict`` turns all of them off together; a setting that is given explicitly beats it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from runa_schemas.contract_data import RATE_LIMIT

Value = bool | int | None


class Kindness(NamedTuple):
    """One kindness.

    Attributes:
        setting: the setting that switches it.
        kind: the value of the setting by default.
        strict: its value in strict mode.
        text: what the mock forgives, or does though the service does not.
    """

    setting: str
    kind: Value
    strict: Value
    text: str


KINDNESSES = (
    *(
        Kindness(setting, kind=True, strict=False, text=text)
        for setting, text in (
            ("playground_estimates", "POST /order/estimate answers on the playground"),
            ("playground_webhooks", "webhooks are sent on the playground"),
            ("redemption_api", "payout links answer ?format=json"),
            ("legacy_item_fields", "items have two fields of older documentation"),
            ("all_triggers", "X-Trigger-Error knows every type of error"),
            ("any_content_type", "any Content-Type of a request is accepted"),
            ("several_countries", "one order takes products of several countries"),
            ("lenient_authentication", "an API key needs no dot and secret"),
            ("fixed_templates", "templates stand for the same products each time"),
        )
    ),
    Kindness("rate_limit", kind=None, strict=RATE_LIMIT, text="orders are not limited"),
)
"""Every kindness."""


OFFERED = frozenset({"legacy_item_fields", "fixed_templates", "playground_webhooks"})
"""The kindnesses of which nobody can tell whether a client relied on them: the answer, or what
followed it, had something that the real service lacks or does differently."""


def with_strict(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they were given; ``strict`` decides the kindnesses that were not."""
    if values.get("strict") is not True:
        return dict(values)
    return {kindness.setting: kindness.strict for kindness in KINDNESSES} | dict(values)


def summary(settings: object) -> str:
    """Which kindnesses are on, in one line for people."""
    names = ", ".join(each.setting for each in kindnesses_on(settings))
    if not names:
        return "strict"
    return f"kinder than the real service in {names}"


def kindnesses_on(settings: object) -> list[Kindness]:
    """The kindnesses that are on."""
    return [each for each in KINDNESSES if getattr(settings, each.setting) == each.kind]
