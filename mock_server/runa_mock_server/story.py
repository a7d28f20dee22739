"""What happened, attempt by attempt, for whoever reads a failed test."""

from collections.abc import Iterator, Sequence

from runa_mock_server.effects import Attempt, Effects, KeyEffects, Money


def story(effects: Effects) -> str:
    """The effects as lines for people, the whole first and then each key."""
    return "\n".join(_lines(effects))


def _lines(effects: Effects) -> Iterator[str]:
    yield (
        f"{effects.verdict}: {_count(effects.orders, 'order')}, {_money(effects.charged)}, "
        f"{_count(effects.emails, 'mail')}"
    )
    if not effects.complete:
        yield "The journal has forgotten the oldest requests: attempts may be missing."
    if not effects.keys:
        yield "No request to place an order was seen."
    for key in effects.keys:
        yield from _key_lines(key)


def _key_lines(key: KeyEffects) -> Iterator[str]:
    yield (
        f"key {key.idempotency_key!r} of {key.account}, {key.verdict}: "
        f"{_count(len(key.orders), 'order')}, {_money(key.charged)}, {_count(key.emails, 'mail')}"
    )
    if key.suspected_with:
        others = ", ".join(map(repr, key.suspected_with))
        yield f"  suspected to be the same purchase as {others}: the bodies are equal"
    for attempt in key.attempts:
        yield f"  {_attempt(attempt)}"


def _attempt(attempt: Attempt) -> str:
    told = f"was told {attempt.status}" if attempt.status is not None else "heard nothing"
    done = {
        "created": f"created {attempt.order_id}",
        "replayed": f"repeated the answer {attempt.order_id or ''}".rstrip(),
        "refused": "refused",
        None: "never saw it",
    }[attempt.outcome]
    faults = f"; fault {', '.join(attempt.faults)}" if attempt.faults else ""
    return (
        f"#{attempt.number} {attempt.at:%H:%M:%S.%f}: the service {done}, the client {told}{faults}"
    )


def _money(amounts: Sequence[Money]) -> str:
    return (
        " + ".join(f"{m.currency} {m.amount}" for m in amounts) + " charged"
        if amounts
        else ("nothing charged")
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
