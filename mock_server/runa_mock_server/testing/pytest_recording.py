"""The pytest plugin behind ``--runa-coverage`` and ``--runa-traffic``; registered with either."""

from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from runa_mock_server.control.coverage import CoverageResult, coverage_result
from runa_mock_server.control_client.client import ControlClient
from runa_mock_server.server_state.coverage import Coverage
from runa_mock_server.testing.coverage_report import FORMATS, as_text, merged, with_test
from runa_mock_server.testing.recording import SessionRecording, TrafficFile

NAME = "runa_recording"
EXCLUDED = "runa_no_traffic"
"""The marker of tests whose requests are left out of the traffic."""

_OUTPUT = "runa_coverage"
_WHOLE = 100


class Options(NamedTuple):
    """What is recorded.

    Attributes:
        coverage: ``text``, ``html`` or ``json``; ``None`` for no coverage.
        output: the file of the coverage report; ``None`` for the terminal alone.
        fail_under: the percentage below which the session fails.
        traffic: the folder of the traffic; ``None`` for no traffic.
    """

    coverage: str | None
    output: Path | None
    fail_under: float | None
    traffic: Path | None


def configure(config: pytest.Config) -> None:
    """Register the plugin as the options ask for.

    Raises:
        pytest.UsageError: for a value that an option cannot have.
    """
    option = config.option
    wanted, limit = option.runa_coverage, option.runa_coverage_fail_under
    form, _, file = (wanted or "text").partition(":")
    if form not in FORMATS or (form == "text" and file):
        allowed = "html, html:FILE, json, json:FILE or nothing"
        raise pytest.UsageError(f"--runa-coverage: must be {allowed}, not {wanted!r}")
    if limit is not None and not 0 <= limit <= _WHOLE:
        raise pytest.UsageError(f"--runa-coverage-fail-under: must be 0 to 100, not {limit:g}")
    root = config.invocation_params.dir
    options = Options(
        None if wanted is None and limit is None else form,
        None if form == "text" else root / (file or f"runa-coverage.{form}"),
        limit,
        None if option.runa_traffic is None else root / option.runa_traffic,
    )
    try:
        config.pluginmanager.register(Recording(config, options), NAME)
    except OSError as error:
        reason = f"--runa-traffic: {option.runa_traffic}: {error.strerror}"
        raise pytest.UsageError(reason) from None


class Recording:
    """Records what the tests of a session do.

    Args:
        config: of the session.
        options: what is recorded.

    Raises:
        OSError: if the traffic cannot be written.
    """

    def __init__(self, config: pytest.Config, options: Options) -> None:
        self._options = options
        self._worker: Any = getattr(config, "workerinput", None)
        self._found: list[CoverageResult] = []
        self._coverage = None if options.coverage is None else Coverage()
        self._file = self._traffic_file(config)
        self._recording = SessionRecording(self._coverage, self._file)
        self._opened = ExitStack()
        self._opened.enter_context(self._recording)
        self._outcomes: dict[str, str] = {}

    def _traffic_file(self, config: pytest.Config) -> TrafficFile | None:
        folder = self._options.traffic
        if folder is None:
            return None
        if self._worker is None:
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob("traffic*.jsonl"):  # of an earlier session, with other workers
                old.unlink()
            if config.getoption("numprocesses", None):
                return None
            return TrafficFile(folder / "traffic.jsonl", "pytest")
        return TrafficFile(folder / f"traffic-{self._worker['workerid']}.jsonl", "pytest")

    def collect(self, account: ControlClient, test: str) -> None:
        """Add what a server in another process knows of a test's account."""
        if self._coverage is not None:
            self._found.append(with_test(account.coverage(), test))
        if self._file is not None and not self._recording.paused:
            for record in account.traffic():
                if record["kind"] != "traffic":
                    self._file.write(record | {"test": test})

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Name the test whose requests come now."""
        self._recording.test = item.nodeid
        self._recording.paused = item.get_closest_marker(EXCLUDED) is not None
        try:
            return (yield)
        finally:
            if self._file is not None and not self._recording.paused:
                outcome = self._outcomes.pop(item.nodeid, "passed")
                self._file.write({"kind": "test", "test": item.nodeid, "outcome": outcome})
            self._recording.test, self._recording.paused = None, False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a test ends."""
        if report.failed:
            self._outcomes[report.nodeid] = "failed"
        elif report.skipped:
            self._outcomes.setdefault(report.nodeid, "skipped")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take over what a worker of pytest-xdist has found."""
        del error
        document = getattr(node, "workeroutput", {}).get(_OUTPUT)
        if document is not None:
            self._found.append(CoverageResult.model_validate(document))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report; a worker hands its part to the controller."""
        self._opened.close()
        if self._file is not None:
            self._file.close()
        if self._coverage is None:
            return
        self._result = merged([coverage_result(self._coverage), *self._found])
        if self._worker is not None:
            output: dict[str, Any] = session.config.workeroutput  # type: ignore[attr-defined] # of pytest-xdist
            output[_OUTPUT] = self._result.model_dump(mode="json")
            return
        limit = self._options.fail_under
        if limit is not None and self._result.percent < limit and not session.exitstatus:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        file, form = self._options.output, self._options.coverage
        if file is not None and form is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(FORMATS[form](self._result), encoding="utf-8")

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show the coverage."""
        if self._coverage is None or self._worker is not None:
            return
        terminalreporter.section("runa contract coverage")
        terminalreporter.write(as_text(self._result))
        if self._options.output is not None:
            terminalreporter.write_line(f"written to {self._options.output}")
        limit = self._options.fail_under
        if limit is not None and self._result.percent < limit:
            reason = f"coverage {self._result.percent:g} % is under --runa-coverage-fail-under"
            terminalreporter.write_line(f"FAIL {reason} {limit:g} %", red=True)
