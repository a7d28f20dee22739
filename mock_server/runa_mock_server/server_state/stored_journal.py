"""The journal of requests as a store keeps it: one entry a request, with what it needs.

An entry that is there twice was corrected: the later one counts.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from runa_mock_server.base.text import escaped, unescaped
from runa_mock_server.server_state.entry import Flat
from runa_mock_server.store.engine import MOST_ROWS, Engine

if TYPE_CHECKING:
    from runa_mock_server.server_state.account import Account
    from runa_mock_server.server_state.server_state import ServerState


class Delivery(NamedTuple):
    """Whether the client has seen the order of a request.

    Attributes:
        reached: whether it has.
        before: if not, how many orders there were before the order of a first answer.
    """

    reached: bool
    before: int | None


def entry_record(
    flat: Flat, account: "Account | None", life: Sequence[int], delivery: Delivery | None
) -> bytes:
    """An entry as a store keeps it.

    Args:
        flat: the entry.
        account: whose journal it is in; ``None`` for that of the server.
        life: which of the journals that a reset ended it is in; see ``ServerState.life_of``.
        delivery: of the order that the answer shows, if it shows one.
    """
    number, at, method, target, headers, key, body, status, answer, *rest = flat
    return orjson.dumps(
        {
            "account": None if account is None else escaped(account.api_key),
            "life": life,
            "delivery": None if delivery is None else tuple(delivery),
            "entry": [
                number,
                at,
                escaped(method),
                escaped(target),
                headers.decode("latin-1"),
                None if key is None else escaped(key),
                body.decode("latin-1"),
                status,
                answer.decode("latin-1"),
                *rest,
            ],
        }
    )


def _flat(entry: Any) -> Flat:
    number, at, method, target, headers, key, body, status, answer, *rest = entry
    outcome, order_id, fingerprint, faults, kindnesses, rule, noted_at = rest
    return (
        number,
        at,
        unescaped(method),
        unescaped(target),
        headers.encode("latin-1"),
        None if key is None else unescaped(key),
        body.encode("latin-1"),
        status,
        answer.encode("latin-1"),
        outcome,
        order_id,
        fingerprint,
        tuple(tuple(fault) for fault in faults),
        tuple(kindnesses),
        rule,
        noted_at,
    )


async def restore(server_state: "ServerState", engine: Engine) -> None:
    """Have the journals hold what the store has of them."""
    entries: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    after = 0
    while found := await engine.read_journal(after):
        for _, data in found:
            fields = orjson.loads(data)
            entries[fields["account"], *fields["life"], fields["entry"][0]] = fields
        after = found[-1][0]
        if len(found) < MOST_ROWS:
            break
    for fields in entries.values():
        key = None if fields["account"] is None else unescaped(fields["account"])
        if server_state.life_of(key) == fields["life"]:
            _restore_entry(server_state, key, _flat(fields["entry"]), fields["delivery"])


def _restore_entry(
    server_state: "ServerState", api_key: str | None, flat: Flat, delivery: Sequence[Any] | None
) -> None:
    account = None if api_key is None else server_state.account(api_key)
    (server_state if account is None else account).journal.add(flat)
    server_state.numbers_go_on_after(flat[0])
    order_id = flat[10]
    if account is None or delivery is None or order_id is None:
        return
    reached, before = delivery
    if reached:
        account.undelivered.pop(order_id, None)
    elif before is not None:
        account.undelivered[order_id] = before
