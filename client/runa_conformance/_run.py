"""Running checks against a server."""

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Unpack

from runa_conformance._checks import CHECKS
from runa_conformance._failures import (
    MismatchError,
    SkippedError,
    TargetError,
    UnexpectedOrderError,
    UnreachableError,
)
from runa_conformance._http import HttpSession
from runa_conformance._invariants import InvariantMonitor, make_monitors
from runa_conformance._messages import Answer
from runa_conformance._recorder import Recorder
from runa_conformance._redaction import summary_of
from runa_conformance._registry import RunnableCheck, select
from runa_conformance._results import Report, Result, Status
from runa_conformance._service import Service
from runa_conformance._target import TargetOptions, check_target, open_session
from runa_schemas.contract_data import API_KEY_PREFIXES, ProfileName

_GIVE_UP_AFTER = 3  # checks in a row without an answer
_URL = re.compile(r"(https?://[^/\s]+)/[^\s'\"]*")


class ConformOptions(TargetOptions, total=False):
    """What ``conform`` takes by keyword, beside ``TargetOptions``.

    Attributes:
        select: names or groups of checks, with ``*`` and ``?``; all of them if absent.
        evidence: only checks of rules with such evidence: recorded, documented, inferred.
        profile: the environment; by default what the prefix of the API key says.
        advance: moves the server's clock by a number of seconds; without it the checks that need
            another time are skipped.
        record: a directory for the exchanges, redacted; it must be empty or not exist.
        on_result: is called with each result as it comes.
    """

    select: Collection[str]
    evidence: Collection[str]
    profile: ProfileName | None
    advance: Callable[[float], object] | None
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
        self._service = Service(session, self._profile, options.get("advance"))
        self._allow_orders = options.get("allow_orders", False)
        self._on_result = options.get("on_result", _nobody_listens)
        self._record = options.get("record")
        self._answers = 0
        self._silent = 0
        self._last: Answer | None = None
        self._is_interrupted = False

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
            bought=None if self._session.bought is None else str(self._session.bought),
            is_interrupted=self._is_interrupted,
        )

    def _checked(
        self, chosen: Iterable[RunnableCheck], recorder: Recorder | None
    ) -> Iterator[Result]:
        for check in chosen:
            unfit = self._unfit(check) or self._spoilt
            if unfit is not None:
                yield Result(check.name, check.rule, check.text, "skipped", unfit)
                continue
            if recorder is not None:
                recorder.check = check
            self._last = None
            begin = time.monotonic()
            yield replace(self._ended(check), seconds=time.monotonic() - begin)

    @property
    def _spoilt(self) -> str | None:
        """Why no check is run any more, ``None`` while they are."""
        if self._is_interrupted:
            return "the run was interrupted"
        return "the server has stopped answering" if self._silent >= _GIVE_UP_AFTER else None

    def _ended(self, check: RunnableCheck) -> Result:
        """How a check ended."""
        silent, self._silent = self._silent, 0
        result = Result(check.name, check.rule, check.text, "passed")
        bought = self._session.bought
        try:
            met = check.proof(self._service)
        except (SkippedError, UnexpectedOrderError) as skipped:
            if bought is self._session.bought:
                return self._skipped(result, str(skipped))
            told = f"{self._session.bought}, although it was to be refused"
            result = self._failed(result, told)
        except KeyboardInterrupt:
            self._is_interrupted = True
            result = self._skipped(result, "the run was interrupted")
        except MismatchError as mismatch:
            result = self._failed(result, str(mismatch), mismatch.cause)
        except UnreachableError as silence:
            self._silent = silent + 1
            result = self._failed(result, str(silence))
        except Exception as error:  # noqa: BLE001 - an answer may be anything, and the run goes on
            told = f"an answer was beyond the check: {type(error).__name__}: {error}"
            result = self._failed(result, told)
        else:
            reading = None if met is None else check.rule.readings[met]
            result = replace(result, reading=reading)
        return result

    def _skipped(self, result: Result, reason: str) -> Result:
        return replace(result, status="skipped", reason=self._told(reason))

    def _failed(self, result: Result, reason: str, cause: str | None = None) -> Result:
        last = self._last
        return replace(
            result,
            status="failed",
            reason=self._told(reason),
            cause=self._told(reason if cause is None else cause),
            sent=None if last is None else self._told(last.request.curl),
            received=None if last is None else self._told(summary_of(last)),
        )

    def _monitored(self, monitor: InvariantMonitor) -> Result:
        invariant, failure = monitor.invariant, monitor.failure
        status: Status = "failed" if failure else "passed"
        told = self._told(failure)
        return Result(
            invariant.name, invariant.rule, invariant.text, status, told, told and invariant.name
        )

    def _unfit(self, check: RunnableCheck) -> str | None:
        """Why a check cannot run here, ``None`` if it can."""
        if check.orders and not self._allow_orders:
            return "it places orders, and --allow-orders is not given"
        if check.profile not in (None, self._profile):
            return f"it is about the {check.profile} environment"
        if check.other_account and self._session.other_key is None:
            return "it needs the API key of another account"
        if check.moves_clock and (self._service.advance is None or self._record is not None):
            return "it needs a server whose clock can be moved, and no recording"
        return None

    def _count(self, answer: Answer) -> None:
        self._answers += 1
        self._last = answer

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
