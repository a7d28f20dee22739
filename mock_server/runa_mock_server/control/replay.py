"""Carrying out the records of a store: what happened, and operations on the whole world.

The same records in the same order make the same world in every process and after each restart:
random choices follow from what the world began with, and while an operation is carried out the
computer's clock stands where it stood when somebody asked for the operation.
"""

from collections.abc import Callable, Mapping
from typing import Any

from runa_mock_server.base.clock import ComputerTime
from runa_mock_server.base.ids import Identity
from runa_mock_server.base.text import unescaped
from runa_mock_server.control.api import ControlApi
from runa_mock_server.control.operation import ControlRequest
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.faults import Fault, Target
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.store import records
from runa_mock_server.store.engine import WORLD, Row
from runa_mock_server.store.log import WEBHOOKS

_MOST_KNOWN = 10_000


class Replay:
    """Carries out records on a server state.

    Args:
        server_state: the server state.
        computer: the computer's clock, as the server state knows it.
    """

    def __init__(self, server_state: ServerState, computer: ComputerTime) -> None:
        self._server_state = server_state
        self._api = ControlApi(server_state)
        self._computer = computer
        self._accounts: dict[int, Account] = {}
        self._done: dict[str, None] = {}
        self._kinds: Mapping[str, Callable[[Any], Any]] = {
            "world": lambda _: None,
            "account": self._account,
            "operation": self._operation,
            "strike": self._strike,
            "clock": self._clock,
            "ended": server_state.webhooks.replay_ended,
            "attempt": server_state.webhooks.replay_attempt,
            "injected": server_state.webhooks.replay_injected,
        }

    def __call__(self, row: Row) -> Any:
        """Carry out a record.

        Returns:
            What came of it: the ``Answer`` of an operation, the ``Fault`` that strikes.

        Raises:
            RecordVersionError: if a newer version of this program wrote it.
        """
        record = records.load(row.data)
        if row.account in (WORLD, WEBHOOKS):
            return self._carry_out(record)
        account = self._accounts[row.account]
        if not self._server_state.has(account):
            account = self._accounts[row.account] = self._server_state.account(account.api_key)
        account.state.fold(records.changes_in(record))
        return None

    def _carry_out(self, record: Mapping[str, Any]) -> Any:
        """Carry out a record that belongs to no account, unless it was written twice."""
        id_ = record["id"]
        if id_ in self._done:
            return None
        self._done[id_] = None
        if len(self._done) > _MOST_KNOWN:
            del self._done[next(iter(self._done))]
        for kind, carry_out in self._kinds.items():
            if kind in record:
                return carry_out(record[kind])
        kinds = ", ".join(record)
        raise records.RecordVersionError(f"the store holds a record of an unknown kind: {kinds}")

    def _account(self, fields: Mapping[str, Any]) -> None:
        account = self._server_state.account(unescaped(fields["key"]))
        identity = Identity(fields["number"], bytes.fromhex(fields["secret"]))
        if account.state.identity != identity:
            account.state.identity = identity
        account.is_announced = True
        self._accounts[fields["stream"]] = account

    def _operation(self, fields: Mapping[str, Any]) -> Answer:
        key = fields["key"]
        request = ControlRequest(
            fields["method"],
            fields["path"],
            fields["query"],
            fields["body"].encode(),
            None if key is None else unescaped(key),
            fields["host"],
        )
        with self._computer.held_at(fields["time"]):
            return self._api(request)

    def _strike(self, fields: Mapping[str, Any]) -> Fault | None:
        account, method, path, key = fields["target"]
        target = Target(
            None if account is None else unescaped(account),
            unescaped(method),
            unescaped(path),
            None if key is None else unescaped(key),
        )
        with self._computer.held_at(fields["time"]):
            return self._server_state.faults.strike(target, inside=fields["inside"])

    def _clock(self, fields: Mapping[str, Any]) -> None:
        with self._computer.held_at(fields["time"]):
            self._server_state.clock.restore(fields["now"], fields["speed"])
