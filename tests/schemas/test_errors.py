"""The error catalogue against the service's error table."""

from dataclasses import FrozenInstanceError
from typing import Any, cast

import pytest

from runa_schemas import ERRORS, load

STATUSES = {
    "unauthorized": 401,
    "invalid_api_key": 401,
    "forbidden": 403,
    "ordering_restricted": 403,
    "not_found": 404,
    "version_removed": 410,
    "invalid_version": 400,
    "bad_request": 400,
    "validation_error": 422,
    "pagination_error": 400,
    "idempotency_validation_error": 400,
    "idempotency_in_progress": 400,
    "insufficient_funds": 400,
    "product_validation_error": 400,
    "currency_mismatch": 400,
    "payment_method_unavailable": 400,
    "invalid_execution_mode": 400,
    "insecure_protocol": 400,
    "invalid_card_id": 400,
    "currency_not_supported": 400,
    "internal_server_error": 500,
    "timeout": 504,
}
INFERRED = {"method_not_allowed": 405, "payload_too_large": 413}


def test_types_and_statuses() -> None:
    """Every documented type is there with its status, and two inferred ones."""
    assert {name: error.status for name, error in ERRORS.items()} == STATUSES | INFERRED
    assert {name for name, error in ERRORS.items() if error.source == "inferred"} == set(INFERRED)


def test_entries_are_complete() -> None:
    """Each entry is known by its type, says what it means and comes from a known source."""
    for name, error in ERRORS.items():
        assert error.type == name
        assert error.meaning.endswith(".")
        assert error.help is None or error.help.endswith(".")
        assert error.source in {"documented", "recorded", "inferred"}


def test_retries() -> None:
    """Server errors and an order in progress are retried with the same key, nothing else is."""
    again = {name for name, error in ERRORS.items() if error.retry == "same_key"}
    server_errors = {name for name, error in ERRORS.items() if error.status >= 500}
    assert again == server_errors | {"idempotency_in_progress"}
    assert {error.retry for error in ERRORS.values()} == {"never", "same_key"}


def test_deprecated() -> None:
    """Two types are left over from retired features."""
    deprecated = {name for name, error in ERRORS.items() if error.deprecated}
    assert deprecated == {"invalid_card_id", "currency_not_supported"}


def test_catalogue_is_read_only() -> None:
    """Neither the catalogue nor an entry can be changed."""
    with pytest.raises(TypeError):
        cast("dict[str, Any]", ERRORS)["timeout"] = None
    with pytest.raises(FrozenInstanceError):
        cast("Any", ERRORS["timeout"]).status = 200
    assert not hasattr(ERRORS["timeout"], "__dict__")


def test_schema_lists_the_same_types() -> None:
    """The schema of error types and the catalogue name the same types in the same order."""
    assert load("error_type")["enum"] == list(ERRORS)
