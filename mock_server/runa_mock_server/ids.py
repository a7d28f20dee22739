"""Ids and tokens, from one seedable source: the same seed and calls give the same ids."""

from functools import lru_cache
from random import Random

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(a + b for a in _CROCKFORD for b in _CROCKFORD)  # ten bits at a time
_RANDOM_BITS = 80
# A fresh draw leaves the top bit clear and each further id of the same millisecond adds at most
# 2**48, so a frozen clock can hand out 2**31 ids before the random part could overflow.
_FRESH_BITS = 79
_STEP_BITS = 48


class IdSource:
    """Makes the ids of one account.

    Ids are ULIDs, 26 characters of Crockford's base 32 (recorded traffic): the first ten are the
    millisecond, the rest is random. Within a source they always grow, also when many fall into
    one millisecond and when the clock was set back, so sorting by id is sorting by creation.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._millisecond = -1
        self._tail = 0

    def order_id(self, now: int) -> str:
        """A new ``O-...`` for an order made at ``now`` (microseconds)."""
        return "O-" + self._ulid(now)

    def item_id(self, now: int) -> str:
        """A new ``E-...`` for an item of an order made at ``now`` (microseconds)."""
        return "E-" + self._ulid(now)

    def payout_token(self) -> str:
        """The secret part of a payout link: a version 4 UUID."""
        digits = f"{self._random.getrandbits(128):032x}"
        variant = "89ab"[int(digits[16], 16) & 3]
        return (
            f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
        )

    def _ulid(self, now: int) -> str:
        millisecond = now // 1_000
        if millisecond > self._millisecond:
            self._millisecond = millisecond
            self._tail = self._random.getrandbits(_FRESH_BITS)
        else:
            self._tail += 1 + self._random.getrandbits(_STEP_BITS)
        return _time_part(self._millisecond) + _base32(self._tail, _RANDOM_BITS)


@lru_cache(maxsize=16)
def _time_part(millisecond: int) -> str:
    return _base32(millisecond, 50)


def _base32(value: int, bits: int) -> str:
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(bits - 10, -10, -10)])
