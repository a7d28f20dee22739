"""Exchanges as files: written redacted and dated, read to be replayed.

A recording is a directory with ``recording.json``, which says what was recorded when, and a file
for each exchange. API keys, the tokens of payout links and the codes behind them are replaced.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

from runa_client._version import VERSION
from runa_conformance._failures import TargetError
from runa_conformance._registry import Check
from runa_conformance._service import ProfileName
from runa_conformance._wire import API_KEY_HEADER, Answer, Key, Request, Wire

INDEX: Final = "recording.json"
FORMAT: Final = 1
_KEPT_HEADERS = frozenset({"allow", "content-type", "x-api-version", "x-send-email"})
_SECRET_FIELDS = frozenset({"code", "pin", "barcode_string", "url"})
REDACTED: Final = "[redacted]"
_SAFE = re.compile(r"[^a-z0-9_.-]")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, as they were recorded.

    Attributes:
        name: the name of its file.
        check: the name of the check that sent it.
        places_orders: whether that check may place orders.
        request: what was sent, its keys and links being placeholders.
        status: the HTTP status.
        headers: the headers that matter, names in lower case.
        document: the body as JSON, text where it is none, ``None`` for a page.
    """

    name: str
    check: str
    places_orders: bool
    request: Request
    status: int
    headers: Mapping[str, str]
    document: Any


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded.

    Attributes:
        base_url: where.
        profile: the environment.
        recorded_at: when, UTC.
        results: how each check ended.
        exchanges: in the order in which they were made.
    """

    base_url: str
    profile: ProfileName
    recorded_at: datetime
    results: Mapping[str, str]
    exchanges: tuple[Exchange, ...]


class Recorder:
    """Writes each exchange into a directory.

    Args:
        directory: empty, or to be made.
        wire: whose exchanges; it knows the API keys.
        profile: the environment.
        started: when the run began.

    Attributes:
        check: whose exchanges come now.

    Raises:
        TargetError: the directory cannot be used.
    """

    def __init__(
        self, directory: Path, wire: Wire, profile: ProfileName, started: datetime
    ) -> None:
        self.check: Check | None = None
        self._directory = directory
        self._wire = wire
        self._profile = profile
        self._started = started
        self._number = 0
        self._redaction = _Redaction(wire)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            in_use = any(directory.iterdir())
        except OSError as error:
            raise TargetError(f"{directory}: {error.strerror}") from None
        if in_use:
            raise TargetError(f"{directory} is not empty; a recording needs a directory of its own")

    def __call__(self, answer: Answer) -> None:
        """Write an exchange."""
        check = self.check
        name = check.name if check is not None else "none"
        self._number += 1
        fixture = self._redaction(
            {
                "check": name,
                "rule": None if check is None else check.rule.id,
                "at": _now(),
                "places_orders": check is not None and check.orders,
                "request": _request_fixture(answer.request),
                "answer": _answer_fixture(answer),
            },
            answer,
        )
        self._write(f"{self._number:04d}-{_SAFE.sub('_', name)}.json", fixture)

    def finish(self, results: Mapping[str, str]) -> None:
        """Write the index."""
        index = {
            "format": FORMAT,
            "base_url": self._wire.settings.base_url,
            "profile": self._profile,
            "recorded_at": self._started.isoformat(timespec="seconds"),
            "recorded_by": f"runa-mock {VERSION}",
            "exchanges": self._number,
            "results": dict(results),
        }
        self._write(INDEX, index)

    def _write(self, name: str, document: object) -> None:
        text = json.dumps(document, indent=2) + "\n"
        (self._directory / name).write_text(self._wire.scrub(text), encoding="utf-8")


class _Redaction:
    """Replaces what is secret; the same secret by the same placeholder throughout a recording."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._tokens: dict[str, str] = {}

    def __call__(self, fixture: Any, answer: Answer) -> Any:
        for token in _tokens_in(fixture["answer"].get("json")):
            self._tokens.setdefault(token, f"payout-token-{len(self._tokens) + 1:04d}")
        redacted = self._clean(fixture)
        if answer.request.is_link:
            found = redacted["answer"].get("json")
            codes = [found.get("e_code"), *(found.get("e_codes") or ())] if found else []
            for code in codes:
                _hide(code)
        return redacted

    def _clean(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._clean(key): self._clean(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._clean(inner) for inner in value]
        if not isinstance(value, str):
            return value
        for token, placeholder in self._tokens.items():
            value = value.replace(token, placeholder)
        return self._wire.scrub(value)


def _tokens_in(document: Any) -> Iterator[str]:
    """The secret parts of the payout links in an order."""
    items = document.get("items") if isinstance(document, dict) else None
    for entry in items if isinstance(items, list) else ():
        payout = entry.get("payout") if isinstance(entry, dict) else None
        url = payout.get("url") if isinstance(payout, dict) else None
        for link in (url, entry.get("redemption_url") if isinstance(entry, dict) else None):
            token = link.rpartition("/")[2] if isinstance(link, str) else ""
            if token:
                yield token


def _hide(e_code: Any) -> None:
    """Take out of an e-code what could be spent; what is a URL or absent still shows as that."""
    if isinstance(e_code, dict):
        for name in _SECRET_FIELDS & e_code.keys():
            value = e_code[name]
            if isinstance(value, str):
                is_url = value.startswith(("http://", "https://"))
                e_code[name] = "https://redacted.invalid/" if is_url else REDACTED


def _request_fixture(request: Request) -> dict[str, Any]:
    headers = dict(request.headers)
    if request.key is not None:
        headers[API_KEY_HEADER] = request.key.value if isinstance(request.key, Key) else request.key
    fixture: dict[str, Any] = {
        "method": request.method,
        "target": request.target,
        "headers": headers,
        "until_ended": request.until_ended,
    }
    return fixture if request.body is None else fixture | _body_fixture(request.body)


def _answer_fixture(answer: Answer) -> dict[str, Any]:
    headers = {name: value for name, value in answer.headers.items() if name in _KEPT_HEADERS}
    fixture: dict[str, Any] = {"status": answer.status, "headers": headers}
    if answer.media_type == "text/html":
        return fixture  # a page is for people, and may show codes
    try:
        json.loads(answer.body)
    except ValueError:
        return fixture | {"text": answer.body.decode(errors="surrogateescape")}
    return fixture | {"json": json.loads(answer.body)}


def _body_fixture(body: bytes) -> dict[str, Any]:
    """A body as JSON where that gives the same bytes again, else as text."""
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if json.dumps(document, separators=(",", ":")).encode() == body:
        return {"json": document}
    return {"text": body.decode(errors="surrogateescape")}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def read_recording(directory: Path) -> Recording:
    """Read what a ``Recorder`` wrote.

    Raises:
        TargetError: naming the file that is missing or cannot be read.
    """
    index = _load(directory / INDEX)
    files = sorted(path for path in directory.glob("*.json") if path.name != INDEX)
    try:
        if index["format"] != FORMAT:
            raise TargetError(f"{directory / INDEX}: format {index['format']!r} is not known")
        return Recording(
            base_url=str(index["base_url"]),
            profile=cast("ProfileName", index["profile"]),
            recorded_at=datetime.fromisoformat(index["recorded_at"]),
            results=dict(index["results"]),
            exchanges=tuple(_exchange(path) for path in files),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TargetError(f"{directory / INDEX} is no recording: {error}") from None


def _exchange(path: Path) -> Exchange:
    fixture = _load(path)
    try:
        sent, got = fixture["request"], fixture["answer"]
        headers = dict(sent["headers"])
        key = headers.pop(API_KEY_HEADER, None)
        known = {placeholder.value: placeholder for placeholder in Key}
        return Exchange(
            name=path.name,
            check=fixture["check"],
            places_orders=fixture["places_orders"],
            request=Request(
                method=sent["method"],
                target=sent["target"],
                headers=headers,
                body=_body(sent),
                key=known.get(key, key),
                until_ended=sent["until_ended"],
            ),
            status=got["status"],
            headers=got["headers"],
            document=got.get("json", got.get("text")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TargetError(f"{path} is no recorded exchange: {error!r}") from None


def _body(sent: Mapping[str, Any]) -> bytes | None:
    if "json" in sent:
        return json.dumps(sent["json"], separators=(",", ":")).encode()
    text = sent.get("text")
    return None if text is None else text.encode(errors="surrogateescape")


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TargetError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise TargetError(f"{path} is no JSON: {error}") from None
