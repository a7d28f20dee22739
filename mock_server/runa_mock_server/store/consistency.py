"""Whether the records of a store are consistent, read one by one without carrying them out."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from runa_mock_server.store.engine import MOST_ROWS, Engine, Row

_MOST_PROBLEMS = 20


@dataclass
class Contents:
    """What a store holds.

    Attributes:
        records: how many records.
        orders: how many orders were placed, those included that a reset has discarded.
        accounts: how many accounts were used.
        problems: what is wrong, one line each; the first ones.
    """

    records: int = 0
    orders: int = 0
    accounts: int = 0
    problems: list[str] = field(default_factory=list)


async def examine(engine: Engine) -> Contents:
    """Read all records of an open store, and look whether they fit together.

    Raises:
        StoreDownError: it cannot be read.
    """
    found = _Examination()
    mark = 0
    while rows := await engine.read(mark):
        for row in rows:
            found.look_at(row, mark)
            mark = row.seq
        if len(rows) < MOST_ROWS:
            break
    head = (await engine.info()).head
    if mark != head:
        found.complain(f"the newest record is {mark}, and should be {head}")
    found.contents.accounts = len(found.accounts)
    return found.contents


class _Examination:
    """Looks at record by record.

    Attributes:
        contents: what was found.
        placed: by account the ids of its orders.
        accounts: the accounts that have records.
    """

    def __init__(self) -> None:
        self.contents = Contents()
        self.placed: defaultdict[int, set[str]] = defaultdict(set)
        self.accounts: set[int] = set()
        self._is_imported = False

    def complain(self, problem: str) -> None:
        """Note a problem, unless there are many."""
        if len(self.contents.problems) < _MOST_PROBLEMS:
            self.contents.problems.append(problem)

    def look_at(self, row: Row, before: int) -> None:
        """Look at a record that comes after the one with number ``before``."""
        self.contents.records += 1
        try:
            record = orjson.loads(row.data)
        except ValueError:
            record = None
        if row.seq <= before:
            self.complain(f"record {row.seq}: comes after record {before}")
        elif not isinstance(record, dict) or not isinstance(record.get("v"), int):
            self.complain(f"record {row.seq}: is no JSON object with a version")
        elif isinstance(operation := record.get("operation"), dict):
            self._look_at_operation(str(operation.get("path")))
        elif "placed" in record or "rows" in record or "key" in record:
            self._look_at_commit(row, record)

    def _look_at_operation(self, path: str) -> None:
        """Orders can go with a reset, and come with an imported state."""
        if path.endswith(("/reset", "/state")):
            self.placed.clear()
            self._is_imported = self._is_imported or path.endswith("/state")

    def _look_at_commit(self, row: Row, record: Mapping[str, Any]) -> None:
        placed = self.placed[row.account]
        self.accounts.add(row.account)
        order_id = record.get("placed")
        rows = record.get("rows", {})
        if order_id is not None:
            if order_id in placed:
                self.complain(f"record {row.seq}: order {order_id!a} was placed before")
            if order_id not in rows:
                self.complain(f"record {row.seq}: order {order_id!a} is missing")
            placed.add(order_id)
            self.contents.orders += 1
        for changed in rows:
            if changed not in placed and not self._is_imported:
                self.complain(f"record {row.seq}: changes order {changed!a}, which is not there")
