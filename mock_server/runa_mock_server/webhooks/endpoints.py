"""Webhook endpoints: what they subscribe to, their secrets, and whether they are disabled."""

import base64
from random import Random

from runa_mock_server.base.clock import DAY
from runa_mock_server.contract.webhook_events import SECRET_PREFIX, Event

FAILING_TOO_LONG = 5 * DAY
"""An endpoint is disabled once every attempt has failed for this long."""

ROTATION = 1 * DAY
"""How long a replaced secret also signs (Svix's 24 hours)."""

_MOST_RETIRED = 9
_SECRET_BYTES = 24


class Endpoint:
    """One subscription and its delivery status.

    Args:
        id_: ``ep_...``.
        account: the API key whose events it gets, ``None`` for those of all accounts.
        url: where its messages are POSTed to.
        event: the event that it subscribes to.
        secret: signs its messages.

    Attributes:
        id: ``ep_...``.
        account: the API key whose events it gets, ``None`` for those of all accounts.
        url: where its messages are POSTed to.
        event: the event that it subscribes to.
        secret: signs its messages.
        retired: replaced secrets, each with the time until which it also signs.
        disabled: whether nothing is sent to it.
        failing: for each account the first failure since the last success, in microseconds of
            its clock.
    """

    def __init__(self, id_: str, account: str | None, url: str, event: Event, secret: str) -> None:
        self.id = id_
        self.account = account
        self.url = url
        self.event = event
        self.secret = secret
        self.retired: list[tuple[str, int]] = []
        self.disabled = False
        self.failing: dict[str | None, int] = {}

    @property
    def failing_since(self) -> int | None:
        """The first failure since the last success, in microseconds."""
        return min(self.failing.values(), default=None)

    def hears(self, account: str | None, event: str) -> bool:
        """Whether it is enabled and subscribed to an event of an account."""
        return not self.disabled and self.event == event and self.account in (None, account)

    def secrets(self, now: int) -> list[str]:
        """The secrets that sign its messages now, the newest first; several during a rotation."""
        in_use = [secret for secret, until in reversed(self.retired) if now < until]
        return [self.secret, *in_use]

    def rotate(self, secret: str, now: int) -> None:
        """Sign with another secret, and for a day with the replaced one, too.

        Ten sign at most (inferred), so that the header with the signatures stays short.
        """
        self.retired.append((self.secret, now + ROTATION))
        del self.retired[:-_MOST_RETIRED]
        self.secret = secret

    def enable(self) -> None:
        """Enable it again, with no failures counted."""
        self.disabled = False
        self.failing.clear()

    def succeeded(self) -> None:
        """Note a successful attempt."""
        self.failing.clear()

    def failed(self, account: str | None, at: int) -> None:
        """Note a failed attempt; the failures of five days disable the endpoint.

        Args:
            account: the API key of the message's account, by whose clock the days count.
            at: when the attempt failed, microseconds since the epoch.
        """
        # Attempts side by side end in any order: the first in time is what counts.
        since = self.failing[account] = min(at, self.failing.get(account, at))
        if at - since >= FAILING_TOO_LONG:
            self.disabled = True


def new_secret(random: Random) -> str:
    """A secret in Svix's form: ``whsec_`` and the base64 of 24 bytes."""
    return SECRET_PREFIX + base64.b64encode(random.randbytes(_SECRET_BYTES)).decode()
