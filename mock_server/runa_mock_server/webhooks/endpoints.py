"""Endpoints: who is told of an event, and whether he still listens."""

import base64
from random import Random

from runa_mock_server.base.clock import DAY
from runa_mock_server.contract.webhook_events import SECRET_PREFIX, Event

FAILING_TOO_LONG = 5 * DAY
"""An endpoint of which every attempt has failed for so long is disabled."""

ROTATION = 1 * DAY
"""For how long a secret is used beside the one that replaced it (Svix's 24 hours)."""

_MOST_RETIRED = 9
_SECRET_BYTES = 24


class Endpoint:
    """One subscription and how it fares.

    Args:
        id_: ``ep_...``.
        account: the API key whose events it is told of, ``None`` for everybody's.
        url: where it listens.
        event: what it is told of.
        secret: what signs its messages.

    Attributes:
        id: ``ep_...``.
        account: the API key whose events it is told of, ``None`` for everybody's.
        url: where it listens.
        event: what it is told of.
        secret: what signs its messages.
        retired: the secrets before, each with the moment until which it is used too.
        disabled: whether it is told of nothing any more.
        failing: for each account the first of the failures that no success has followed, in
            microseconds of its time.
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
        """The first of the failures that no success has followed, in microseconds."""
        return min(self.failing.values(), default=None)

    def hears(self, account: str | None, event: str) -> bool:
        """Whether it is told of an event of an account now."""
        return not self.disabled and self.event == event and self.account in (None, account)

    def secrets(self, now: int) -> list[str]:
        """What signs its messages now: during a rotation two or more, the newest first."""
        in_use = [secret for secret, until in reversed(self.retired) if now < until]
        return [self.secret, *in_use]

    def rotate(self, secret: str, now: int) -> None:
        """Sign with another secret from now on, and for a day with the one before, too.

        Ten sign at most (inferred), so that the header with the signatures stays short.
        """
        self.retired.append((self.secret, now + ROTATION))
        del self.retired[:-_MOST_RETIRED]
        self.secret = secret

    def enable(self) -> None:
        """Be told of events again, as if nothing had failed."""
        self.disabled = False
        self.failing.clear()

    def succeeded(self) -> None:
        """Note that it took a message."""
        self.failing.clear()

    def failed(self, account: str | None, at: int) -> None:
        """Note that it did not take a message; the failures of five days disable it.

        Args:
            account: the API key of the account that the message is about: each has its own time.
            at: when it failed.
        """
        # Attempts side by side end in any order: the first in time is what counts.
        since = self.failing[account] = min(at, self.failing.get(account, at))
        if at - since >= FAILING_TOO_LONG:
            self.disabled = True


def new_secret(random: Random) -> str:
    """A secret as Svix makes them: ``whsec_`` and the base64 of 24 bytes."""
    return SECRET_PREFIX + base64.b64encode(random.randbytes(_SECRET_BYTES)).decode()
