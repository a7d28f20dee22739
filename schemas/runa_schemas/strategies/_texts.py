"""Texts of one kind each: identifiers, addresses, keys, and words of the caller's own."""

import operator
import re
import string

from hypothesis import strategies as st

from runa_schemas.contract_data import (
    MAX_EMAIL_ADDRESS_LENGTH,
    MAX_RECIPIENT_REFERENCE_LENGTH,
    PRODUCT_TEMPLATES,
    Currency,
)
from runa_schemas.strategies._weighted import weighted

Texts = st.SearchStrategy[str]

CURRENCIES = tuple(sorted((currency.value for currency in Currency), key="USD".__ne__))
"""The currencies that the service pays in, the dollar first, for examples shrink to the front."""
MARKS = ("x", "é", "€", "\uffff", "😀", "\x00")
"""One character of each width, the last of 16 bits, one beyond, and NUL."""
LONGEST_REFERENCE = ("R-2_@." * MAX_RECIPIENT_REFERENCE_LENGTH)[-MAX_RECIPIENT_REFERENCE_LENGTH:]

_LONGEST_KEY = 255
_ULID_LENGTH = 26
ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
_NOT_IN_ATOMS = "".join(map(chr, range(0x21))) + '"(),:;<>@[\\]\x7f'
_HOSTS = ("example.test", "example.invalid", "a.b.c.test", "x.y", "1.2", "a-b.c--d.test", "É.ÑÖ")


def longest_address(host: str = _HOSTS[0]) -> str:
    """An address of 254 characters, the most there can be."""
    return f"{'a' * (MAX_EMAIL_ADDRESS_LENGTH - len(host) - 1)}@{host}"


def _ulids(prefix: str) -> Texts:
    return st.text(ULID, min_size=_ULID_LENGTH, max_size=_ULID_LENGTH).map(prefix.__add__)


def redemption_template_ids() -> Texts:
    """Well-formed ids of redemption templates, ``DT-`` and a ULID (page "Create order")."""
    return _ulids("DT-")


def product_template_ids() -> Texts:
    """Ids of product-selection templates, ``PT-`` and a ULID; among them the playground's four."""
    return weighted(PRODUCT_TEMPLATES.values(), (), _ulids("PT-")).strategy


def spend_rules_template_ids() -> Texts:
    """Ids of spend-rules templates, ``PSR-`` and a ULID (page "Create order")."""
    return _ulids("PSR-")


def currencies() -> Texts:
    """The ISO codes of the currencies that the service pays in."""
    return st.sampled_from(CURRENCIES)


def words(limit: int) -> Texts:
    """Any text of at most ``limit`` characters, now and then of just as many.

    A character is a Unicode code point. All of them are drawn, NUL and those beyond 16 bits too,
    but for lone surrogates, which are no text.

    Args:
        limit: The most characters there can be.
    """
    # A long text is a mark and a number, so that it shrinks to the shortest that still fails.
    lengths = st.integers(0, 2 * limit).map(lambda length: min(length, limit))
    return st.text(max_size=limit) | st.builds(operator.mul, st.sampled_from(MARKS), lengths)


def recipient_references() -> Texts:
    """References to known recipients: 1 to 255 of ``A-Z a-z 0-9 - _ @ .`` (page "Create order")."""
    free = st.text(string.ascii_letters + string.digits + "-_@.", min_size=1, max_size=12)
    return weighted(("r", "R-1"), (LONGEST_REFERENCE, ".", "@"), free).strategy


def email_addresses() -> Texts:
    """Addresses that the contract takes, in ASCII and beyond, up to 254 characters.

    Hosts under ``.invalid`` and ``.test``, which the provider recommends for tests, come first.
    """
    plain = [f"a@{host}" for host in _HOSTS]
    odd = ["é.😀@EXAMPLE.test", "!#$%&'*+-/=?^_`{|}~@x.y", *map(longest_address, _HOSTS)]
    return weighted(plain, odd, _free_addresses()).strategy


@st.composite
def _free_addresses(draw: st.DrawFn) -> str:
    # Dots stand between atoms, never at an end and never two together.
    atoms = re.sub(r"\.\.+", ".", draw(_LOCAL_PARTS)).strip(".")
    return f"{atoms or 'a'}@{draw(_ANY_HOST)}"


_LOCAL_PARTS = st.text(
    st.characters(codec="utf-8", exclude_characters=_NOT_IN_ATOMS), min_size=1, max_size=12
)
_ANY_HOST = st.sampled_from(_HOSTS)


def product_codes() -> Texts:
    """Codes of products, that need not exist: any text that is not empty, some like real ones."""
    free = st.text(min_size=1, max_size=12)
    return weighted(("1800FL-US", "AMZ-GB"), ("a", "1800fl-us", " ", *MARKS), free).strategy


def idempotency_keys() -> Texts:
    """Values for ``X-Idempotency-Key``: visible ASCII, 1 to 255 characters, spaces only inside.

    A header cannot carry more than that safely. The same keys come up again and again, above all
    while hypothesis shrinks: where a server remembers keys, put a fresh one in front.
    """
    # HTTP takes spaces at the ends for padding.
    free = st.text(" " + _VISIBLE, min_size=1, max_size=40).map(lambda key: key.strip() or "0")
    plain = ("key-1", "0b4e5c2e-6a57-4f8b-9f31-6d1d1c2f5d55")
    return weighted(plain, ("k" * _LONGEST_KEY, "a b", ",", '"', "0"), free).strategy


def api_keys() -> Texts:
    """Keys of the playground's shape: ``XX`` in any case, a name, a dot and a secret."""
    secret = st.text(string.ascii_letters + string.digits, min_size=1, max_size=12)
    free = st.builds("{}-{}.{}".format, st.sampled_from(("XX", "xx", "xX")), secret, secret)
    return weighted(("XX-me.secret", "xx-me.secret"), ("XX", "XXX.s", "xX.1"), free).strategy
