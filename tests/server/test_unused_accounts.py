"""Accounts are light, and keys that store nothing leave nothing behind."""

import gc
import tracemalloc
import weakref
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server.base.redaction import KnownKeys
from runa_mock_server.base.slices import finish
from runa_mock_server.config.settings import make_settings
from runa_mock_server.contract.webhook_subscription import Subscription
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.fault_spec import FaultSpec
from runa_mock_server.server_state.server_state import ServerState
from support.api import KEY
from support.server_states import place_orders

MANY = 1_500  # more than are kept
LIGHT = 2 * 1024  # bytes


def _use_others(server_state: ServerState) -> None:
    """Have many other keys read something."""
    for number in range(MANY):
        server_state.account(f"XX-reader-{number}.secret")


def test_an_idle_account_takes_two_kilobytes_at_most() -> None:
    """Beside the text of its key."""
    server_state = ServerState(make_settings())
    keys = [f"XX-idle-{number}.secret" for number in range(300)]
    server_state.account(KEY)
    gc.collect()
    tracemalloc.start()
    try:
        for key in keys:
            server_state.account(key)
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken / len(keys) <= LIGHT


def test_of_keys_that_store_nothing_only_the_latest_are_remembered() -> None:
    """Neither the account nor the key of an earlier one is kept; it can be used again."""
    server_state = ServerState(make_settings(seed=1))
    first = weakref.ref(server_state.account(KEY))
    secret = server_state.account(KEY).state.identity
    _use_others(server_state)
    assert first() is None
    assert len(server_state.accounts) < MANY
    assert not list(server_state.known_keys.spans(KEY.lower().encode()))
    assert server_state.account(KEY).state.identity == secret


def _subscribe(server_state: ServerState, _account: Account) -> None:
    subscription = Subscription(url="http://127.0.0.1:1/", event="order.completion")
    finish(server_state.subscribe(subscription, KEY))


STORING: dict[str, Callable[[ServerState, Account], object]] = {
    "order": lambda _server_state, account: place_orders(account, 1),
    "setting": lambda _server_state, account: account.change_settings({"processing_delay": 3}),
    "clock": lambda _server_state, account: account.clock.advance(timedelta(days=1)),
    "fault": lambda server_state, _account: server_state.faults.arm(
        FaultSpec(kind="hang"), KEY, server_state.clock
    ),
    "webhook": _subscribe,
}


@pytest.mark.parametrize("store", STORING.values(), ids=list(STORING))
def test_an_account_that_stored_something_is_kept(
    store: Callable[[ServerState, Account], object],
) -> None:
    """Whatever it is, and however many other keys are used later."""
    server_state = ServerState(make_settings())
    account = server_state.account(KEY)
    store(server_state, account)
    held = weakref.ref(account)
    del account
    _use_others(server_state)
    assert held() is not None
    assert server_state.account(KEY) is held()


def test_an_account_is_kept_while_a_request_is_under_way() -> None:
    """Its order is there afterwards, under the same key."""
    server_state = ServerState(make_settings())
    account = server_state.account(KEY)
    _use_others(server_state)
    place_orders(account, 1)
    assert server_state.account(KEY) is account
    assert server_state.has(account)


_KEYS = st.lists(
    st.text("ab %2", min_size=4, max_size=6) | st.sampled_from(["a" * n for n in (255, 256, 300)]),
    max_size=6,
)


@given(_KEYS, _KEYS, st.text("ab %2", max_size=20) | st.just("a" * 310))
def test_a_key_that_is_removed_is_not_redacted_and_every_other_is(
    kept: list[str], removed: list[str], text: str
) -> None:
    """As if it had never been added; a key that was added twice has to be removed twice."""
    both, expected = KnownKeys(), KnownKeys()
    for key in kept:
        expected.add(key)
    for key in (*kept, *removed):
        both.add(key)
    for key in removed:
        both.remove(key)
    data = text.encode()
    assert list(both.spans(data)) == list(expected.spans(data))
