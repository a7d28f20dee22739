"""How long an order stays ``PROCESSING``: for a time, for some reads, or until told.

One second is documented (provider's page "First order, asynchronous"); the other rules are this
double's own, chosen by setting or by ``X-Mock-Processing`` on the request.
"""

import re
from typing import NamedTuple

from runa_mock_server.base.clock import SECOND

NEVER = 2**63 - 1
"""A moment that does not come."""

_RULE = re.compile(
    r"(?P<at_once>at-once)|(?P<never>never)"
    r"|seconds:(?P<seconds>[0-9]{1,9}(?:\.[0-9]{1,6})?)"
    r"|reads:(?P<reads>[0-9]{1,6})"
)

RULES = "at-once, never, seconds:N or reads:N"


class Processing(NamedTuple):
    """When an order ends.

    Attributes:
        delay: microseconds after its acceptance, or ``NEVER``: not by itself.
        reads: how many reads show it ``PROCESSING`` before one shows that it ended; ``None``
            where reads do not matter.
    """

    delay: int
    reads: int | None = None


def parse_processing(text: str) -> Processing:
    """The rule that a text names: ``at-once``, ``never``, ``seconds:N`` or ``reads:N``.

    Raises:
        ValueError: for any other text.
    """
    found = _RULE.fullmatch(text)
    if found is None:
        raise ValueError(f"must be {RULES}")
    if found["at_once"]:
        return Processing(0)
    if found["seconds"]:
        return Processing(round(float(found["seconds"]) * SECOND))
    return Processing(NEVER, None if found["never"] else int(found["reads"]))
