"""What is kept for an idempotency key, also where a request is still in hand."""

import pytest

from runa_mock_server.base.errors import ApiError
from runa_mock_server.base.ids import Identity
from runa_mock_server.config.settings import make_settings
from runa_mock_server.orders.commit import Commit
from runa_mock_server.orders.idempotency import Answer, KeptAnswer
from runa_mock_server.orders.placing import OrderRequest, earlier_answer
from runa_mock_server.orders.terms import OrderOptions
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.store.memory import AccountState

BODY = b"{}"
OTHER = b"[]"


def account() -> AccountState:
    """An account in which nothing has happened."""
    return AccountState(Identity(1, b"s" * 16), {})


def request(body: bytes) -> OrderRequest:
    """A request with the key ``k``."""
    terms = ServerState(make_settings()).account("XX-a.b").orders.terms
    return OrderRequest("k", body, OrderOptions(), terms, 0)


def refusal(state: AccountState, body: bytes) -> str:
    """The error type with which a use of the key is refused."""
    with pytest.raises(ApiError) as caught:
        earlier_answer(state, request(body))
    return caught.value.type


@pytest.mark.parametrize("body", [BODY, OTHER])
def test_a_key_is_in_progress_until_its_first_request_has_an_answer(body: bytes) -> None:
    """Whatever its body, a second request is refused while the first is being handled."""
    state = account()
    assert earlier_answer(state, request(BODY)) is None
    state.begin("k")
    assert refusal(state, body) == "idempotency_in_progress"
    state.release("k")
    first = request(BODY)
    first.read()
    kept = KeptAnswer(0, first.fingerprint, Answer(202, b"{}"))
    state.commit(lambda _view: Commit(key=("k", kept)))
    assert earlier_answer(state, request(BODY)) == Answer(202, b"{}")
    assert refusal(state, OTHER) == "idempotency_validation_error"


def test_a_key_that_is_given_up_is_free_for_any_body() -> None:
    """A request that ends without an answer leaves nothing behind."""
    state = account()
    state.begin("k")
    state.release("k")
    assert earlier_answer(state, request(OTHER)) is None
