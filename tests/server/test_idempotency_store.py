"""The store of idempotency keys, where a request is still in hand."""

import pytest

from runa_mock_server.base.errors import ApiError
from runa_mock_server.orders.idempotency import Answer, IdempotencyStore

BODY = b"b" * 16
OTHER = b"o" * 16


def refusal(keys: IdempotencyStore, fingerprint: bytes) -> str:
    """The error type with which the store refuses a use of the key."""
    with pytest.raises(ApiError) as caught:
        keys.begin("k", fingerprint, 0)
    return caught.value.type


@pytest.mark.parametrize("fingerprint", [BODY, OTHER])
def test_a_key_is_in_progress_until_its_first_request_has_an_answer(fingerprint: bytes) -> None:
    """Whatever its body, a second request is refused while the first is being handled."""
    keys = IdempotencyStore()
    assert keys.begin("k", BODY, 0) is None
    assert refusal(keys, fingerprint) == "idempotency_in_progress"
    keys.finish("k", BODY, 0, Answer(202, b"{}"))
    assert keys.begin("k", BODY, 0) == Answer(202, b"{}")
    assert refusal(keys, OTHER) == "idempotency_validation_error"


def test_a_key_that_is_given_up_is_free_for_any_body() -> None:
    """A request that ends without an answer leaves nothing behind."""
    keys = IdempotencyStore()
    assert keys.begin("k", BODY, 0) is None
    keys.release("k")
    assert keys.begin("k", OTHER, 0) is None
