"""The headers of an order, and those that break a rule.

Provider's pages "Authentication", "Versioning", "Idempotency" and "Create order".
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from hypothesis import strategies as st

from runa_schemas.contract_data import (
    API_VERSION,
    EXECUTION_MODES,
    RETIRED_API_VERSIONS,
    ExecutionMode,
)
from runa_schemas.strategies._near_miss import ORDER, HeaderMiss, Rule, chosen
from runa_schemas.strategies._texts import idempotency_keys
from runa_schemas.strategies._weighted import weighted

Headers = st.SearchStrategy[dict[str, str]]

_KEY = "XX-me.secret"
_VERSION = {"X-Api-Version": API_VERSION}
_EMAIL = {"X-Send-Email": "true"}
_JSON = {"Content-Type": "application/json"}
_IDEMPOTENCY_KEYS = idempotency_keys()
_NOTHING: dict[str, str] = {}
_OPTIONAL = weighted(
    [_NOTHING, _VERSION], [_EMAIL, _JSON, _VERSION | _EMAIL | _JSON], st.just(_JSON | _VERSION)
)
_DEFAULT_MODES = st.sampled_from((_NOTHING, _NOTHING, {"X-Execution-Mode": "async"}))


class _HeaderRule(NamedTuple):
    """A rule about one header, and the values that break it; None where it is missing."""

    rule: Rule
    header: str
    wrong: tuple[str | None, ...]


def headers(*, api_key: str = _KEY, mode: ExecutionMode | None = None) -> Headers:
    """All headers of ``POST /order``, those that are optional now there and now not.

    The same idempotency keys come up again and again: whoever sends several orders to one server
    puts a fresh ``X-Idempotency-Key`` in the place of the drawn one.

    Args:
        api_key: ``X-Api-Key``.
        mode: ``X-Execution-Mode``; by default ``async``, or the header is not there. ``sync`` is
            for orders of one item.

    Raises:
        ValueError: Another mode.
    """
    if mode not in {None, *EXECUTION_MODES}:
        raise ValueError(f"mode: give 'async', 'sync' or None, not {mode!r}")
    modes = _DEFAULT_MODES if mode is None else st.just({"X-Execution-Mode": str(mode)})
    return _headers(api_key, modes)


@st.composite
def _headers(draw: st.DrawFn, api_key: str, modes: Headers) -> dict[str, str]:
    key = draw(_IDEMPOTENCY_KEYS)
    return {"X-Api-Key": api_key, "X-Idempotency-Key": key, **_OPTIONAL.of(draw), **draw(modes)}


def invalid_headers(
    *, rules: Iterable[str] | None = None, api_key: str = _KEY
) -> st.SearchStrategy[HeaderMiss]:
    """Headers of ``POST /order`` that break exactly one rule; the body does not matter.

    Args:
        rules: Names of rules to break, those of ``RULES`` whose part is ``headers``; by default
            all of them.
        api_key: The key that is right.

    Raises:
        ValueError: An unknown rule.
    """
    return _misses(st.sampled_from(chosen(rules, HEADER_RULES)), headers(api_key=api_key))


@st.composite
def _misses(
    draw: st.DrawFn, rules: st.SearchStrategy[_HeaderRule], all_headers: Headers
) -> HeaderMiss:
    broken = draw(rules)
    valid = draw(all_headers)
    wrong = draw(st.sampled_from(broken.wrong))
    kept = {name: value for name, value in valid.items() if name != broken.header}
    return HeaderMiss(
        rule=broken.rule.name,
        error=broken.rule.error,
        status=broken.rule.status,
        location=("header", broken.header.lower()) if broken.rule.has_location else None,
        headers=kept if wrong is None else kept | {broken.header: wrong},
        valid=valid,
    )


HEADER_RULES: Final[Mapping[str, _HeaderRule]] = {
    entry.rule.name: entry
    for entry in (
        _HeaderRule(
            Rule("api_key_missing", "There is an API key.", "unauthorized", "headers", "recorded"),
            "X-Api-Key",
            (None, ""),
        ),
        _HeaderRule(
            Rule("api_key_refused", "The API key is known.", "forbidden", "headers", "recorded"),
            "X-Api-Key",
            ("wg-me.secret", "me.secret", "X-me.secret", "0", "Bearer XX-me.secret"),
        ),
        _HeaderRule(
            Rule("version_removed", "The version is in use.", "version_removed", "headers"),
            "X-Api-Version",
            RETIRED_API_VERSIONS,
        ),
        _HeaderRule(
            Rule("version_unknown", "There is such a version.", "invalid_version", "headers"),
            "X-Api-Version",
            ("2024-02-06", "2024-2-5", "latest", "v2", ""),
        ),
        _HeaderRule(
            Rule(
                "execution_mode_unknown",
                "X-Execution-Mode is async or sync.",
                "invalid_execution_mode",
                "headers",
                operations=ORDER,
            ),
            "X-Execution-Mode",
            ("ASYNC", "Sync", "later", "async, sync", "true", ""),
        ),
        _HeaderRule(
            Rule(
                "idempotency_key_missing",
                "There is an idempotency key.",
                "validation_error",
                "headers",
                "inferred",
                operations=ORDER,
            ),
            "X-Idempotency-Key",
            (None, ""),
        ),
        _HeaderRule(
            Rule(
                "trigger_unknown",
                "X-Trigger-Error names an error, on the playground.",
                "bad_request",
                "headers",
                "inferred",
                operations=ORDER,
            ),
            "X-Trigger-Error",
            ("no_such_error", "Timeout", "insufficient_funds ,", "500", ""),
        ),
    )
}
