"""The pytest plugin: fixtures with a mock server, an account and a client for each test.

Without ``--runa-url`` a test has its own server, or shares the session's server. With it the same
tests call a server that is already running: a mock server gives each test a new account, a real
service uses the account of ``--runa-key``. Tests that need more than the server supports are
skipped.

Fixtures import what they need, so a session without them imports this module alone.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from runa_client import AsyncRunaClient, RunaClient
    from runa_mock_server import ControlClient, MockServer
    from runa_mock_server.testing import Pace, ScenarioRun, WebhookReport
    from runa_mock_server.testing.targets import Endpoint, ExternalTarget, Server

    CheckWebhooks = Callable[..., WebhookReport]

_REPORTER = "runa_reporter"
_MOST_REQUESTS = 50

# The reason is enough; a traceback would show the plugin's code.
_Failure = partial(pytest.fail.Exception, pytrace=False)

_watched = pytest.StashKey["ControlClient"]()
_own = pytest.StashKey["Server"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options ``--runa-...``."""
    group = parser.getgroup("runa", "double of the Runa payouts API")
    group.addoption(
        "--runa-url",
        metavar="URL",
        help="call the mock server or the real playground at URL, instead of starting servers",
    )
    group.addoption(
        "--runa-key",
        metavar="KEY",
        help="the API key for --runa-url; a mock server needs none, each test has a new one",
    )
    group.addoption(
        "--runa-coverage",
        metavar="FORMAT[:FILE]",
        nargs="?",
        const="text",
        help="show which rules of the contract the tests have met; html and json are also written "
        "to runa-coverage.html or .json, or to FILE",
    )
    group.addoption(
        "--runa-coverage-fail-under",
        metavar="PERCENT",
        type=float,
        help="fail if less of the contract was met; implies --runa-coverage",
    )
    group.addoption(
        "--runa-traffic",
        metavar="DIR",
        help="write the requests of the tests to DIR, redacted, for `runa-mock report`",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and validate the options."""
    config.addinivalue_line(
        "markers",
        "runa(**settings): settings of the test's runa server, as for MockServer, for "
        "example processing='at-once' or profile='production'",
    )
    url, key = config.option.runa_url, config.option.runa_key
    if url is not None and not url.startswith(("http://", "https://")):
        raise pytest.UsageError(f"--runa-url: must start with http:// or https://, not {url!r}")
    if key is not None and url is None:
        raise pytest.UsageError("--runa-key: needs --runa-url, the server that accepts the key")
    config.addinivalue_line(
        "markers", "runa_no_traffic: leave the requests of the test out of --runa-traffic"
    )
    _configure_recording(config)


def _configure_recording(config: pytest.Config) -> None:
    """Record coverage and traffic, if an option asks for either."""
    option = config.option
    if (option.runa_coverage, option.runa_coverage_fail_under, option.runa_traffic) != (None,) * 3:
        from runa_mock_server.testing.pytest_recording import configure

        configure(config)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Show the value of ``--runa-url``."""
    url = config.option.runa_url
    return None if url is None else f"runa: calling {url}"


@pytest.fixture
def runa_settings() -> Mapping[str, Any]:
    """Settings of the test's server, as for ``MockServer``; override this fixture."""
    return {}


@pytest.fixture(scope="session")
def runa_session_settings() -> Mapping[str, Any]:
    """Settings of the session's server, as for ``MockServer``; override this fixture."""
    return {}


@pytest.fixture(scope="session")
def _runa_external(pytestconfig: pytest.Config) -> Iterator["ExternalTarget | None"]:
    """The target of ``--runa-url``; ``None`` without the option."""
    url, key = pytestconfig.option.runa_url, pytestconfig.option.runa_key
    if url is None:
        yield None
        return
    from runa_mock_server.testing.targets import resolve

    with _outcome("--runa-url"):
        external = resolve(url, key)
    mock = external.mock
    if key is not None and hasattr(pytestconfig, "workerinput"):
        reason = "needs an account, and the workers of pytest-xdist share the one of --runa-key"
        external = external._replace(mock=None, obstacle=reason)
    yield external
    if mock is not None:
        mock.close()


@pytest.fixture
def runa_server(
    request: pytest.FixtureRequest,
    runa_settings: Mapping[str, Any],
    _runa_external: "ExternalTarget | None",
) -> Iterator["Server"]:
    """A ``MockServer`` for one test; with ``--runa-url`` the test's account on that server."""
    if _runa_external is not None:
        endpoint = request.getfixturevalue("_runa_endpoint")
        yield cast("Server", _account("runa_server", endpoint, _runa_external))
        return
    with _make_server(_wanted(runa_settings, request.node)) as server:
        request.node.stash[_own] = server
        _watch(request, server)
        yield server


@pytest.fixture(scope="session")
def runa_session_server(
    runa_session_settings: Mapping[str, Any], _runa_external: "ExternalTarget | None"
) -> Iterator["Server"]:
    """A ``MockServer`` for the session; with ``--runa-url`` the mock server there."""
    if _runa_external is not None:
        with _outcome("runa_session_server", pytest.skip.Exception):
            server = _runa_external.control()
        yield server
        return
    with _make_server(_wanted(runa_session_settings)) as own:
        yield own


@pytest.fixture
def _runa_endpoint(
    request: pytest.FixtureRequest,
    runa_settings: Mapping[str, Any],
    _runa_external: "ExternalTarget | None",
) -> Iterator["Endpoint"]:
    """Base URL and account of the test: on ``runa_server``, or at ``--runa-url``."""
    endpoint = _endpoint(request, "runa_server", runa_settings, _runa_external)
    yield endpoint
    _collect(request, endpoint, _runa_external)


@pytest.fixture
def _runa_session_endpoint(
    request: pytest.FixtureRequest,
    runa_session_settings: Mapping[str, Any],
    _runa_external: "ExternalTarget | None",
) -> Iterator["Endpoint"]:
    """Base URL and account of the test: on ``runa_session_server``, or at ``--runa-url``."""
    # The session's server was started with these settings, an external server was not.
    settings = {} if _runa_external is None else runa_session_settings
    endpoint = _endpoint(request, "runa_session_server", settings, _runa_external)
    yield endpoint
    _collect(request, endpoint, _runa_external)


@pytest.fixture
def runa_account(
    _runa_endpoint: "Endpoint", _runa_external: "ExternalTarget | None"
) -> "ControlClient":
    """Controls the test's account: clock, faults, journal, orders, emails, effects, settings."""
    return _account("runa_account", _runa_endpoint, _runa_external)


@pytest.fixture
def runa_session_account(
    _runa_session_endpoint: "Endpoint", _runa_external: "ExternalTarget | None"
) -> "ControlClient":
    """Controls the test's account on the session's server."""
    return _account("runa_session_account", _runa_session_endpoint, _runa_external)


@pytest.fixture
def runa_api(_runa_endpoint: "Endpoint") -> Iterator["RunaClient"]:
    """A client of the test's account. Its sleeps advance a stopped clock, so tests do not wait."""
    with _runa_endpoint.client() as client:
        yield client


@pytest.fixture
def runa_session_api(_runa_session_endpoint: "Endpoint") -> Iterator["RunaClient"]:
    """A client of the test's account on the session's server."""
    with _runa_session_endpoint.client() as client:
        yield client


@pytest.fixture
def runa_async_api(_runa_endpoint: "Endpoint") -> "AsyncRunaClient":
    """Like ``runa_api`` for asyncio: open it in the test's event loop with ``async with``."""
    return _runa_endpoint.async_client()


@pytest.fixture
def runa_environment(_runa_endpoint: "Endpoint", monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets ``RUNA_BASE_URL`` and ``RUNA_API_KEY`` for code that reads them."""
    monkeypatch.setenv("RUNA_BASE_URL", _runa_endpoint.base_url)
    monkeypatch.setenv("RUNA_API_KEY", _runa_endpoint.api_key)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrise a test that uses ``runa_scenario`` with every scenario."""
    if "runa_scenario" in metafunc.fixturenames:
        from runa_mock_server.testing import SCENARIOS

        metafunc.parametrize("runa_scenario", list(SCENARIOS), indirect=True)


@pytest.fixture(scope="session")
def runa_pace() -> "Pace":
    """Durations in the scenarios of ``runa_scenario``; override this fixture."""
    from runa_mock_server.testing import Pace

    return Pace()


@pytest.fixture
def runa_scenario(
    request: pytest.FixtureRequest, runa_server: "Server", runa_pace: "Pace"
) -> Iterator["ScenarioRun"]:
    """A run of a scenario of ``runa-mock check-client``, with a new account.

    The test calls its client with ``base_url`` and ``api_key``, and ends with ``check()``.
    """
    from runa_mock_server.testing import run_scenario

    run = run_scenario(runa_server, request.param, runa_pace)
    _watch(request, run.account)
    failures = request.session.testsfailed
    yield run
    if not run.was_checked and request.session.testsfailed == failures:
        raise _Failure("runa_scenario: call runa_scenario.check() at the end of the test")


@pytest.fixture(scope="session")
def runa_check_webhooks() -> "CheckWebhooks":
    """Checks a running webhook handler, and fails the test with what it does wrong.

    Takes the URL of the handler, and the other fields of ``runa_mock_server.testing.Handler`` by
    name: ``secret``, ``observe`` and more. Returns the report.
    """
    from runa_mock_server.testing import Handler, check_webhooks
    from runa_mock_server.testing.webhook_scenarios.observing import ObserveError
    from runa_mock_server.testing.webhook_scenarios.run import UnreachableError

    def check(url: str, **fields: Any) -> "WebhookReport":
        __tracebackhide__ = True
        try:
            report = check_webhooks(Handler(url, **fields))
        except (UnreachableError, ObserveError, ValueError) as error:
            raise _Failure(f"runa_check_webhooks: {url}: {error}") from None
        report.check()
        return report

    return check


class _Reporter:
    """Adds the requests and responses of a failed test to its report."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        controls = item.stash.get(_watched, None)
        if controls is not None and report.failed:
            report.sections.append(("Runa requests", _timeline_of(controls)))
        return report


def _timeline_of(controls: "ControlClient") -> str:
    from runa_mock_server.control_client.timeline import request_timeline

    try:
        return request_timeline(controls.journal.read(limit=_MOST_REQUESTS))
    except Exception as error:  # noqa: BLE001 - the failure of the test is what the report is about
        return f"The journal cannot be read: {error}"


def _watch(request: pytest.FixtureRequest, controls: "ControlClient") -> None:
    """Show the requests of the account or server in the report if the test fails."""
    request.node.stash[_watched] = controls
    plugins = request.config.pluginmanager
    if not plugins.has_plugin(_REPORTER):
        plugins.register(_Reporter(), _REPORTER)


def _endpoint(
    request: pytest.FixtureRequest,
    fixture: str,
    settings: Mapping[str, Any],
    external: "ExternalTarget | None",
) -> "Endpoint":
    """The base URL and the account of a test.

    Args:
        request: the request of a fixture of the test.
        fixture: the name of the server fixture, which is used without ``--runa-url``.
        settings: the settings of the fixture; the test's markers override them.
        external: the target of ``--runa-url``.
    """
    from runa_mock_server.testing.targets import on_own_server, on_shared_server

    node = request.node
    wanted = _wanted(settings, node)
    if external is not None:
        with _outcome("--runa-url", pytest.skip.Exception):
            endpoint = external.endpoint(node.nodeid, wanted)
    else:
        server = request.getfixturevalue(fixture)
        if server is node.stash.get(_own, None):
            return on_own_server(server, node.nodeid)
        with _outcome(fixture):
            endpoint = on_shared_server(server, node.nodeid, wanted)
    if endpoint.account is not None:
        _watch(request, endpoint.account)
    return endpoint


def _collect(
    request: pytest.FixtureRequest, endpoint: "Endpoint", external: "ExternalTarget | None"
) -> None:
    """Record what a server in another process knows of a test; others are observed anyway."""
    recording = request.config.pluginmanager.get_plugin("runa_recording")
    if recording is not None and external is not None and endpoint.account is not None:
        recording.collect(endpoint.account, request.node.nodeid)


def _account(
    fixture: str, endpoint: "Endpoint", external: "ExternalTarget | None"
) -> "ControlClient":
    """The controls of the account; skips the test if the account cannot be controlled."""
    if endpoint.account is None:
        pytest.skip(f"{fixture}: {external and external.obstacle}")
    return endpoint.account


def _make_server(wanted: Mapping[str, Any]) -> "MockServer":
    from runa_mock_server import MockServer

    with _outcome("runa settings"):
        return MockServer(**wanted)


def _wanted(settings: Mapping[str, Any], node: pytest.Item | None = None) -> dict[str, Any]:
    """The settings of a fixture, overridden by the test's markers, of which the closest wins."""
    if not isinstance(settings, Mapping):
        raise _Failure(f"runa settings: must be a mapping, not {settings!r}")
    wanted = dict(settings)
    for marker in () if node is None else reversed(list(node.iter_markers("runa"))):
        if marker.args:
            raise _Failure(
                "@pytest.mark.runa: takes settings by name, such as processing='at-once'"
            )
        wanted |= marker.kwargs
    if wanted:
        from runa_mock_server.testing.targets import check

        with _outcome("runa settings"):
            check(wanted)
    return wanted


@contextmanager
def _outcome(
    subject: str, unsupported: Callable[[str], BaseException] = _Failure
) -> Iterator[None]:
    """Turn errors into a test outcome with the reason and without a traceback.

    Args:
        subject: the start of the reason: an option, a fixture or a marker.
        unsupported: the outcome if the target does not support the test; by default it fails.
    """
    from runa_mock_server.testing.targets import UnsupportedError

    try:
        yield
    except UnsupportedError as error:
        raise unsupported(f"{subject}: {error}") from None
    except (ConnectionError, ValueError) as error:
        raise _Failure(f"{subject}: {error}") from None
