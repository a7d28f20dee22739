"""The pytest plugin: a mock server, an account and a client for each test that asks for them.

Without ``--runa-url`` a test has a server of its own, or shares the session's. With it the same
tests call a server that runs already, each with an account of its own on a mock server, all with
``--runa-key`` on a real service; what cannot be done there is skipped.

All of it hangs on fixtures. Who uses none pays for the import of this module alone, so what is
heavy is imported inside them.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from runa_client import AsyncRunaClient, RunaClient
    from runa_mock_server import Controls, MockServer
    from runa_mock_server.testing.client_scenarios import PlayedScenario
    from runa_mock_server.testing.targets import Elsewhere, Endpoint, Server

_REPORTER = "runa_reporter"
_MOST_REQUESTS = 50

# No traceback: it would show the plugin, and the reason says all.
_Failed = partial(pytest.fail.Exception, pytrace=False)

_watched = pytest.StashKey["Controls"]()
_own = pytest.StashKey["Server"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--runa-url`` and ``--runa-key``."""
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


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and refuse options that cannot be meant."""
    config.addinivalue_line(
        "markers",
        "runa(**settings): settings of the test's runa server, as MockServer takes them, for "
        "example processing='at-once' or profile='production'",
    )
    url, key = config.option.runa_url, config.option.runa_key
    if url is not None and not url.startswith(("http://", "https://")):
        raise pytest.UsageError(f"--runa-url: must start with http:// or https://, not {url!r}")
    if key is not None and url is None:
        raise pytest.UsageError("--runa-key: needs --runa-url, where the key is good")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say where the tests are aimed, if that is not at servers of their own."""
    url = config.option.runa_url
    return None if url is None else f"runa: calling {url}"


@pytest.fixture
def runa_settings() -> Mapping[str, Any]:
    """Settings of the test's server, as ``MockServer`` takes them: override it."""
    return {}


@pytest.fixture(scope="session")
def runa_session_settings() -> Mapping[str, Any]:
    """Settings of the session's server, as ``MockServer`` takes them: override it."""
    return {}


@pytest.fixture(scope="session")
def _runa_elsewhere(pytestconfig: pytest.Config) -> Iterator["Elsewhere | None"]:
    """What ``--runa-url`` leads to, if it was given."""
    url, key = pytestconfig.option.runa_url, pytestconfig.option.runa_key
    if url is None:
        yield None
        return
    from runa_mock_server.testing.targets import reach

    with _plainly("--runa-url"):
        elsewhere = reach(url, key)
    mock = elsewhere.mock
    if key is not None and hasattr(pytestconfig, "workerinput"):
        reason = "needs an account, and the workers of pytest-xdist share the one of --runa-key"
        elsewhere = elsewhere._replace(mock=None, obstacle=reason)
    yield elsewhere
    if mock is not None:
        mock.close()


@pytest.fixture
def runa_server(
    request: pytest.FixtureRequest,
    runa_settings: Mapping[str, Any],
    _runa_elsewhere: "Elsewhere | None",
) -> Iterator["Server"]:
    """A ``MockServer`` for the test alone; with ``--runa-url`` its account on the one there."""
    if _runa_elsewhere is not None:
        endpoint = request.getfixturevalue("_runa_endpoint")
        yield cast("Server", _account("runa_server", endpoint, _runa_elsewhere))
        return
    with _make_server(_wanted(runa_settings, request.node)) as server:
        request.node.stash[_own] = server
        _watch(request, server)
        yield server


@pytest.fixture(scope="session")
def runa_session_server(
    runa_session_settings: Mapping[str, Any], _runa_elsewhere: "Elsewhere | None"
) -> Iterator["Server"]:
    """A ``MockServer`` for the session; with ``--runa-url`` the one there."""
    if _runa_elsewhere is not None:
        with _plainly("runa_session_server", pytest.skip.Exception):
            server = _runa_elsewhere.control()
        yield server
        return
    with _make_server(_wanted(runa_session_settings)) as own:
        yield own


@pytest.fixture
def _runa_endpoint(
    request: pytest.FixtureRequest,
    runa_settings: Mapping[str, Any],
    _runa_elsewhere: "Elsewhere | None",
) -> "Endpoint":
    """Where and as whom the test calls: on ``runa_server``, or where ``--runa-url`` leads."""
    return _endpoint(request, "runa_server", runa_settings, _runa_elsewhere)


@pytest.fixture
def _runa_session_endpoint(
    request: pytest.FixtureRequest,
    runa_session_settings: Mapping[str, Any],
    _runa_elsewhere: "Elsewhere | None",
) -> "Endpoint":
    """Where and as whom the test calls: on ``runa_session_server``, or at ``--runa-url``."""
    # The session's server was started with its settings; a server elsewhere was not.
    settings = {} if _runa_elsewhere is None else runa_session_settings
    return _endpoint(request, "runa_session_server", settings, _runa_elsewhere)


@pytest.fixture
def runa_account(_runa_endpoint: "Endpoint", _runa_elsewhere: "Elsewhere | None") -> "Controls":
    """Controls the test's account: clock, faults, journal, orders, mails, effects, settings."""
    return _account("runa_account", _runa_endpoint, _runa_elsewhere)


@pytest.fixture
def runa_session_account(
    _runa_session_endpoint: "Endpoint", _runa_elsewhere: "Elsewhere | None"
) -> "Controls":
    """Controls the test's account on the session's server."""
    return _account("runa_session_account", _runa_session_endpoint, _runa_elsewhere)


@pytest.fixture
def runa_api(_runa_endpoint: "Endpoint") -> Iterator["RunaClient"]:
    """A client of the test's account. Where time stands still, its pauses move the clock."""
    with _runa_endpoint.client() as client:
        yield client


@pytest.fixture
def runa_session_api(_runa_session_endpoint: "Endpoint") -> Iterator["RunaClient"]:
    """A client of the test's account on the session's server."""
    with _runa_session_endpoint.client() as client:
        yield client


@pytest.fixture
def runa_async_api(_runa_endpoint: "Endpoint") -> "AsyncRunaClient":
    """Like ``runa_api`` for asyncio: open it in the test's event loop, with ``async with``."""
    return _runa_endpoint.async_client()


@pytest.fixture
def runa_environment(_runa_endpoint: "Endpoint", monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets ``RUNA_BASE_URL`` and ``RUNA_API_KEY``, for code that reads them."""
    monkeypatch.setenv("RUNA_BASE_URL", _runa_endpoint.base_url)
    monkeypatch.setenv("RUNA_API_KEY", _runa_endpoint.api_key)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes ``runa_scenario`` once for each of the scenarios."""
    if "runa_scenario" in metafunc.fixturenames:
        from runa_mock_server.testing.client_scenarios import SCENARIOS

        metafunc.parametrize("runa_scenario", list(SCENARIOS), indirect=True)


@pytest.fixture
def runa_scenario(
    request: pytest.FixtureRequest, runa_server: "Server"
) -> Iterator["PlayedScenario"]:
    """One of the scenarios of ``runa-mock check-client``, played to an account of its own.

    The test has its client called with ``base_url`` and ``api_key``, and ends with ``check()``.
    """
    from runa_mock_server.testing.client_scenarios import play

    played = play(runa_server, request.param)
    _watch(request, played.account)
    failures = request.session.testsfailed
    yield played
    if not played.was_checked and request.session.testsfailed == failures:
        raise _Failed("runa_scenario: call runa_scenario.check() at the end of the test")


class _Reporter:
    """Shows what a failed test asked for, and what it was told."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        controls = item.stash.get(_watched, None)
        if controls is not None and report.failed:
            report.sections.append(("Runa requests", _story_of(controls)))
        return report


def _story_of(controls: "Controls") -> str:
    from runa_mock_server.control_client.effects_text import story_of_requests

    try:
        return story_of_requests(controls.journal.read(limit=_MOST_REQUESTS))
    except Exception as error:  # noqa: BLE001 - whatever it is, the test's own failure comes first
        return f"The journal cannot be read: {error}"


def _watch(request: pytest.FixtureRequest, controls: "Controls") -> None:
    """Show the requests in the report if the test fails."""
    request.node.stash[_watched] = controls
    plugins = request.config.pluginmanager
    if not plugins.has_plugin(_REPORTER):
        plugins.register(_Reporter(), _REPORTER)


def _endpoint(
    request: pytest.FixtureRequest,
    fixture: str,
    settings: Mapping[str, Any],
    elsewhere: "Elsewhere | None",
) -> "Endpoint":
    """Where and as whom a test calls.

    Args:
        request: that of a fixture of the test.
        fixture: the name of the fixture that gives the server, unless it is elsewhere.
        settings: how the server is to be; the test's markers come on top.
        elsewhere: what ``--runa-url`` leads to.
    """
    from runa_mock_server.testing.targets import on_own_server, on_shared_server

    node = request.node
    wanted = _wanted(settings, node)
    if elsewhere is not None:
        with _plainly("--runa-url", pytest.skip.Exception):
            endpoint = elsewhere.endpoint(node.nodeid, wanted)
    else:
        server = request.getfixturevalue(fixture)
        if server is node.stash.get(_own, None):
            return on_own_server(server, node.nodeid)
        with _plainly(fixture):
            endpoint = on_shared_server(server, node.nodeid, wanted)
    if endpoint.account is not None:
        _watch(request, endpoint.account)
    return endpoint


def _account(fixture: str, endpoint: "Endpoint", elsewhere: "Elsewhere | None") -> "Controls":
    """What controls the account; skips the test where nothing does."""
    if endpoint.account is None:
        pytest.skip(f"{fixture}: {elsewhere and elsewhere.obstacle}")
    return endpoint.account


def _make_server(wanted: Mapping[str, Any]) -> "MockServer":
    from runa_mock_server import MockServer

    with _plainly("runa settings"):
        return MockServer(**wanted)


def _wanted(settings: Mapping[str, Any], node: pytest.Item | None = None) -> dict[str, Any]:
    """The settings of a fixture, and those of a test's markers on top: the closest win."""
    if not isinstance(settings, Mapping):
        raise _Failed(f"runa settings: must be a mapping, not {settings!r}")
    wanted = dict(settings)
    for marker in () if node is None else reversed(list(node.iter_markers("runa"))):
        if marker.args:
            raise _Failed("@pytest.mark.runa: takes settings by name, such as processing='at-once'")
        wanted |= marker.kwargs
    if wanted:
        from runa_mock_server.testing.targets import check

        with _plainly("runa settings"):
            check(wanted)
    return wanted


@contextmanager
def _plainly(subject: str, not_here: Callable[[str], BaseException] = _Failed) -> Iterator[None]:
    """End a test with the reason alone, without a traceback, where something is refused.

    Args:
        subject: what the reason is about.
        not_here: the outcome if what it needs is not there; by default it fails.
    """
    from runa_mock_server.testing.targets import NotHereError

    try:
        yield
    except NotHereError as error:
        raise not_here(f"{subject}: {error}") from None
    except (ConnectionError, ValueError) as error:
        raise _Failed(f"{subject}: {error}") from None
