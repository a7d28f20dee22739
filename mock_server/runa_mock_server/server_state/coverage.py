"""Contract coverage: what requests and webhook deliveries have met of the contract.

There is one for the whole server, and it outlives resets: a test suite resets its accounts
between tests. A rule counts as met when its answer reached the client.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from runa_mock_server.base.redaction import KnownKeys, Redactor
from runa_mock_server.server_state.entry import Entry, Flat
from runa_mock_server.webhooks.messages import Delivery

RATE_EXCEEDED = "rate exceeded"
"""What stands for the 429, which has no error type."""

ORDER_TRANSITIONS = (
    "accepted to PROCESSING",
    "accepted to COMPLETED",
    "PROCESSING to COMPLETED",
    "PROCESSING to FAILED",
)
PAYOUT_TRANSITIONS = (
    "issued ACTIVE",
    "ACTIVE to CLAIMED",
    "ACTIVE to EXPIRED",
    "ACTIVE to CANCELLED",
)
WEBHOOK_OUTCOMES = (
    "order.completion COMPLETED",
    "order.completion FAILED",
    "product.update",
    "failed attempt",
    "delivered by a retry",
)

# The rules behind whose answers more is met than the rule.
_IMPLIED: Mapping[str, tuple[str, ...]] = {
    "order-accepted": ("order:accepted to PROCESSING",),
    "sync-order": ("order:accepted to COMPLETED", "payout:issued ACTIVE"),
    "fx-currencies": ("order:accepted to COMPLETED", "payout:issued ACTIVE"),
    "redemption-api": ("payout:ACTIVE to CLAIMED",),
    "payout-claimed": ("payout:ACTIVE to CLAIMED",),
}
_SHOWING_ORDERS = frozenset({"order-completes", "newest-first", "order-cursors"})
_LOOKED_INTO = _SHOWING_ORDERS | {"trigger-failed", "recipient-address", "redemption-errors"}
_PAYOUTS = {
    b'"payout":{"status":"ACTIVE"': "payout:issued ACTIVE",
    b'"payout":{"status":"CLAIMED"': "payout:ACTIVE to CLAIMED",
    b'"payout":{"status":"EXPIRED"': "payout:ACTIVE to EXPIRED",
    b'"payout":{"status":"CANCELLED"': "payout:ACTIVE to CANCELLED",
}
_ORDERS = {
    b'"status":"COMPLETED"': "order:PROCESSING to COMPLETED",
    b'"status":"FAILED"': "order:PROCESSING to FAILED",
}
# Faults behind which the client has no whole answer of the service.
_LOSING = frozenset({"reset", "close", "hang", "status", "rate_limit", "malformed_json"})
_REFUSED_REDEMPTIONS = ("redemption-", "link-")
_HEAD = 80  # bytes
_FIRST_ERROR = 400
_ACCEPTED = 202


class First(NamedTuple):
    """The request or delivery that met something first.

    Attributes:
        number: the number of the request in the journal, or the id of the webhook message.
        at: when, microseconds since the epoch, by the account's clock.
        text: the method and the path; for a delivery the event and the URL.
        account: the name of the account, ``None`` without one.
        test: the test that was running, where that is known.
    """

    number: int | str
    at: int
    text: str
    account: str | None
    test: str | None = None


class Met:
    """How often something was met, and by what first."""

    __slots__ = ("first", "times")

    def __init__(self, first: First) -> None:
        self.first = first
        self.times = 0


class Coverage:
    """What was met.

    Attributes:
        again: by rule how many answers have met nothing but what that rule had met before. Whoever
            notes requests counts those here, for nearly all are such answers; ``met`` has them.
        test: the test that is running, where that is known.
    """

    def __init__(self) -> None:
        self._met: dict[str, Met] = {}
        self.again: dict[str | None, int] = {}
        self.test: str | None = None

    @property
    def met(self) -> dict[str, Met]:
        """What was met, by rule id, or by ``area:name`` for what is no rule."""
        for rule, times in self.again.items():
            for key in (rule, *_IMPLIED.get(rule or "", ())):
                self._met[key or ""].times += times
        self.again = dict.fromkeys(self.again, 0)
        return self._met

    def clear(self) -> None:
        """Forget all of it."""
        self._met, self.again = {}, {}

    def note(self, entry: Flat, account: str | None, redactor: Redactor | KnownKeys) -> None:
        """Note what a request has met.

        Args:
            entry: the request and its answer.
            account: the name of the account.
            redactor: that of its journal.
        """
        rule = entry[14]
        keys = _met_by(entry)
        first = None
        if any(key not in self._met for key in keys):
            target = Entry(entry, redactor).target.partition("?")[0]
            first = First(entry[0], entry[1], f"{entry[2]} {target}", account, self.test)
        self._count(keys, first)
        if rule in self._met and rule not in _LOOKED_INTO:
            self.again.setdefault(rule, 0)

    def attempted(self, delivery: Delivery, account: str | None) -> None:
        """Note what the latest attempt to deliver a webhook has met.

        Args:
            delivery: the delivery.
            account: the name of the account, ``None`` for events that belong to none.
        """
        message, at = delivery.message, delivery.attempts[-1].at
        text = f"{message.event} to {delivery.endpoint.url}"
        self._count(_met_by_attempt(delivery), First(message.id, at, text, account, self.test))

    def _count(self, keys: Sequence[str], first: First | None) -> None:
        for key in keys:
            met = self._met.get(key)
            if met is None and first is not None:
                met = self._met[key] = Met(first)
            if met is not None:
                met.times += 1


def _met_by(entry: Flat) -> list[str]:
    """What a request has met."""
    faults, rule, status, body = entry[12], entry[14], entry[7], entry[8]
    if faults:
        return _met_with_faults(entry)
    if rule is None or status is None:
        return []
    met = [rule, *_IMPLIED.get(rule, ())]
    if status >= _FIRST_ERROR:
        met.append(f"error:{error_type(body) or RATE_EXCEEDED}")
    elif rule in _SHOWING_ORDERS:
        # Behind the id and the status of a single order there is text that the client has sent.
        head = body[:_HEAD] if rule == "order-completes" else body
        met += [name for text, name in _ORDERS.items() if text in head]
        if rule == "order-completes":
            met += [name for text, name in _PAYOUTS.items() if text in body]
    elif status == _ACCEPTED and rule in _LOOKED_INTO:
        met += _IMPLIED["order-accepted"]
    elif rule.startswith(_REFUSED_REDEMPTIONS):
        code = body.partition(b'"error_code":"')[2].partition(b'"')[0].decode()
        met += [f"error:{code}"] if code else []
    return met


def _met_with_faults(entry: Flat) -> list[str]:
    """What a request that faults hit has met; behind some of them nothing but the fault."""
    kinds = {kind for _, kind, _ in entry[12]}
    met = [f"fault:{kind} {place}" for _, kind, place in entry[12]]
    if not kinds & _LOSING:
        return met + _met_by((*entry[:12], (), *entry[13:]))
    return [*met, "rate-limit", f"error:{RATE_EXCEEDED}"] if "rate_limit" in kinds else met


def error_type(body: bytes) -> str | None:
    """The type in an error that the service answered; ``None`` where there is none."""
    if b'"type"' not in body[:40]:
        return None
    # The type is the first key; the rest may be cut.
    return body.partition(b'"type":"')[2].partition(b'"')[0].decode(errors="replace") or None


def _met_by_attempt(delivery: Delivery) -> list[str]:
    """What the latest attempt of a delivery has met."""
    attempt, event = delivery.attempts[-1], str(delivery.message.event)
    met = [f"webhook:fault {fault}" for fault in attempt.faults]
    if not attempt.succeeded:
        return [*met, "webhook:failed attempt"]
    if event == "order.completion":
        failed = b'"status":"FAILED"' in delivery.message.payload
        event = f"{event} {'FAILED' if failed else 'COMPLETED'}"
    met.append(f"webhook:{event}")
    if any(not earlier.succeeded for earlier in delivery.attempts[:-1]):
        met.append("webhook:delivered by a retry")
    return met
