"""Recording of every mock server of this process: contract coverage and traffic."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from runa_mock_server.base.redaction import KnownKeys, Redactor
from runa_mock_server.server_state.coverage import Coverage
from runa_mock_server.server_state.entry import Flat
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.server_state.traffic import Record, TrafficRecorder, heading
from runa_mock_server.webhooks.messages import Delivery


class TrafficFile:
    """A file of recorded traffic, JSON Lines. Several servers can write to it.

    Args:
        path: where it is; a file that exists is replaced.
        source: what records the traffic.

    Raises:
        OSError: if the file cannot be written.
    """

    def __init__(self, path: Path, source: str) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._lock = threading.Lock()
        self.write(heading(source))

    def write(self, record: Record) -> None:
        """Add a record; nothing once the file is closed."""
        line = json.dumps(record, separators=(",", ":")) + "\n"
        with self._lock:
            if not self._file.closed:
                self._file.write(line)
                self._file.flush()  # a process that is killed leaves whole lines

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


class SessionRecording:
    """Observes every server that is made in this process while it is open.

    Args:
        coverage: what notes what was met; ``None`` for none.
        traffic: takes the traffic; ``None`` for none.

    Attributes:
        test: the name of the test that is running.
        paused: whether what happens now is left out.
    """

    def __init__(self, coverage: Coverage | None, traffic: TrafficFile | None) -> None:
        self._coverage, self._traffic = coverage, traffic
        self.test: str | None = None
        self.paused = False

    def __enter__(self) -> Self:
        ServerState.created.append(self._observe)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        ServerState.created.remove(self._observe)

    def _test(self, api_key: str | None) -> str | None:
        """The test behind a request: the one that is running."""
        del api_key
        return self.test

    def _observe(self, server_state: ServerState) -> None:
        traffic = self._traffic
        recorder = None
        if traffic is not None:
            recorder = TrafficRecorder(server_state, traffic.write, self._test)
        server_state.observers.append(_ServerObserver(self, self._coverage, recorder))


class ScenarioRecording(SessionRecording):
    """Observes a server on which each scenario of ``check-client`` has an API key of its own.

    Args:
        traffic: takes the traffic.
    """

    def __init__(self, traffic: TrafficFile) -> None:
        super().__init__(None, traffic)

    def _test(self, api_key: str | None) -> str | None:
        """The scenario behind a request: its name is in the key, ``XX-NAME.SECRET``."""
        return None if api_key is None else api_key.partition(".")[0].partition("-")[2]


@contextmanager
def scenario_traffic(path: Path | None) -> Iterator[Callable[[str, str], None]]:
    """Record the traffic of the scenarios that run meanwhile.

    Args:
        path: the file; ``None`` records nothing.

    Yields:
        What takes the name of a scenario and its outcome, ``passed`` or ``failed``.

    Raises:
        OSError: if the file cannot be written.
    """
    if path is None:
        yield lambda _name, _outcome: None
        return
    with closing(TrafficFile(path, "check-client")) as file, ScenarioRecording(file):
        yield lambda name, outcome: file.write({"kind": "test", "test": name, "outcome": outcome})


class _ServerObserver:
    """Hands on what happens on one server."""

    def __init__(
        self, session: SessionRecording, coverage: Coverage | None, recorder: TrafficRecorder | None
    ) -> None:
        self._session, self._coverage, self._recorder = session, coverage, recorder
        # One of all servers, whose requests come on several threads.
        self._lock = _COVERAGE_LOCK

    def note(self, entry: Flat, account: str | None, redactor: Redactor | KnownKeys) -> None:
        if self._coverage is not None:
            with self._lock:
                self._coverage.test = self._session.test
                self._coverage.note(entry, account, redactor)
        if self._recorder is not None and not self._session.paused:
            self._recorder.note(entry, account, redactor)

    def attempted(self, delivery: Delivery, account: str | None) -> None:
        if self._coverage is not None:
            with self._lock:
                self._coverage.test = self._session.test
                self._coverage.attempted(delivery, account)
        if self._recorder is not None and not self._session.paused:
            self._recorder.attempted(delivery, account)


_COVERAGE_LOCK = threading.Lock()
