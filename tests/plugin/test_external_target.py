"""``--runa-url`` and ``--runa-key``: the same tests on a mock server elsewhere, or a real one."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from runa_mock_server import MockServer
from support.api import KEY
from support.inner_runs import Run


class PingOnly(BaseHTTPRequestHandler):
    """A service of another make, which has no control API."""

    def do_GET(self) -> None:
        """Answer to a ping, and to nothing else."""
        known = self.path == "/v2/ping"
        text = b'{"message": "pong"}' if known else b'{"type": "not_found", "message": "Nothing."}'
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's name
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    """The base URL of a service that is no mock server."""
    with HTTPServer(("127.0.0.1", 0), PingOnly) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v2"
        server.shutdown()
        thread.join()


def test_a_mock_server_elsewhere_gives_each_test_an_account(run: Run) -> None:
    """The tests order there, alone, with what can be set for an account; the rest is skipped."""
    with MockServer() as server:
        result = run(
            """
@pytest.fixture
def runa_settings():
    return {"profile": "playground", "processing": "reads:1"}

@pytest.mark.parametrize("number", range(2))
def test_account(runa_api, runa_account, number):
    runa_account.faults.arm("reset", "after_commit", method="POST")
    assert not list(runa_api.iter_orders())
    buy(runa_api, idempotency_key="same")
    runa_account.assert_exactly_once()
    assert runa_account.settings.processing == "reads:1"

def test_server(runa_api, runa_server, runa_account):
    buy(runa_api)
    assert len(runa_server.orders) == 1
    assert runa_server.base_url.endswith("/v2")
    assert runa_server is runa_account

@pytest.mark.runa(clock="manual", processing="seconds:30")
def test_time(runa_api):
    assert runa_api.wait_for_order(buy(runa_api), timeout=40).status == "COMPLETED"

def test_session(runa_session_api, runa_session_server):
    buy(runa_session_api)
    assert len(runa_session_server.orders) == 5

@pytest.mark.runa(seed=1)
def test_seed(runa_api): pass

def test_failing(runa_api):
    runa_api.ping()
    assert not "reached"
""",
            "--runa-url",
            server.url,
        )
        result.assert_outcomes(passed=5, skipped=1, failed=1)
        result.stdout.fnmatch_lines(
            [
                f"runa: calling {server.url}",
                "#* XX-test-failing~*: GET /v2/ping received 200",
                f"SKIPPED*--runa-url: seed: the test wants 1, {server.url} has None",
            ]
        )
        assert len(server.orders) == 5
        assert server.settings == MockServer().settings


def test_one_key_is_cleaned_for_each_test(run: Run) -> None:
    """With ``--runa-key`` the tests have one account on a mock server, fresh each time."""
    with MockServer(api_keys=[KEY]) as server:
        run(
            """
@pytest.mark.parametrize("number", range(2))
def test_account(runa_api, runa_account, number):
    assert not list(runa_api.iter_orders())
    assert not list(runa_account.faults)
    runa_account.faults.arm("hang", times=None, path="/v2/nothing")
    buy(runa_api)
""",
            f"--runa-url={server.url}/v2/",
            f"--runa-key={KEY}",
        ).assert_outcomes(passed=2)


ON_A_SERVICE = """
import os

def test_client(runa_api, runa_session_api, runa_environment):
    assert runa_api.ping() == runa_session_api.ping() == "pong"
    assert os.environ["RUNA_API_KEY"] == "XX-test.secret"

@pytest.mark.runa(profile="playground", rate_limit=None)
def test_as_it_is(runa_api): runa_api.ping()

def test_account(runa_account): assert not "reached"
def test_server(runa_server): assert not "reached"
def test_session_account(runa_session_account): assert not "reached"
def test_session_server(runa_session_server): assert not "reached"

@pytest.mark.runa(processing="never")
def test_setting(runa_api): assert not "reached"

def test_failing(runa_api): raise ValueError
"""


def test_a_real_service_gets_what_it_can_do(run: Run, service: str) -> None:
    """Clients work, with the one key; control and settings are skipped, each with a reason."""
    result = run(ON_A_SERVICE, f"--runa-url={service}", f"--runa-key={KEY}")
    result.assert_outcomes(passed=2, skipped=5, failed=1)
    fixtures = ("runa_account", "runa_server", "runa_session_account", "runa_session_server")
    result.stdout.fnmatch_lines_random(
        [f"SKIPPED*: {name}: needs a mock server: *" for name in fixtures]
        + ["SKIPPED*: processing: the test wants 'never', but it needs a mock server: *"]
    )
    assert KEY not in result.stdout.str()


def test_a_mock_server_without_control_is_like_a_real_service(run: Run) -> None:
    """The reason is another one."""
    with MockServer(control=False) as server:
        result = run(ON_A_SERVICE, f"--runa-url={server.url}", f"--runa-key={KEY}")
    result.assert_outcomes(passed=2, skipped=5, failed=1)
    result.stdout.fnmatch_lines("SKIPPED*: runa_account: needs the control API: *")


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (None, "no mock server; a real service needs an API key"),
        ("wg-live.secret", "URL or API key is of production, where orders cost money"),
        ("XX two words", "the API key * white space"),
    ],
)
def test_a_key_that_is_not_for_tests_is_refused(
    run: Run, service: str, key: str | None, reason: str
) -> None:
    """Each test fails with the reason, before anything is ordered."""
    options = [f"--runa-url={service}", *([] if key is None else [f"--runa-key={key}"])]
    result = run("def test(runa_api): assert not 'reached'", *options)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(f"--runa-url: *{reason}*")
    assert key is None or key not in result.stdout.str()


def test_a_key_that_is_not_accepted_is_told(run: Run) -> None:
    """Once for all, and not as a failed call in the midst of a test."""
    with MockServer(api_keys=["XX-another.key"]) as server:
        result = run("def test(runa_api): ...", f"--runa-url={server.url}", f"--runa-key={KEY}")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines("--runa-url: *The API key is not accepted here*")


def test_where_nothing_answers_each_test_says_so(run: Run) -> None:
    """A server that is down is no reason to skip."""
    with MockServer() as server:
        url = server.url
    result = run("def test(runa_api): ...", f"--runa-url={url}", f"--runa-key={KEY}")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines("--runa-url: *refused*")


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("--runa-key=XX-a.b", "--runa-key: needs --runa-url"),
        ("--runa-url=playground.runa.io", "--runa-url: must start with http:// or https://"),
        ("--runa-url=", "--runa-url: must start with http:// or https://"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(run: Run, option: str, reason: str) -> None:
    """At once, as a usage error."""
    result = run("def test(): ...", option)
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(f"*{reason}*")


def test_workers_do_not_share_an_account(run: Run, pytester: pytest.Pytester) -> None:
    """With one key for several workers, clients work and control, which would clean, is skipped."""
    pytester.makeconftest("def pytest_configure(config): config.workerinput = {}")
    with MockServer() as server:
        server.account(KEY).faults.arm("delay", path="/v2/nothing", delay=0)
        result = run(ON_A_SERVICE, f"--runa-url={server.url}", f"--runa-key={KEY}")
        assert len(list(server.account(KEY).faults)) == 1
    result.assert_outcomes(passed=2, skipped=5, failed=1)
    result.stdout.fnmatch_lines("SKIPPED*: runa_account: * workers of pytest-xdist share *")
