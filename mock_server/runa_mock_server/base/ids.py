"""Ids and link tokens. Each follows from what came before it, so none is drawn at random.

The id of an order follows from the id before it, the time and the account's secret; the ids of
its items follow from its own, the tokens of its payout links from the place of each item and the
secret. The same account with the same secret makes the same ids for the same orders.
"""

import re
from functools import lru_cache
from hashlib import blake2b
from string import ascii_uppercase
from typing import NamedTuple

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(a + b for a in _CROCKFORD for b in _CROCKFORD)  # ten bits at a time
_NUMBERS = {pair: number for number, pair in enumerate(_PAIRS)}
_FORTY_BITS = 2**40 - 1
# A fresh random part leaves the top bit clear and each further id of the same millisecond adds
# little more than 2**30, so a frozen clock can hand out 2**48 ids before it could overflow.
_FRESH = 2**39 - 1
_MOST_STEP = 2**30 - 1
_MOST_ITEMS = 2**8
_TIME_DIGITS = 10

SECRET_SIZE = 16
"""The bytes of an account's secret."""

# A token holds the place of its item, so that no index from tokens to items must be kept: one
# would cost more memory than the rest of a small order. Multiplying by an odd number spreads the
# random bits over the whole token and can be undone.
_TOKEN_MASK = 2**122 - 1  # quicker than a remainder
_SECRET_BITS = 58
_UNUSED_BITS = 64 - _SECRET_BITS
_MIXER = 0x2B7E151628AED2A6ABF7158809CF4F3
_UNMIXER = pow(_MIXER, -1, _TOKEN_MASK + 1)
_SHORT_LETTERS = 8
_CODE_DIGITS = 6
_TOKEN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Identity(NamedTuple):
    """What the ids and tokens of an account follow from.

    Attributes:
        account: the number of the account, below 2**24; see ``account_number``.
        secret: ``SECRET_SIZE`` bytes.
    """

    account: int
    secret: bytes


def next_order_id(previous: str, now: int, secret: bytes) -> str:
    """The id of a new order, larger than the one before it.

    Ids are ULIDs, 26 characters of Crockford's base 32 (recorded traffic): the first ten are the
    millisecond, the rest looks random. They always grow, also when many fall into one
    millisecond and when the clock was set back, so sorting by id is sorting by creation.

    Args:
        previous: the id of the account's newest order, empty if there is none.
        now: the time, microseconds since the epoch.
        secret: of the account.

    Returns:
        ``O-`` and a ULID.
    """
    millisecond = now // 1_000
    time_part = _cached_eight(millisecond >> 10) + _PAIRS[millisecond & 1023]
    # Multiplying by an odd number spreads the bits: it need not be secret, only look random.
    drawn = (now + len(previous)) * _MIXER + int.from_bytes(secret)
    if not previous or time_part > previous[2 : 2 + _TIME_DIGITS]:
        high, low = drawn >> 64 & _FRESH, drawn >> 24 & _FORTY_BITS & ~_MOST_ITEMS
        return f"O-{time_part}{_eight(high)}{_eight(low)}"
    step = 2 * _MOST_ITEMS + (drawn >> 64 & _MOST_STEP)
    low = _number(previous[-8:]) + step & ~_MOST_ITEMS  # see `item_ids`
    if low <= _FORTY_BITS:
        return previous[:-8] + _eight(low)
    high = _number(previous[-16:-8]) + 1
    if high <= _FORTY_BITS:
        return f"{previous[:-16]}{_eight(high)}{_eight(low & _FORTY_BITS)}"
    # Only behind an id that was imported: on to the next millisecond.
    later = (_number(previous[2:10]) << 10 | _NUMBERS[previous[10:12]]) + 1
    return next_order_id("", later * 1_000, secret)


def item_ids(order_id: str, items: int) -> list[str]:
    """The ids of an order's items, ``E-...``: the first so many behind its own.

    Args:
        order_id: a ULID behind ``O-``.
        items: how many, below 2**8.
    """
    start, last = f"E-{order_id[2:-2]}", _NUMBERS[order_id[-2:]] + 1
    return [start + pair for pair in _PAIRS[last : last + items]]


def payout_tokens(identity: Identity, position: int, items: int) -> list[str]:
    """The secret parts of the payout links of an order, in the shape of version 4 UUIDs.

    Args:
        identity: of the account.
        position: how many orders of the account are older, below 2**32.
        items: how many items the order has, below 2**8.
    """
    tokens = []
    account, secret = identity
    order = (account << 32 | position) << 8
    for item in range(items):
        place = order | item
        digest = blake2b(secret + place.to_bytes(8), digest_size=8).digest()
        tokens.append(_token(place << _SECRET_BITS | int.from_bytes(digest) >> _UNUSED_BITS))
    return tokens


def short_id(prefix: str, source: bytes) -> str:
    """A short id such as ``O-VJJLWJPV``, the same for the same source (recorded shape).

    Args:
        prefix: of the kind of thing, ``O`` or ``C``.
        source: what the id follows from.
    """
    drawn = int.from_bytes(blake2b(source, digest_size=8, person=prefix.encode()).digest())
    letters = []
    for _ in range(_SHORT_LETTERS):
        drawn, letter = divmod(drawn, len(ascii_uppercase))
        letters.append(ascii_uppercase[letter])
    return f"{prefix}-{''.join(letters)}"


def one_time_code(identity: Identity, token: str, number: int) -> str:
    """A code for the recipient of a payout, six digits.

    Args:
        identity: of the account.
        token: of the payout link.
        number: how many codes of this payout there were, with this one.
    """
    source = identity.secret + f"{token}/{number}".encode()
    drawn = int.from_bytes(blake2b(source, digest_size=8, person=b"one-time code").digest())
    return f"{drawn % 10**_CODE_DIGITS:0{_CODE_DIGITS}d}"


def customer_id(identity: Identity) -> str:
    """The customer's id that recipients see; it travels with an exported account."""
    return short_id("C", identity.secret)


def account_number(api_key: str) -> int:
    """A number for the account of a key, below 2**24; few keys of a server share one.

    It comes from the key alone, so that tokens do not depend on who called first.
    """
    return int.from_bytes(blake2b(api_key.encode(errors="surrogateescape"), digest_size=3).digest())


def stream_number(api_key: str) -> int:
    """The number under which a store keeps what an account does: 63 bits, above those for others.

    It comes from the key alone, so that several processes need not agree on it.
    """
    digest = blake2b(api_key.encode(errors="surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest) >> 1 | 1 << 62


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


def _eight(forty_bits: int) -> str:
    """Forty bits as eight characters; a loop takes twice as long, and every order has some."""
    return (
        f"{_PAIRS[forty_bits >> 30]}{_PAIRS[forty_bits >> 20 & 1023]}"
        f"{_PAIRS[forty_bits >> 10 & 1023]}{_PAIRS[forty_bits & 1023]}"
    )


_cached_eight = lru_cache(maxsize=16)(_eight)
"""For the time, whose first characters are those of many orders."""


def _number(eight: str) -> int:
    """The forty bits that eight characters stand for."""
    high = _NUMBERS[eight[:2]] << 10 | _NUMBERS[eight[2:4]]
    return high << 20 | _NUMBERS[eight[4:6]] << 10 | _NUMBERS[eight[6:]]
