"""The drift check: what was recorded of one server is asked of another, and compared."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack
from uuid import uuid4

from runa_conformance._brief import shown
from runa_conformance._failures import MismatchError, UnreachableError
from runa_conformance._http import HttpSession
from runa_conformance._messages import Answer, Key, Request
from runa_conformance._recording import Exchange, Recording, read_recording
from runa_conformance._shapes import Difference, Twins, differences, ids_in
from runa_conformance._target import TargetOptions, check_target, open_session

_KEY_HEADER = "X-Idempotency-Key"
_ENDED = {"COMPLETED", "FAILED"}
_GIVE_UP_AFTER = 3  # requests in a row without an answer


@dataclass(frozen=True, slots=True)
class Drift:
    """A difference between an answer and what was recorded.

    Attributes:
        exchange: the file of the recorded exchange.
        check: the check that recorded it.
        request: the request in a line.
        path: the field, such as ``$.items[0].price``, or ``status``, or the name of a header.
        recorded: what was recorded, shortened.
        found: what is there now, shortened.
    """

    exchange: str
    check: str
    request: str
    path: str
    recorded: str
    found: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a replay found.

    Attributes:
        base_url: the server that was asked.
        recording: what it was compared with.
        compared: for each check how many of its exchanges were compared.
        left_out: how many were not, by the reason.
        drifts: the differences.
    """

    base_url: str
    recording: Recording
    compared: Counter[str]
    left_out: Counter[str]
    drifts: tuple[Drift, ...]

    @property
    def passed(self) -> bool:
        """Whether there is no difference."""
        return not self.drifts


class ReplayOptions(TargetOptions, total=False):
    """What ``replay`` takes by keyword, beside ``TargetOptions``.

    Attributes:
        on_drift: is called with each difference as it is found.
    """

    on_drift: Callable[[Drift], object]


def replay(
    recording: Recording | Path,
    base_url: str | None = None,
    api_key: str | None = None,
    **options: Unpack[ReplayOptions],
) -> Comparison:
    """Ask a server what was asked in a recording, and compare the answers.

    Args:
        recording: the recording, or its directory.
        base_url: ends with ``/v2``; else ``RUNA_BASE_URL``.
        api_key: else ``RUNA_API_KEY``.
        options: see ``ReplayOptions``.

    Raises:
        TargetError: the recording cannot be read, or the server not be asked.
    """
    if isinstance(recording, Path):
        recording = read_recording(recording)
    session = open_session(base_url, api_key, options)
    try:
        check_target(session)
        return _Replay(session, recording, options).comparison()
    finally:
        session.close()


class _Replay:
    """One replay: what is known so far of twins, and what was found."""

    def __init__(self, session: HttpSession, recording: Recording, options: ReplayOptions) -> None:
        self._session = session
        self._recording = recording
        self._allow_orders = options.get("allow_orders", False)
        self._on_drift = options.get("on_drift", _nobody_listens)
        self._twins = Twins()
        self._run = uuid4().hex[:8]
        self._foreign: set[str] = set()

    def comparison(self) -> Comparison:
        """Replay everything that can be."""
        compared: Counter[str] = Counter()
        left_out: Counter[str] = Counter()
        silent = 0
        drifts = []
        for exchange in self._recording.exchanges:
            request = self._request(exchange)
            if silent >= _GIVE_UP_AFTER:
                request = "the server has stopped answering"
            if isinstance(request, str):
                left_out[request] += 1
                continue
            compared[exchange.check] += 1
            try:
                answer = self._session.send(request)
                silent = 0
                found = list(self._compared(exchange, answer))
            except UnreachableError as error:
                found = [Difference("answer", exchange.status, str(error))]
                silent += 1
            for difference in found:
                drift = self._drift(exchange, difference)
                drifts.append(drift)
                self._on_drift(drift)
        return Comparison(
            self._session.settings.base_url, self._recording, compared, left_out, tuple(drifts)
        )

    def _request(self, exchange: Exchange) -> Request | str:
        """The request to send, or why none can be."""
        recorded = exchange.request
        if exchange.places_orders and not self._allow_orders:
            return "their checks place orders, and --allow-orders is not given"
        if recorded.key is Key.OTHER and self._session.other_key is None:
            return "they need the API key of another account"
        if recorded.is_link:
            url, mark, query = recorded.target.partition("?")
            twin = self._twins.of_link(url)
            return (
                "their payout link has no twin"
                if twin is None
                else replace(recorded, target=f"{twin}{mark}{query}")
            )
        if self._foreign.intersection(ids_in(recorded.target)):
            return "they are about orders from before the recording"
        headers = dict(recorded.headers)
        if headers.get(_KEY_HEADER):  # a key of this replay, the same where it was the same
            headers[_KEY_HEADER] = f"{self._run} {headers[_KEY_HEADER]}"
        return replace(
            recorded,
            target=self._twins.in_text(recorded.target),
            headers=headers,
            until_ended=recorded.until_ended or _status(exchange.document) in _ENDED,
        )

    def _compared(self, exchange: Exchange, answer: Answer) -> Iterator[Difference]:
        if answer.status != exchange.status:
            yield Difference("status", _told(exchange), str(answer))
            return
        yield from _headers(exchange, answer)
        if exchange.document is None:
            return
        try:
            found = answer.document
        except MismatchError:
            found = answer.body.decode(errors="replace")
        recorded = exchange.document
        if exchange.request.method == "GET" and exchange.request.path.rstrip("/") == "/order":
            recorded, found = self._comparable_pages(recorded, found)
        elif _status(recorded) == "PROCESSING" and _status(found) in _ENDED:
            return  # time went on
        yield from differences(recorded, found, self._twins)

    def _comparable_pages(self, recorded: Any, found: Any) -> tuple[Any, Any]:
        """Two pages of orders without what time and the past of the account make of them.

        Orders from before the recording are left out, and of an order that had ended on one page
        and not on the other nothing but the id is compared.
        """
        own, rest = _entries(recorded), _entries(found)
        if own is None or rest is None:
            return recorded, found
        twins = {entry["id"]: self._twins.get(entry["id"]) for entry in own}
        foreign = {recorded_id for recorded_id, twin in twins.items() if twin is None}
        self._foreign |= foreign
        if foreign:
            own = [entry for entry in own if entry["id"] not in foreign]
            rest = [entry for entry in rest if entry["id"] in twins.values()]
            recorded, found = {}, {}  # nor can the cursors be compared
        for index, (one, other) in enumerate(zip(own, rest, strict=False)):
            if (_status(one) in _ENDED) is not (_status(other) in _ENDED):
                own[index], rest[index] = {"id": one["id"]}, {"id": other["id"]}
        return {**recorded, "items": own}, {**found, "items": rest}

    def _drift(self, exchange: Exchange, difference: Difference) -> Drift:
        return Drift(
            exchange=exchange.name,
            check=exchange.check,
            request=str(exchange.request),
            path=difference.path,
            recorded=self._session.scrub(shown(difference.recorded)),
            found=self._session.scrub(shown(difference.found)),
        )


def _entries(page: Any) -> list[dict[str, Any]] | None:
    """The orders on a page, ``None`` if it is none."""
    found = page.get("items") if isinstance(page, dict) else None
    if not isinstance(found, list):
        return None
    are_orders = all(isinstance(entry, dict) and "id" in entry for entry in found)
    return list(found) if are_orders else None


def _status(document: Any) -> Any:
    return document.get("status") if isinstance(document, dict) else None


def _headers(exchange: Exchange, answer: Answer) -> Iterator[Difference]:
    for name in ("x-api-version", "x-send-email"):
        if exchange.headers.get(name) != answer.headers.get(name):
            yield Difference(name, exchange.headers.get(name), answer.headers.get(name))
    recorded = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    if recorded != answer.media_type:
        yield Difference("content-type", recorded, answer.media_type)


def _told(exchange: Exchange) -> str:
    document = exchange.document
    kind = document.get("type") if isinstance(document, dict) and exchange.status >= 400 else None  # noqa: PLR2004 - the first error
    return f"{exchange.status} {kind}" if kind else str(exchange.status)


def _nobody_listens(drift: Drift) -> None:
    """Take a difference that nobody asked for."""
