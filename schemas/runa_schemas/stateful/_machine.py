"""The state machine: its rules, and what must hold between them."""

import time
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any, ClassVar
from uuid import uuid4

import requests
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
)

from runa_schemas.contract_data import IDEMPOTENCY_DAYS, MAX_PAGE_LIMIT
from runa_schemas.stateful._account import Account, Order, Sent
from runa_schemas.stateful._model import Kept, Request, insist
from runa_schemas.strategies import (
    NearMiss,
    currencies,
    fault_plans,
    invalid_order_bodies,
    orders,
    spellings,
)

KEY_LIFETIME = IDEMPOTENCY_DAYS * 24 * 60 * 60 * 1_000_000
"""For how many microseconds the first answer to a key is kept (page "Idempotency")."""

_SYNC = {"X-Execution-Mode": "sync"}
_UNKNOWN_ORDER = "O-00000000000000000000000000"
_ATTEMPTS = 3
_CUTS = fault_plans(
    kinds=("reset", "close", "status", "rate_limit", "malformed_json"),
    attempts=_ATTEMPTS,
    method="POST",
)
_STEPS = (0.000001, 0.999999, 1, 60, 15 * 86_400, 31 * 86_400)
Requests = st.SearchStrategy[Request]


def _accepted() -> Requests:
    at_once = orders(max_items=1).map(lambda body: Request(body, headers=_SYNC))
    return orders(max_items=2).map(Request) | at_once


def _refused(miss: NearMiss) -> Request:
    return Request(miss.body, headers=miss.headers, error=miss.error)


def _own(name: str) -> Requests:
    """What the machine that runs has under a name, for subclasses may have their own."""
    return st.runner().flatmap(lambda machine: getattr(machine, name))


def _is_overridden(machine: Any, name: str) -> bool:
    return getattr(type(machine), name) is not getattr(RunaStateMachine, name)


class RunaStateMachine(RuleBasedStateMachine):
    """Calls of one or more accounts, held against a model of the service.

    A subclass sets ``base_url`` and ``api_keys``; its ``TestCase`` is a test, and
    ``hypothesis.stateful.run_state_machine_as_test`` runs it inside one. It may add rules, take one
    away by setting its name to None, and override the methods that are no rules.

    Each run really orders, under idempotency keys of its own, so there has to be enough to pay
    with. What was ordered before does not matter, but nobody else may order with the same API keys
    meanwhile. Where accounts cost nothing, set fresh ``api_keys`` before ``super().__init__()``:
    what fails then shrinks best.

    Attributes:
        base_url: The base URL of the service, with ``/v2``.
        api_keys: A key for each account that takes part. Where there are several, the machine
            also checks that they do not see each other.
        account_class: Makes the accounts; its method ``call`` is the only one that does HTTP.
        orders: Draws requests that are accepted.
        refusals: Draws requests that are refused, and whose refusal is kept.
        placed: The bundle of orders, which further rules can read and add to.
        refused: The bundle of requests that were refused.
        accounts: The accounts, in the order of their keys.

    Raises:
        ValueError: ``base_url`` or ``api_keys`` is not set.
    """

    base_url: str = ""
    api_keys: tuple[str, ...] = ()
    account_class: ClassVar[type[Account]] = Account
    orders: ClassVar[Requests] = _accepted()
    refusals: ClassVar[Requests] = invalid_order_bodies().map(_refused)

    placed: Bundle[Order] = Bundle("placed")
    refused: Bundle[Sent] = Bundle("refused")
    anybody: ClassVar[st.SearchStrategy[Account]] = st.runner().flatmap(
        lambda machine: st.sampled_from(machine.accounts)
    )

    def __init__(self) -> None:
        super().__init__()
        for name in ("base_url", "api_keys"):
            if not getattr(self, name):
                raise ValueError(f"{name}: set it in {type(self).__name__}")
        self._keys = map(f"{uuid4()}-{{}}".format, count(1))
        self.accounts = [
            self.account_class(self.base_url, key, number)
            for number, key in enumerate(self.api_keys, 1)
        ]

    def teardown(self) -> None:
        """Close the connections."""
        for account in self.accounts:
            account.close()

    def now(self, account: Account) -> int:  # noqa: ARG002 - for those that subclasses control
        """The time of the service for an account, in microseconds; by default this machine's."""
        return time.time_ns() // 1_000

    def statuses(self, order: Order) -> set[str]:
        """What the service may call an order now, which has not been seen ended.

        By default nothing is known of how long an order takes. Where the time is in the hands of
        the subclass, it gives the one status that is right.
        """
        ended = (
            {"COMPLETED", "FAILED"} if order.request.outcome is None else {order.request.outcome}
        )
        return ended | {"PROCESSING"}

    def move_clock(self, account: Account, seconds: float) -> None:
        """Move the time of the service forward for an account; for subclasses that can.

        Where it is overridden, the machine lets time pass; ``now`` then has to follow.
        """
        raise NotImplementedError

    def arm_faults(self, account: Account, plan: list[dict[str, Any]]) -> None:
        """Have the next orders of an account fail; for subclasses that can.

        Where it and ``clear_faults`` are overridden, the machine orders while the service fails.

        Args:
            account: Whose orders fail.
            plan: Faults as ``strategies.fault_plans`` draws them; none of them waits.
        """
        raise NotImplementedError

    def clear_faults(self, account: Account) -> None:
        """Take the faults of an account away."""
        raise NotImplementedError

    def order(self, account: Account, key: str, request: Request) -> Order | None:
        """Send a request, and hold what comes back against the model.

        Args:
            account: Who sends it.
            key: The idempotency key, old or new.
            request: What is sent.

        Returns:
            The order, if it is a new one.

        Raises:
            AssertionError: The answer is not the one that the model knows.
        """
        now = self.now(account)
        response = account.call(
            "POST",
            "/order",
            headers={"X-Idempotency-Key": key, **request.headers},
            content=request.content,
        )
        kept = account.keys.get(key)
        if kept is None or now - kept.since >= KEY_LIFETIME:
            return self._first_answer(account, key, request, response)
        if kept.fingerprint == request.fingerprint:
            again = (response.status_code, response.content)
            insist(again == (kept.status, kept.content), f"another answer than first: {again}")
        else:
            _insist_on_refusal(response, "idempotency_validation_error")
        return None

    def _first_answer(
        self, account: Account, key: str, request: Request, response: requests.Response
    ) -> Order | None:
        now, status, content = self.now(account), response.status_code, response.content
        if request.is_kept:
            account.keys[key] = Kept(request.fingerprint, now, status, content)
        if request.error is not None:
            _insist_on_refusal(response, request.error)
            return None
        insist(status == (200 if request.is_sync else 202), f"{status}: {response.text}")
        order = Order(account, key, request, response.json()["id"], now)
        insist(all(order.id != known.id for known in account.orders), f"{order.id} a second time")
        account.orders.append(order)
        self._look_at(order, response)
        return order

    def _look_at(self, order: Order, shown: requests.Response) -> None:
        """Once an order has ended it is one unchanging document."""
        self._check_status(order, shown.json()["status"])
        if shown.json()["status"] != "PROCESSING":
            order.seen = order.seen or shown.content
            insist(shown.content == order.seen, f"{order.id} has changed after it had ended")

    def _check_status(self, order: Order, status: str) -> None:
        allowed = self.statuses(order)
        if order.seen is not None or order.request.is_sync:
            allowed = allowed - {"PROCESSING"}
        insist(status in allowed, f"{order.id} is {status}, not {' or '.join(sorted(allowed))}")

    @rule(target=placed, account=anybody, request=_own("orders"))
    def place_order(self, account: Account, request: Request) -> Any:
        """A new key with a good body makes an order."""
        order = self.order(account, next(self._keys), request)
        return multiple() if order is None else order

    @rule(target=refused, account=anybody, request=_own("refusals"))
    def place_bad_order(self, account: Account, request: Request) -> Sent:
        """A new key with a bad body makes none, and its refusal is kept."""
        sent = Sent(account, next(self._keys), request)
        self.order(sent.account, sent.key, sent.request)
        return sent

    @rule(target=placed, earlier=placed | refused)
    def repeat(self, earlier: Sent) -> Any:
        """The same key with the same body gets the first answer, byte for byte."""
        order = self.order(earlier.account, earlier.key, earlier.request)
        return multiple() if order is None else order

    @rule(target=placed, earlier=placed | refused, data=st.data())
    def repeat_respelt(self, earlier: Sent, data: st.DataObject) -> Any:
        """White space, key order, escapes and the form of numbers make no other body."""
        request = earlier.request
        respelt = replace(request, spelling=data.draw(spellings(request.body)))
        order = self.order(earlier.account, earlier.key, respelt)
        return multiple() if order is None else order

    @precondition(lambda self: _is_overridden(self, "arm_faults"))
    @rule(target=placed, account=anybody, request=_own("orders"), plan=_CUTS)
    def order_while_it_fails(
        self, account: Account, request: Request, plan: list[dict[str, Any]]
    ) -> Any:
        """Whatever happens to the attempts with a key, the first good answer is of one order."""
        key = next(self._keys)
        self.arm_faults(account, plan)
        try:
            for _ in range(_ATTEMPTS):
                # The answers of a service that is made to fail may be anything.
                with suppress(AssertionError, LookupError, TypeError, ValueError, OSError):
                    account.call(
                        "POST",
                        "/order",
                        headers={"X-Idempotency-Key": key, **request.headers},
                        content=request.content,
                    )
        finally:
            self.clear_faults(account)
        order = self.order(account, key, request)
        return multiple() if order is None else order

    @precondition(lambda self: _is_overridden(self, "move_clock"))
    @rule(account=anybody, seconds=st.sampled_from(_STEPS))
    def let_time_pass(self, account: Account, seconds: float) -> None:
        """Orders end and keys expire when their time has come."""
        self.move_clock(account, seconds)

    @rule(
        target=placed,
        earlier=placed | refused,
        account=anybody,
        request=_own("orders") | _own("refusals"),
    )
    def reuse_key(self, earlier: Sent, account: Account, request: Request) -> Any:
        """A key with another body is refused; that of another account is a key like any other."""
        order = self.order(account, earlier.key, request)
        return multiple() if order is None else order

    @rule(account=anybody, request=_own("orders"))
    def order_without_key(self, account: Account, request: Request) -> None:
        """Without an idempotency key nothing is ordered."""
        response = account.call("POST", "/order", content=request.content)
        _insist_on_refusal(response, "validation_error")

    @rule(order=placed)
    def read_order(self, order: Order) -> None:
        """An order can be read, and stays as it ended."""
        response = order.account.call("GET", f"/order/{order.id}")
        insist(response.ok, f"{order.id}: {response.text}")
        self._look_at(order, response)

    @rule(account=anybody)
    def read_unknown_order(self, account: Account) -> None:
        """What was not ordered cannot be read."""
        _insist_on_refusal(account.call("GET", f"/order/{_UNKNOWN_ORDER}"), "not_found")

    @rule(order=placed)
    def read_as_another(self, order: Order) -> None:
        """Nobody sees an order of another account, and it is no place in another's list."""
        for account in self.accounts:
            if account is not order.account:
                _insist_on_refusal(account.call("GET", f"/order/{order.id}"), "not_found")
                page = account.call("GET", "/order", query={"after": order.id})
                _insist_on_refusal(page, "pagination_error")

    @rule(account=anybody, limit=st.integers(1, 4))
    def list_page_by_page(self, account: Account, limit: int) -> None:
        """Whatever the size of the pages, the list holds each order once."""
        self._check_list(account, limit)

    @rule(account=anybody, limit=st.integers(1, 4))
    def list_backwards(self, account: Account, limit: int) -> None:
        """From the oldest order backwards the list holds every newer one, once."""
        if account.orders:
            shown = account.listed_backwards(limit)
            wanted = [order.id for order in reversed(account.orders[1:])]
            insist(shown == wanted, f"backwards the list of {account} shows {shown}, not {wanted}")

    @rule(account=anybody, currency=currencies())
    def read_balances(self, account: Account, currency: str) -> None:
        """Orders only ever take from a balance, and nothing else does."""
        listed = account.call("GET", "/balance").json()
        amounts = {entry["currency"]: Decimal(entry["balance"]) for entry in listed}
        insist(len(amounts) == len(listed), f"a currency is listed twice: {listed}")
        one = account.call("GET", "/balance", query={"currency": currency}).json()
        insist(Decimal(one["balance"]) == amounts.get(currency, 0), f"{one} differs from {listed}")
        if account.balances is not None:
            number, before = account.balances
            if number == len(account.orders):
                insist(amounts == before, f"nothing was ordered, {before} became {amounts}")
            is_less = all(amount <= before.get(name, 0) for name, amount in amounts.items())
            insist(is_less, f"{before} became {amounts}")
        account.balances = len(account.orders), amounts

    @invariant()
    def each_order_is_listed_once(self) -> None:
        """Each key that was accepted made one order, and there are no others."""
        for account in self.accounts:
            self._check_list(account, MAX_PAGE_LIMIT)

    def _check_list(self, account: Account, limit: int) -> None:
        listed = [order for page in account.listed(limit) for order in page]
        shown = [order["id"] for order in listed]
        wanted = [order.id for order in reversed(account.orders)]
        insist(shown == wanted, f"the list of {account} shows {shown}, and there are {wanted}")
        for order, entry in zip(reversed(account.orders), listed, strict=True):
            self._check_status(order, entry["status"])


def _insist_on_refusal(response: requests.Response, error: str) -> None:
    answer = response.json()
    insist(answer.get("type") == error, f"{answer}, and not {error}")
