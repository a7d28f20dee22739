"""Writing a recording: each exchange a file, redacted and dated.

API keys, the tokens of payout links, the codes behind them and the descriptions of orders from
before are replaced by placeholders.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runa_client import __version__, decode_json, encode_json
from runa_conformance._failures import MismatchError, TargetError
from runa_conformance._http import HttpSession
from runa_conformance._messages import API_KEY_HEADER, Answer, Key, Request
from runa_conformance._recording import FORMAT, INDEX, PLACEHOLDER
from runa_conformance._redaction import REDACTED, hide_codes
from runa_conformance._registry import Check
from runa_schemas.contract_data import ProfileName

_KEPT_HEADERS = frozenset({"allow", "content-type", "x-api-version", "x-send-email"})
_FIRST_ERROR = 400
_UNSAFE = re.compile(r"[^a-z0-9_.-]")


class Recorder:
    """Writes each exchange into a directory.

    Args:
        directory: empty, or to be made.
        session: the HTTP session whose exchanges are written; it knows the API keys.
        profile: the environment.
        started: when the run began.

    Attributes:
        check: whose exchanges come now.

    Raises:
        TargetError: the directory cannot be used.
    """

    def __init__(
        self, directory: Path, session: HttpSession, profile: ProfileName, started: datetime
    ) -> None:
        self.check: Check | None = None
        self._directory = directory
        self._session = session
        self._profile = profile
        self._started = started
        self._number = 0
        self._tokens: dict[str, str] = {}
        self._own: set[str | None] = set()
        try:
            directory.mkdir(parents=True, exist_ok=True)
            in_use = any(directory.iterdir())
        except OSError as error:
            raise TargetError(f"{directory}: {error.strerror}") from None
        if in_use:
            raise TargetError(f"{directory} is not empty; a recording needs a directory of its own")

    def __call__(self, answer: Answer) -> None:
        """Write an exchange."""
        if answer.request.places_order and answer.status < _FIRST_ERROR:
            self._own.add(_id(answer))
        check = self.check
        name = check.name if check is not None else "none"
        self._number += 1
        fixture = {
            "check": name,
            "rule": None if check is None else check.rule.id,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "places_orders": check is not None and check.orders,
            "request": _request_fixture(answer.request),
            "answer": self._without_the_past(answer, _answer_fixture(answer)),
        }
        self._write(f"{self._number:04d}-{_UNSAFE.sub('_', name)}.json", fixture)

    def _without_the_past(self, answer: Answer, fixture: dict[str, Any]) -> dict[str, Any]:
        """A page of orders without the words of those that this run has not placed."""
        if answer.request.path.rstrip("/") == "/order" and not answer.request.places_order:
            page = fixture.get("json")
            for entry in page.get("items", ()) if isinstance(page, dict) else ():
                if entry.get("id") not in self._own and isinstance(entry.get("description"), str):
                    entry["description"] = REDACTED
        return fixture

    def finish(self, results: Mapping[str, str]) -> None:
        """Write the index."""
        index = {
            "format": FORMAT,
            "base_url": self._session.settings.base_url,
            "profile": self._profile,
            "recorded_at": self._started.isoformat(timespec="seconds"),
            "recorded_by": f"runa-mock {__version__}",
            "exchanges": self._number,
            "results": dict(results),
        }
        self._write(INDEX, index)

    def _write(self, name: str, document: Mapping[str, Any]) -> None:
        for token in _tokens_in(document.get("answer", {}).get("json")):
            self._tokens.setdefault(token, f"{PLACEHOLDER}{len(self._tokens) + 1:04d}")
        text = json.dumps(document, indent=2) + "\n"
        for token, placeholder in self._tokens.items():
            text = text.replace(json.dumps(token)[1:-1], placeholder)
        (self._directory / name).write_text(self._session.scrub(text), encoding="utf-8")


def _id(answer: Answer) -> str | None:
    try:
        found = answer.document
    except MismatchError:
        return None
    return found.get("id") if isinstance(found, dict) else None


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
        document = json.loads(answer.body)
    except ValueError:
        return fixture | {"text": answer.body.decode(errors="surrogateescape")}
    if answer.request.is_link and isinstance(document, dict):
        hide_codes(document)
    return fixture | {"json": document}


def _body_fixture(body: bytes) -> dict[str, Any]:
    """A body as JSON where that gives the same bytes again, else as text."""
    text = body.decode(errors="surrogateescape")
    try:
        document = json.loads(text)
        is_exact = json.dumps(document, separators=(",", ":")) == text
        return (
            {"json": document}
            if is_exact and encode_json(decode_json(body)) == body
            else {"text": text}
        )
    except ValueError:
        return {"text": text}
