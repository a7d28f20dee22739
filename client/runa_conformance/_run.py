"""Running checks against a server."""

import json
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Unpack

from runa_conformance._checks import CHECKS
from runa_conformance._expect import shown
from runa_conformance._failures import (
    MismatchError,
    SkippedError,
    TargetError,
    UnreachableError,
)
from runa_conformance._http import Answer, HttpSession
from runa_conformance._invariants import InvariantMonitor, make_monitors
from runa_conformance._recorder import Recorder
from runa_conformance._registry import RunnableCheck, select
from runa_conformance._results import Report, Result, Status
from runa_conformance._service import Service
from runa_conformance._target import TargetOptions, check_target, open_session
from runa_schemas.contract_data import API_KEY_PREFIXES, ProfileName

_GIVE_UP_AFTER = 3  # checks in a row without an answer
_LONGEST_SENT = 600
_URL = re.compile(r"(https?://[^/\s]+)/[^\s'\"]*")


class ConformOptions(TargetOptions, total=False):
    """What ``conform`` takes by keyword, beside ``TargetOptions``.

    Attributes:
        select: names or groups of checks, with ``*`` and ``?``; all of them if absent.
        evidence: only checks of rules with such evidence: recorded, documented, inferred.
        profile: the environment; by default what the prefix of the API key says.
        record: a directory for the exchanges, redacted; it must be empty or not exist.
        on_result: is called with each result as it comes.
    """

    select: Collection[str]
    evidence: Collection[str]
    profile: ProfileName | None
    record: Path | None
    on_result: Callable[[Result], object]


def conform(
    base_url: str | None = None, api_key: str | None = None, **options: Unpack[ConformOptions]
) -> Report:
    """Check a server against the contract.

    Args:
        base_url: ends with ``/v2``; else ``RUNA_BASE_URL``.
        api_key: else ``RUNA_API_KEY``; no report and no recording shows it.
        options: see ``ConformOptions``.

    Raises:
        SelectionError: nothing has the names that were selected.
        TargetError: the server cannot be checked: no or a wrong address or key, no answer, a
            directory that is in use, or nothing left to check.
    """
    chosen = select(CHECKS, options.get("select", ()), options.get("evidence", ()))
    session = open_session(base_url, api_key, options)
    try:
        run = _Run(session, options)
        run.must_have_work(chosen)
        check_target(session)
        return run.report(chosen)
    finally:
        session.close()


class _Run:
    """One run: its checks, and what is counted, monitored and recorded meanwhile."""

    def __init__(self, session: HttpSession, options: ConformOptions) -> None:
        live = session.settings.api_key.startswith(API_KEY_PREFIXES["production"])
        by_key: ProfileName = "production" if live else "playground"
        self._profile = options.get("profile") or by_key
        self._session = session
        self._service = Service(session, self._profile)
        self._allow_orders = options.get("allow_orders", False)
        self._on_result = options.get("on_result", _nobody_listens)
        self._record = options.get("record")
        self._answers = 0
        self._silent = 0
        self._last: Answer | None = None

    def must_have_work(self, chosen: Iterable[RunnableCheck]) -> None:
        """See whether a check is left that can run here.

        Raises:
            TargetError: none is.
        """
        reasons = {self._unfit(check): None for check in chosen}
        if None not in reasons:
            told = ", ".join(map(str, reasons))
            raise TargetError(f"nothing of that can be checked here: {told}")

    def report(self, chosen: Iterable[RunnableCheck]) -> Report:
        """Run checks."""
        started, begin = datetime.now(UTC), time.monotonic()
        monitors = make_monitors()
        self._session.observers += [self._count, *monitors]
        recorder = None
        if self._record is not None:
            recorder = Recorder(self._record, self._session, self._profile, started)
            self._session.observers.append(recorder)
        results = []
        for result in chain(self._checked(chosen, recorder), map(self._monitored, monitors)):
            results.append(result)
            self._on_result(result)
        if recorder is not None:
            recorder.finish({result.name: result.status for result in results})
        return Report(
            base_url=self._session.settings.base_url,
            profile=self._profile,
            started_at=started,
            seconds=time.monotonic() - begin,
            requests=self._answers,
            orders=len(self._service.placed),
            results=tuple(results),
        )

    def _checked(
        self, chosen: Iterable[RunnableCheck], recorder: Recorder | None
    ) -> Iterator[Result]:
        for check in chosen:
            unfit = self._unfit(check)
            if unfit is None and self._silent >= _GIVE_UP_AFTER:
                unfit = "the server has stopped answering"
            if unfit is not None:
                yield Result(check.name, check.rule, check.text, "skipped", unfit)
                continue
            if recorder is not None:
                recorder.check = check
            self._last = None
            begin = time.monotonic()
            status, reason, reading = self._ended(check)
            yield Result(
                name=check.name,
                rule=check.rule,
                text=check.text,
                status=status,
                reason=self._told(reason),
                exchange=self._told(self._sent()) if status == "failed" else None,
                seconds=time.monotonic() - begin,
                reading=reading,
            )

    def _ended(self, check: RunnableCheck) -> tuple[Status, str | None, str | None]:
        """How a check ended, why it did not pass, and the reading that was met, if any."""
        silent, self._silent = self._silent, 0
        try:
            met = check.proof(self._service)
        except SkippedError as skipped:
            return "skipped", str(skipped), None
        except MismatchError as mismatch:
            return "failed", str(mismatch), None
        except UnreachableError as silence:
            self._silent = silent + 1
            return "failed", str(silence), None
        except Exception as error:  # noqa: BLE001 - an answer may be anything, and the run goes on
            told = f"an answer was beyond the check: {type(error).__name__}: {error}"
            return "failed", told, None
        return "passed", None, None if met is None else check.rule.readings[met]

    def _monitored(self, monitor: InvariantMonitor) -> Result:
        invariant, failure = monitor.invariant, monitor.failure
        status: Status = "failed" if failure else "passed"
        return Result(invariant.name, invariant.rule, invariant.text, status, self._told(failure))

    def _unfit(self, check: RunnableCheck) -> str | None:
        """Why a check cannot run here, ``None`` if it can."""
        if check.orders and not self._allow_orders:
            return "it places orders, and --allow-orders is not given"
        if check.profile not in (None, self._profile):
            return f"it is about the {check.profile} environment"
        if check.other_account and self._session.other_key is None:
            return "it needs the API key of another account"
        return None

    def _count(self, answer: Answer) -> None:
        self._answers += 1
        self._last = answer

    def _sent(self) -> str | None:
        """The last request of the check, shortened."""
        if self._last is None:
            return None
        request = self._last.request
        headers = [f"{name}: {value}" for name, value in request.headers.items()]
        try:
            body = [] if request.body is None else [shown(json.loads(request.body))]
        except ValueError:
            body = [shown(request.body)]
        text = ", ".join([str(request), *headers, *body])
        return text if len(text) <= _LONGEST_SENT else f"{text[:_LONGEST_SENT]}…"

    def _told(self, text: str | None) -> str | None:
        """A text without API keys and payout links."""
        if text is None:
            return None
        base_url = self._session.settings.base_url
        return _URL.sub(
            lambda found: found[0] if found[0].startswith(base_url) else f"{found[1]}/…",
            self._session.scrub(text),
        )


def _nobody_listens(result: Result) -> None:
    """Take a result that nobody asked for."""
