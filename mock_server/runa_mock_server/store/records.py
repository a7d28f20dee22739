"""Records: what changes, as the JSON that a store keeps.

A record is an object with the version ``v`` of its format. Unknown fields are let be, for records
are never rewritten; a record of a newer version is refused. See ``docs/sharing.md``.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from runa_mock_server.base.text import escaped, unescaped
from runa_mock_server.orders.commit import Commit, Mail
from runa_mock_server.orders.idempotency import Answer, KeptAnswer
from runa_mock_server.store.memory import AccountState, Changes

VERSION = 1
"""The version of the records that this program writes, the newest that it reads."""


class RecordVersionError(Exception):
    """A record was written by a newer version of this program."""


def dump(fields: Mapping[str, Any]) -> bytes:
    """A record with these fields."""
    return orjson.dumps({"v": VERSION, **fields})


def load(data: bytes) -> dict[str, Any]:
    """The fields of a record.

    Raises:
        RecordVersionError: if a newer version of this program wrote it.
    """
    record: dict[str, Any] = orjson.loads(data)
    if record["v"] > VERSION:
        raise RecordVersionError(
            f"the store holds records of version {record['v']}, and this program reads up to "
            f"{VERSION}: use the newer runa-mock that wrote them"
        )
    return record


def commit_record(state: AccountState, commit: Commit) -> bytes | None:
    """The record of a commit that was just applied; ``None`` if it changes nothing."""
    fields: dict[str, Any] = {}
    ids = [order.id for order in commit.changed]
    if commit.placed is not None:
        fields["placed"] = commit.placed.id
        ids.append(commit.placed.id)
    if ids:
        fields["rows"] = {id_: orjson.Fragment(state.raw_row(id_)) for id_ in ids}
    if commit.key is not None:
        fields["key"] = _key_fields(commit.key[0], state.raw_answer(commit.key[0]))
    if commit.balances:
        fields["balances"] = dict(commit.balances)
    if commit.mails:
        fields["mails"] = {id_: [*map(tuple, mails)] for id_, mails in commit.mails.items()}
    if commit.recipients:
        fields["recipients"] = dict(commit.recipients)
    if commit.attempt is not None:
        fields["attempt"] = commit.attempt
    return dump(fields) if fields else None


def _key_fields(name: str, kept: int | bytes) -> dict[str, Any]:
    if isinstance(kept, int):
        return {"name": escaped(name), "order": kept}
    first_seen, fingerprint, answer, _ = KeptAnswer.unpack(kept)
    return {
        "name": escaped(name),
        "first_seen": first_seen,
        "fingerprint": fingerprint,
        "status": answer.status,
        "body": answer.body.decode(),
    }


def changes_in(record: Mapping[str, Any]) -> Changes:
    """What a commit changed, from its record."""
    key = record.get("key")
    return Changes(
        record.get("placed"),
        {id_: orjson.dumps(row) for id_, row in record.get("rows", {}).items()},
        None if key is None else (unescaped(key["name"]), _kept(key)),
        record.get("balances", {}),
        {id_: [Mail(*mail) for mail in mails] for id_, mails in record.get("mails", {}).items()},
        record.get("recipients", {}),
        record.get("attempt"),
    )


def _kept(key: Mapping[str, Any]) -> int | bytes:
    if "order" in key:
        position: int = key["order"]
        return position
    answer = Answer(key["status"], key["body"].encode())
    return KeptAnswer(key["first_seen"], key["fingerprint"], answer).pack()
