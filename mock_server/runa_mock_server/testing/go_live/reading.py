"""Reading traffic: files of JSON Lines, folders of them, and running servers."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from runa_mock_server.control_client.remote import connect
from runa_mock_server.control_client.transport import ControlRefusedError
from runa_mock_server.server_state.traffic import FORMAT, VERSION
from runa_mock_server.testing.go_live.traffic import Delivery, Input, Request, Server, Traffic

_URL = ("http://", "https://")
_LONGEST_SHOWN = 40

Record = Mapping[str, Any]


class TrafficError(ValueError):
    """Traffic that cannot be used; the message names the input and the reason, in one line."""


class _Fault(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    kind: str
    place: str
    retry_after: float | None = None


class _Page(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    entries: int
    limit: int
    after: str | None


class _RequestRecord(BaseModel):
    """The fields of a request that the rules use."""

    model_config = ConfigDict(extra="ignore", strict=True)

    server: str
    test: str | None
    number: int
    at: str
    noted_at: float
    account: str | None
    key: str | None
    key_prefix: str | None
    key_places: list[str]
    method: str
    path: str
    query: str
    headers: dict[str, str]
    idempotency_key: str | None
    request_body: str
    status: int | None
    response_body: str
    page: _Page | None
    order_id: str | None
    rule: str | None
    error_type: str | None
    faults: list[_Fault]
    kindnesses: list[str]
    altered: list[str]


class _DeliveryRecord(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    server: str
    message: str
    event: str
    status: int | None
    failure: str | None
    faults: list[str]


class _ServerRecord(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    server: str
    url: str
    profile: str
    runa_mock: str


class _TestRecord(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    test: str
    outcome: str


_MODELS: Mapping[str, type[BaseModel]] = {
    "request": _RequestRecord,
    "delivery": _DeliveryRecord,
    "server": _ServerRecord,
    "test": _TestRecord,
}


def read(sources: Sequence[str], token: str | None = None) -> Traffic:
    """Read traffic.

    Args:
        sources: files, folders with files ``*.jsonl``, and URLs of running servers.
        token: the control token of the servers.

    Raises:
        TrafficError: for what cannot be read or is no traffic of a known version.
    """
    collected = _Collected()
    for name in _files(sources):
        if name.startswith(_URL):
            collected.add(name, *_fetched(name, token))
        else:
            collected.add(name, *_read(name))
    return collected.traffic()


def _files(sources: Sequence[str]) -> Iterator[str]:
    for source in sources:
        folder = Path(source)
        if source.startswith(_URL) or not folder.is_dir():
            yield source
            continue
        files = sorted(str(file) for file in folder.glob("*.jsonl"))
        if not files:
            raise TrafficError(f"{source}: the folder has no file *.jsonl")
        yield from files


def _read(name: str) -> tuple[str, list[Record]]:
    try:
        data = Path(name).read_bytes()
    except OSError as error:
        raise TrafficError(f"{name}: {error.strerror}") from None
    records: list[Record] = []
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            raise TrafficError(f"{name}: line {number} is no JSON object; traffic is JSON Lines")
        records.append(record)
    if not records:
        raise TrafficError(f"{name}: the file is empty")
    return hashlib.sha256(data).hexdigest(), records


def _fetched(url: str, token: str | None) -> tuple[str, list[Record]]:
    try:
        with connect(url, token=token) as server:
            records: list[Record] = list(server.traffic())
    except (ConnectionError, ControlRefusedError) as error:
        raise TrafficError(f"{url}: {error}") from None
    return hashlib.sha256(json.dumps(records).encode()).hexdigest(), records


class _Collected:
    """What was read so far."""

    def __init__(self) -> None:
        self._inputs: list[Input] = []
        # A later record of a request replaces an earlier one: its client was told late.
        self._requests: dict[tuple[str, int], Request] = {}
        self._servers: dict[str, Server] = {}
        self._deliveries: list[Delivery] = []
        self._outcomes: dict[str, str] = {}
        self._digests: dict[str, str] = {}

    def add(self, name: str, digest: str, records: Sequence[Record]) -> None:
        """Take over the records of one input."""
        _check_heading(name, records[0] if records else {})
        if digest in self._digests:
            raise TrafficError(f"{name}: has the same content as {self._digests[digest]}")
        self._digests[digest] = name
        before, missing = len(self._requests), 0
        for number, record in enumerate(records[1:], 2):
            kind = record.get("kind")
            if kind == "traffic":
                raise TrafficError(f"{name}: line {number} begins another file of traffic")
            if kind == "gap":
                missing += int(record.get("requests", 0))
            elif kind in _MODELS:
                self._take(name, number, str(kind), record)
        heading = records[0]
        self._inputs.append(
            Input(
                name,
                str(heading.get("source")),
                str(heading.get("runa_mock")),
                digest,
                len(self._requests) - before,
                missing,
            )
        )

    def _take(self, name: str, number: int, kind: str, record: Record) -> None:
        try:
            _MODELS[kind].model_validate(record)
            at = datetime.fromisoformat(record["at"]) if kind == "request" else None
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"]))
            reason = f"line {number}: {kind} {field}: {first['msg']}"
            raise TrafficError(f"{name}: {reason}") from None
        except ValueError:
            raise TrafficError(f"{name}: line {number}: at: must be an ISO 8601 time") from None
        if at is not None and at.tzinfo is None:
            raise TrafficError(f"{name}: line {number}: at: must have a time zone")
        if at is not None:
            self._requests[record["server"], record["number"]] = Request(record, name, at)
        elif kind == "delivery":
            self._deliveries.append(Delivery(record, name))
        elif kind == "server":
            self._servers[record["server"]] = Server(
                record["url"], record["profile"], record["runa_mock"]
            )
        else:
            self._outcomes[record["test"]] = record["outcome"]

    def traffic(self) -> Traffic:
        """All of it."""
        return Traffic(
            self._inputs,
            _in_order(self._requests.values()),
            servers=self._servers,
            deliveries=self._deliveries,
            outcomes=self._outcomes,
        )


def _in_order(requests: Iterable[Request]) -> list[Request]:
    return sorted(requests, key=lambda request: (request.server, request.number))


def _check_heading(name: str, heading: Record) -> None:
    if heading.get("format") != FORMAT or heading.get("kind") != "traffic":
        shown = json.dumps(heading)[:_LONGEST_SHOWN]
        raise TrafficError(
            f"{name}: is no recorded traffic: line 1 must have the format {FORMAT!r}, not {shown}"
        )
    if heading.get("version") != VERSION:
        version = json.dumps(heading.get("version"))[:_LONGEST_SHOWN]
        raise TrafficError(
            f"{name}: has version {version} of the traffic format; this runa-mock reads {VERSION}"
        )
