"""The public model notices what is wrong with a service, and says what it needs."""

from itertools import count
from typing import Any, ClassVar

import pytest
import requests
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from runa_mock_server import MockServer
from runa_schemas.stateful import Account, Request, RunaStateMachine
from runa_schemas.strategies import orders

FOUND = settings(
    max_examples=100,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
    stateful_step_count=20,
)


class Recreating(Account):
    """Talks to a service that knows no idempotency: each request comes with a new key."""

    _numbers = count()

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Exchange the key."""
        headers = dict(options.get("headers") or {})
        if "X-Idempotency-Key" in headers:
            headers["X-Idempotency-Key"] = f"key-{next(self._numbers)}"
        return super().call(method, path, **{**options, "headers": headers})


class Rotating(Account):
    """Talks to a service whose second page is the first again."""

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Forget the cursor."""
        query = {name: v for name, v in (options.get("query") or {}).items() if name != "after"}
        return super().call(method, path, **{**options, "query": query})


class Skipping(Account):
    """Talks to a service that leaves the newest order out of its lists."""

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Go on behind the newest order."""
        query = dict(options.get("query") or {})
        if self.orders and method == "GET" and path == "/order":
            query.setdefault("after", self.orders[-1].id)
        return super().call(method, path, **{**options, "query": query})


def run(url: str, caller: type[Account] = Account, keys: tuple[str, ...] = ("XX-a.s",)) -> None:
    """Run the model on a service, each time with fresh accounts, until it finds something."""
    runs = count()

    class Machine(RunaStateMachine):
        base_url = url
        account_class: ClassVar[type[Account]] = caller

        def __init__(self) -> None:
            run = next(runs)
            self.api_keys = tuple(f"{key}{run}" for key in keys)
            super().__init__()

    run_state_machine_as_test(Machine, settings=FOUND)


@pytest.mark.once
@pytest.mark.parametrize(
    ("caller", "keys", "said"),
    [
        (Recreating, ("XX-a.s",), "another answer than first|not idempotency_validation_error"),
        (Rotating, ("XX-a.s",), "a second time"),
        (Skipping, ("XX-a.s",), "the list of account 1 shows"),
        # One account under two numbers: it sees too much, or knows the key of the other.
        (Account, ("XX-a.s", "XX-a.s"), "the list of account [12]|idempotency_validation_error"),
    ],
)
def test_a_broken_service_is_found(caller: type[Account], keys: tuple[str, ...], said: str) -> None:
    """What a service does wrong fails the machine, in words that name it."""
    with MockServer() as server, pytest.raises(AssertionError, match=said):
        run(server.base_url, caller, keys)


@pytest.mark.parametrize(
    ("url", "keys", "name"),
    [("", ("XX-a.s",), "base_url"), ("http://127.0.0.1/v2", (), "api_keys")],
)
def test_what_is_not_set_is_named(url: str, keys: tuple[str, ...], name: str) -> None:
    """A machine without a service or without accounts says what is missing."""
    with pytest.raises(ValueError, match=f"{name}: set it in Machine"):
        run(url, keys=keys)


def test_a_subclass_has_its_own_ways() -> None:
    """On an account of production that was used before: other orders, a rule more and one less."""
    pings = count()
    with MockServer(
        processing_delay=0.02, profile="production", balances={"USD": "1000000"}
    ) as server:

        class Machine(RunaStateMachine):
            base_url = server.base_url
            api_keys = ("wg-me.secret",)
            orders: ClassVar[st.SearchStrategy[Request]] = orders(products=["1800FL-US"]).map(
                Request
            )
            reuse_key = None  # type: ignore[assignment]  # takes the rule away

            @rule()
            def ping(self) -> None:
                """The service is there."""
                assert self.accounts[0].call("GET", "/ping").ok
                next(pings)

        run_state_machine_as_test(
            Machine, settings=settings(max_examples=10, stateful_step_count=15)
        )
        assert next(pings) > 0
        assert server.effects(window=0).verdict == "exactly_once"
