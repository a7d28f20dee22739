"""Ids and tokens, from one seedable source: the same seed and calls give the same ids."""

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from random import Random
from typing import Any, NamedTuple

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(a + b for a in _CROCKFORD for b in _CROCKFORD)  # ten bits at a time
_NUMBERS = {pair: number for number, pair in enumerate(_PAIRS)}
_FORTY_BITS = 2**40 - 1
# A fresh draw leaves the top bit clear and each further id of the same millisecond adds little
# more than 2**48, so a frozen clock can hand out 2**31 ids before the random part could overflow.
_FRESH_BITS = 79
_STEP_BITS = 48
_MOST_ITEMS = 2**8
_MILLISECONDS = 2**48
_LARGEST_TAIL = 3 * 2 ** (_FRESH_BITS - 1)  # there is room for as many ids again

# A token holds the place of its item, so that no index from tokens to items must be kept: one
# would cost more memory than the rest of a small order. Multiplying by an odd number spreads the
# random bits over the whole token and can be undone.
_TOKEN_MASK = 2**122 - 1  # quicker than a remainder
_SECRET_BITS = 58
_UNUSED_BITS = 64 - _SECRET_BITS
_SECRET_SIZE = 16
_MIXER = 0x2B7E151628AED2A6ABF7158809CF4F3
_UNMIXER = pow(_MIXER, -1, _TOKEN_MASK + 1)
_TOKEN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class IdSource:
    """Makes the ids of one account.

    Args:
        random: where the random parts come from.
        account: the number of the account, below 2**24; see ``account_number``.

    Ids are ULIDs, 26 characters of Crockford's base 32 (recorded traffic): the first ten are the
    millisecond, the rest is random. Within a source they always grow, also when many fall into
    one millisecond and when the clock was set back, so sorting by id is sorting by creation.

    The ids of an order's items follow from its own, and the tokens of their payout links from
    where the items lie and from a secret: neither has to be drawn, or kept, for each order. With
    a seed, the same place has the same token again after a reset.
    """

    def __init__(self, random: Random, account: int = 0) -> None:
        self._random = random
        self.account = account
        self._secret = random.randbytes(_SECRET_SIZE)
        self._millisecond = -1
        self._tail = 0

    def order_id(self, now: int) -> str:
        """A new ``O-...`` for an order made at ``now`` (microseconds)."""
        millisecond = now // 1_000
        if millisecond > self._millisecond:
            self._millisecond = millisecond
            self._tail = self._random.getrandbits(_FRESH_BITS)
        else:
            self._tail += 2 * _MOST_ITEMS + self._random.getrandbits(_STEP_BITS)
        self._tail &= ~_MOST_ITEMS  # so that the next ids, its items', differ in two characters
        return f"O-{_time_part(self._millisecond)}{_random_part(self._tail)}"

    def payout_tokens(self, position: int, items: int) -> list[str]:
        """The secret parts of the payout links of an order, in the shape of version 4 UUIDs.

        Args:
            position: how many orders of the account are older, below 2**32.
            items: how many items the order has, below 2**8.
        """
        tokens = []
        order = (self.account << 32 | position) << 8
        for item in range(items):
            place = order | item
            digest = blake2b(self._secret + place.to_bytes(8), digest_size=8).digest()
            tokens.append(_token(place << _SECRET_BITS | int.from_bytes(digest) >> _UNUSED_BITS))
        return tokens

    @property
    def origin(self) -> tuple[int, bytes]:
        """What tokens follow from: sources that have this in common make the same."""
        return self.account, self._secret

    def renew_secret(self) -> None:
        """Make other tokens from now on."""
        self._secret = self._random.randbytes(_SECRET_SIZE)

    def state(self) -> dict[str, Any]:
        """All that decides which ids come next, as JSON can carry it; for ``restore``."""
        version, words, gauss = self._random.getstate()
        return {
            "random": [version, list(words), gauss],
            "millisecond": self._millisecond,
            "tail": str(self._tail),
            "secret": self._secret.hex(),
        }

    def restore(self, state: Mapping[str, Any], newest: str) -> None:
        """Go on where another source stood.

        Args:
            state: what ``state`` gave.
            newest: the last order id that it made, empty if it made none.

        Raises:
            ValueError: if this is no such state, or a new id would not be larger than the newest.
        """
        try:
            version, words, gauss = state["random"]
            random = Random()  # noqa: S311 - takes on the state of a source that guards nothing
            random.setstate((version, tuple(words), gauss))
            millisecond, tail = int(state["millisecond"]), int(state["tail"])
            # An earlier version wrote none: its links are known, new ones are as good as any.
            secret = bytes.fromhex(state.get("secret", self._secret.hex()))
        except (KeyError, TypeError, ValueError, OverflowError):
            raise ValueError("this is no state of an id source") from None
        in_bounds = -1 <= millisecond < _MILLISECONDS and 0 <= tail < _LARGEST_TAIL
        if gauss is not None or not in_bounds or len(secret) != _SECRET_SIZE:
            raise ValueError("this is no state of an id source")
        stands_at = _time_part(millisecond) + _random_part(tail) if newest else ""
        if stands_at < newest[len("O-") :]:
            raise ValueError(f"new ids would come before {newest}")
        self._random, self._secret = random, secret
        self._millisecond, self._tail = millisecond, tail


def item_ids(order_id: str, items: int) -> list[str]:
    """The ids of an order's items, ``E-...``: the first so many behind its own.

    Args:
        order_id: a ULID behind ``O-``.
        items: how many, below 2**8.
    """
    start, last = f"E-{order_id[2:-2]}", _NUMBERS[order_id[-2:]] + 1
    return [start + pair for pair in _PAIRS[last : last + items]]


def account_number(api_key: str) -> int:
    """A number for the account of a key, below 2**24; few keys of a server share one.

    It comes from the key alone, so that tokens do not depend on who called first.
    """
    return int.from_bytes(blake2b(api_key.encode(errors="surrogateescape"), digest_size=3).digest())


def _token(plain: int) -> str:
    mixed = plain * _MIXER & _TOKEN_MASK
    digits = f"{mixed:031x}"  # 122 bits: 30 digits and 2 bits, which are the variant's
    variant = "89ab"[int(digits[0], 16)]
    return f"{digits[1:9]}-{digits[9:13]}-4{digits[13:16]}-{variant}{digits[16:19]}-{digits[19:]}"


class Place(NamedTuple):
    """Where the item of a payout link lies.

    Attributes:
        account: the number of the account.
        position: how many orders of the account are older.
        item: the index of the item in its order.
    """

    account: int
    position: int
    item: int


def read_payout_token(token: str) -> Place | None:
    """The place of the item that a token was made for.

    Any text in the right shape reads as something: whether the order exists and carries this
    very token is for the caller to see. ``None`` for anything else.
    """
    if not _TOKEN.fullmatch(token):
        return None
    digits = token.replace("-", "")
    variant = "89ab".index(digits[16])
    mixed = int(f"{variant}{digits[:12]}{digits[13:16]}{digits[17:]}", 16)
    plain = (mixed * _UNMIXER & _TOKEN_MASK) >> _SECRET_BITS
    return Place(plain >> 40, plain >> 8 & 0xFFFFFFFF, plain & 0xFF)


@lru_cache(maxsize=16)
def _time_part(millisecond: int) -> str:
    # The same digits, of which the last ten are those of fifty bits.
    return _random_part(millisecond)[-10:]


def _random_part(tail: int) -> str:
    """Eighty bits as sixteen characters; a loop takes twice as long, and every order has two."""
    high, low = tail >> 40, tail & _FORTY_BITS  # small numbers are quicker to shift
    return (
        f"{_PAIRS[high >> 30]}{_PAIRS[high >> 20 & 1023]}"
        f"{_PAIRS[high >> 10 & 1023]}{_PAIRS[high & 1023]}"
        f"{_PAIRS[low >> 30]}{_PAIRS[low >> 20 & 1023]}"
        f"{_PAIRS[low >> 10 & 1023]}{_PAIRS[low & 1023]}"
    )
