"""Effects and requests as human-readable lines, for the messages of failed tests."""

import json
from collections.abc import Iterator, Sequence

from runa_mock_server.control.models import JournalEntry, RequestsResult
from runa_mock_server.server_state.effects import Attempt, Effects, KeyEffects, Money

_LONGEST_LINE = 500


def effects_timeline(effects: Effects) -> str:
    """The effects as lines: a summary, then each idempotency key with its attempts."""
    return "\n".join(_lines(effects))


def _lines(effects: Effects) -> Iterator[str]:
    yield (
        f"{effects.verdict}: {counted(effects.orders, 'order')}, {_money(effects.charged)}, "
        f"{counted(effects.emails, 'mail')}"
    )
    if not effects.complete:
        yield "The keys of some imported orders are unknown."
    if not all(key.attempts_complete for key in effects.keys):
        yield "The journal has forgotten the oldest requests: attempts may be missing."
    if not effects.keys:
        yield "No request to place an order was seen."
    for key in effects.keys:
        yield from _key_lines(key)


def _key_lines(key: KeyEffects) -> Iterator[str]:
    yield (
        f"key {key.idempotency_key!r} of {key.account}, {key.verdict}: "
        f"{counted(len(key.orders), 'order')}, {_money(key.charged)}, {counted(key.emails, 'mail')}"
    )
    if key.suspected_with:
        yield (
            f"  suspected to be the same purchase as {_names(key.suspected_with)}: the bodies are "
            "equal, and the answer to the earlier order did not reach the client"
        )
    if key.repeated_with:
        yield (
            f"  repeated with {_names(key.repeated_with)}: the bodies are equal, and the answer to "
            "the earlier order reached the client"
        )
    for attempt in key.attempts:
        yield f"  {_attempt(attempt)}"


def _names(keys: Sequence[str]) -> str:
    return ", ".join(map(repr, keys))


def _attempt(attempt: Attempt) -> str:
    received = "no response" if attempt.status is None else attempt.status
    done = {
        "created": f"created {attempt.order_id}",
        "replayed": f"replayed {attempt.order_id or ''}".rstrip(),
        "refused": "refused",
        None: "did not receive it",
    }[attempt.outcome]
    faults = f"; fault {', '.join(attempt.faults)}" if attempt.faults else ""
    return (
        f"#{attempt.number} {attempt.at:%H:%M:%S.%f}: the service {done}, "
        f"the client received {received}{faults}"
    )


def _money(amounts: Sequence[Money]) -> str:
    return (
        " + ".join(f"{m.currency} {m.amount}" for m in amounts) + " charged"
        if amounts
        else ("nothing charged")
    )


def counted(number: int, what: str) -> str:
    """A number and a noun: ``1 order``, ``2 orders``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def request_timeline(found: RequestsResult) -> str:
    """Requests as lines, shortened and without API keys."""
    if not found.requests:
        return "No request was seen."
    missing = found.total - len(found.requests) + found.dropped
    head = [] if not missing else [f"{counted(missing, 'earlier request')} left out"]
    return "\n".join([*head, *(_shortened(_request(entry)) for entry in found.requests)])


def _request(entry: JournalEntry) -> str:
    key = "" if entry.idempotency_key is None else f" with key {entry.idempotency_key!r}"
    received = "no response" if entry.status is None else f"{entry.status}{_error(entry)}"
    done = "" if entry.order_id is None else f"; {entry.outcome} {entry.order_id}"
    faults = "".join(f"; fault {hit.id}, {hit.kind} {hit.place}" for hit in entry.faults)
    return (
        f"#{entry.number} {entry.at:%H:%M:%S.%f} {entry.account or 'no account'}: "
        f"{entry.method} {entry.path}{key} received {received}{done}{faults}"
    )


def _error(entry: JournalEntry) -> str:
    """The error type and message; without the message if the journal cut the body."""
    if entry.error_type is None:
        return ""
    try:
        document = json.loads(entry.response_body)
    except ValueError:
        return f" {entry.error_type}"
    details = [f"{'.'.join(d['location'])}: {d['message']}" for d in document.get("details", ())]
    return f" {entry.error_type} ({'; '.join(details) or document.get('message')})"


def _shortened(line: str) -> str:
    plain = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
    return plain if len(plain) <= _LONGEST_LINE else f"{plain[: _LONGEST_LINE - 1]}…"
