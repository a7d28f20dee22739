"""Rules of idempotency keys."""

import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from runa_mock_server.testing.go_live.rule import Judgement, Theme
from runa_mock_server.testing.go_live.traffic import Request, Traffic
from runa_schemas.contract_data import IDEMPOTENCY_DAYS

IDEMPOTENCY = Theme("Idempotency")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DATE = re.compile(r"(?<![0-9A-Za-z])(20\d\d)([-_.]?)(\d\d)\2(\d\d)(?![0-9])")
_SECONDS = re.compile(r"(?<![0-9A-Za-z])(\d{10}|\d{13})(?![0-9A-Za-z])")
_NUMBER = re.compile(r"(?<![0-9A-Za-z])\d{1,12}(?![0-9A-Za-z])")
_NEAR = timedelta(days=2)
_FEWEST_BITS = 60
_SHORTEST_VALUE = 6
_MILLISECONDS = 13  # digits of a time in milliseconds
_LIFETIME = timedelta(days=IDEMPOTENCY_DAYS)


@IDEMPOTENCY.rule(
    "idempotency-key",
    "Every order has an X-Idempotency-Key.",
    "Place an order.",
)
def idempotency_key(traffic: Traffic) -> Judgement:
    """An order had none."""
    found = Judgement()
    for request in traffic.orders:
        if request.idempotency_key:
            found.proof.append(request)
        else:
            found.violate("no X-Idempotency-Key", request)
    return found


@IDEMPOTENCY.rule(
    "key-fresh",
    "Each order has a key of its own.",
    "Place two different orders.",
)
def key_fresh(traffic: Traffic) -> Judgement:
    """A key was used for another order after it had placed one."""
    found = Judgement()
    used = {}
    for purchases in traffic.purchases:
        for purchase in purchases.each:
            placed = [attempt for attempt in purchase if attempt.is_successful]
            if placed and placed[0].idempotency_key:
                used[placed[0].idempotency_key, placed[0].account] = placed[0]
            for later in purchase[purchase.index(placed[0]) + 1 :] if placed else ():
                same_key = later.idempotency_key == placed[0].idempotency_key
                if same_key and later.body_id != placed[0].body_id:
                    found.violate("a key that had placed an order was used again", placed[0], later)
    found.proof += list(used.values()) if len(used) > 1 else []
    return found


@IDEMPOTENCY.rule(
    "key-random",
    "Keys are random: no e-mail address, counter, date or value of the order is in them.",
    "Place two orders.",
)
def key_random(traffic: Traffic) -> Judgement:
    """A key can be guessed, or will come again."""
    found = Judgement()
    first = {r.idempotency_key: r for r in reversed(traffic.orders) if r.idempotency_key}
    requests = list(reversed(first.values()))
    for request in requests:
        reason = _weakness(request)
        if reason is not None:
            found.violate(f"the key {request.idempotency_key!r} {reason}", request)
    flagged = {id(e) for violation in found.violations for e in violation.evidence}
    for one, two in _counters([r for r in requests if id(r) not in flagged]):
        found.violate("the keys are counted", one, two)
    if len(requests) > 1:
        found.proof += requests
    return found


def _weakness(request: Request) -> str | None:
    key = str(request.idempotency_key)
    if "@" in key:
        return "has an e-mail address in it"
    for value in _values(request.body):
        if len(value) >= _SHORTEST_VALUE and value.lower() in key.lower():
            return f"has {value!r} of the order in it"
    if _UUID.fullmatch(key):
        return None
    if any(_is_near(moment, request) for moment in _moments(key)):
        return "has the date or the time in it"
    if _bits(key) < _FEWEST_BITS:
        return "is too short to be random"
    return None


def _values(value: Any) -> Iterator[str]:
    """The texts of an order that are its own: the names of types are in many."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name != "type":
                yield from _values(part)
    elif isinstance(value, list):
        for part in value:
            yield from _values(part)
    elif isinstance(value, str):
        yield value


def _moments(key: str) -> Iterator[datetime]:
    for year, _, month, day in _DATE.findall(key):
        try:
            yield datetime(int(year), int(month), int(day), 12, tzinfo=UTC)
        except ValueError:
            continue
    for digits in _SECONDS.findall(key):
        seconds = int(digits) / (1000 if len(digits) == _MILLISECONDS else 1)
        yield datetime.fromtimestamp(seconds, UTC)


def _is_near(moment: datetime, request: Request) -> bool:
    noted = datetime.fromtimestamp(request.noted_at, UTC)
    return any(abs(moment - known) <= _NEAR for known in (noted, request.at))


def _bits(key: str) -> float:
    """How much chance there can be in a key at most."""
    kinds = ((r"\d", 10), (r"[a-z]", 26), (r"[A-Z]", 26), (r"[^0-9A-Za-z]", 10))
    letters = sum(size for pattern, size in kinds if re.search(pattern, key))
    # A text of few different characters, as `0000000001`, has no more chance in it than those.
    return min(len(key), 4 * len(set(key))) * math.log2(max(letters, 2))


def _counters(requests: Sequence[Request]) -> Iterator[tuple[Request, Request]]:
    """Pairs of keys that differ in a number by one."""
    seen: dict[tuple[str, int], Request] = {}
    for request in requests:
        key = str(request.idempotency_key)
        for number in _NUMBER.finditer(key):
            pattern = f"{key[: number.start()]}#{key[number.end() :]}"
            value = int(number[0])
            before = seen.get((pattern, value - 1))
            if before is not None:
                yield before, request
                return
            seen[pattern, value] = request


@IDEMPOTENCY.rule(
    "retry-same-request",
    "A retry sends the same key and the same body.",
    "Lose the answer to an order, for example with the fault reset after_commit, and let the "
    "client try again.",
)
def retry_same_request(traffic: Traffic) -> Judgement:
    """A retry had a new key, or another body."""
    found = Judgement()
    for purchases in traffic.purchases:
        for earlier, later in purchases.pairs:
            if not earlier.is_open or not earlier.idempotency_key:
                continue
            if later.idempotency_key != earlier.idempotency_key:
                found.violate("a retry had a new key, which can order twice", earlier, later)
            elif later.body_id != earlier.body_id:
                found.violate("a retry had another body", earlier, later)
            else:
                found.proof += [earlier, later]
    return found


@IDEMPOTENCY.rule(
    "key-after-correction",
    "A corrected order has a new key.",
    "Let an order be refused, for example for its face value, and send it corrected.",
)
def key_after_correction(traffic: Traffic) -> Judgement:
    """A corrected order had the key of the one that was refused."""
    found = Judgement()
    for purchases in traffic.purchases:
        for earlier, later in purchases.pairs:
            is_same = later.idempotency_key == earlier.idempotency_key
            if earlier.is_refused and is_same and later.body_id != earlier.body_id:
                found.violate("a corrected order had the key of the refused one", earlier, later)
        attempts = purchases.attempts
        for index, refused in enumerate(attempts):
            corrected = [
                later
                for later in attempts[index + 1 :]
                if later.is_successful
                and later.idempotency_key != refused.idempotency_key
                and later.body_id != refused.body_id
            ]
            if refused.is_refused and corrected:
                found.proof += [refused, corrected[0]]
    return found


@IDEMPOTENCY.rule(
    "key-not-after-30-days",
    "A key is never used again after 30 days, when it orders anew.",
    "Move the clock more than 30 days ahead between two orders of one account.",
)
def key_not_after_30_days(traffic: Traffic) -> Judgement:
    """A key was used again after 30 days."""
    found = Judgement()
    for purchases in traffic.purchases:
        first: dict[str, Request] = {}
        for attempt in purchases.attempts:
            key = attempt.idempotency_key
            if not key:
                continue
            before = first.setdefault(key, attempt)
            oldest = next(iter(first.values()))
            if attempt.at - before.at >= _LIFETIME:
                found.violate("a key was used again after 30 days", before, attempt)
            elif attempt.at - oldest.at >= _LIFETIME:
                found.proof += [oldest, attempt]
    return found
