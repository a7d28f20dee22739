"""The command ``runa-mock serve``, run as a process where it serves."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from runa_mock_server import MockServer, __version__
from runa_mock_server.cli import main
from runa_mock_server.config.serve_settings import NAMES, ServeSettings
from support.answers import refusal
from support.api import KEY, Api
from support.command import run
from support.process import MODULE, SCRIPT, Process, serving
from support.raw import connection, reply_on

FREE = ("--port", "0")
PROMPT = 120  # seconds; a stop takes a fraction of one, the rest is for a busy machine


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@pytest.mark.parametrize("command", [MODULE, SCRIPT], ids=["module", "script"])
def test_the_first_line_has_version_and_url(command: Sequence[str]) -> None:
    """Once it is written, the server answers there."""
    with serving(*FREE, command=command) as served:
        assert __version__ in served.first_line
        assert re.search(r"http://127\.0\.0\.1:[1-9][0-9]*/v2$", served.first_line)
        assert f"dashboard: {served.url}/_mock/" in served.first_line
        api = Api(served.url)
        assert api.order().status_code == 202
        api.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_at_once(number: signal.Signals) -> None:
    """Exit 0, promptly, also while a client keeps a connection open; no traceback."""
    with serving(*FREE) as served, connection(served.url) as opened:
        opened.sendall(f"GET /v2/ping HTTP/1.1\r\nHost: x\r\nX-Api-Key: {KEY}\r\n\r\n".encode())
        assert reply_on(opened).status == 200
        begin = time.monotonic()
        finished = served.stop(number)
        took = time.monotonic() - begin
    assert (finished.code, finished.err) == (0, "")
    assert finished.out.endswith("stopped\n")
    assert took < PROMPT


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_it_before_anything_is_loaded(
    number: signal.Signals, tmp_path: Path
) -> None:
    """Exit 0 and not half a traceback, also while the library of the command line is imported."""
    stopped = f"import os\nos.kill(os.getpid(), {number})\nraise RuntimeError('still here')\n"
    (tmp_path / "click.py").write_text(stopped, encoding="utf-8")
    paths = [str(tmp_path), *sys.path]
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-m", "runa_mock_server", "serve", *FREE],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_signal_stops_it_amid_a_request() -> None:
    """A body that never ends does not hold the process."""
    with serving(*FREE) as served, connection(served.url) as opened:
        head = f"POST /v2/order HTTP/1.1\r\nHost: x\r\nX-Api-Key: {KEY}\r\nX-Idempotency-Key: k\r\n"
        opened.sendall(f"{head}Content-Length: 10\r\n\r\n[".encode())
        begin = time.monotonic()
        finished = served.stop()
        took = time.monotonic() - begin
    assert (finished.code, finished.err) == (0, "")
    assert took < PROMPT


def test_a_busy_port_is_one_friendly_line() -> None:
    """Exit 1, the port and the way out in one line, no traceback."""
    with MockServer() as first:
        port = first.url.rpartition(":")[2]
        with Process("serve", "--port", port) as process:
            finished = process.finish()
    assert (finished.code, finished.out) == (1, "")
    assert len(finished.err.splitlines()) == 1
    assert port in finished.err
    assert "--port" in finished.err


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "a..b"])
def test_a_host_that_cannot_be_listened_on_is_one_friendly_line(host: str) -> None:
    """An error exit that names the host, no traceback."""
    with Process("serve", *FREE, "--host", host) as process:
        finished = process.finish()
    assert (finished.code, finished.out) in {(1, ""), (2, "")}
    assert host in finished.err
    assert "Traceback" not in finished.err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--port", "many"), "--port"),
        (("--port", "65536"), "port"),
        (("--rate-limit", "0"), "rate.limit"),
        (("--processing-delay", "-1"), "processing.delay"),
        (("--processing-delay", "nan"), "processing.delay"),
        (("--public-url", "nowhere"), "public.url"),
        (("--log-level", "loud"), "--log-level"),
        (("--log-format", "xml"), "--log-format"),
        (("--colour",), "--colour"),
        (("now",), "now"),
    ],
)
def test_a_usage_error_names_the_option(arguments: tuple[str, ...], named: str) -> None:
    """Exit 2 with the option's name on standard error, and nothing is served."""
    done = run("serve", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert re.search(named, done.stderr)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PORT", "many"), ("RUNA_MOCK_PORT", "-1"), ("RUNA_MOCK_LOG_LEVEL", "loud")],
)
def test_a_wrong_variable_is_a_usage_error(variable: str, value: str) -> None:
    """What a variable says is checked like a flag."""
    done = run("serve", **{variable: value})
    assert (done.exit_code, done.stdout) == (2, "")
    assert variable in done.stderr


@pytest.mark.parametrize("variable", ["PORT", "RUNA_MOCK_PORT"])
def test_the_port_comes_from_the_environment(variable: str) -> None:
    """The tool's own variable and the plain one of hosting platforms."""
    port = str(_free_port())
    with serving(environment={variable: port}) as served:
        assert served.url.endswith(f":{port}")


def test_settings_come_from_flags() -> None:
    """Each flag does what the setting does."""
    arguments = ("--api-key", "one", "--api-key", "two", "--rate-limit", "2", "--seed", "1")
    more = ("--no-legacy-item-fields", "--public-url", "http://mock", "--processing-delay", "0")
    with serving(*FREE, *arguments, *more, "--max-body-bytes", "1000") as served:
        api = Api(served.url, "two")
        order = api.read(api.order().json()["id"])
        assert order["status"] == "COMPLETED"
        assert order["items"][0]["payout"]["url"].startswith("http://mock/")
        assert "redemption_url" not in order["items"][0]
        assert refusal(api.order(raw=b" " * 1001)) == (413, "payload_too_large")
        assert api.order().status_code == 429
        assert api.order(X_Api_Key="one").status_code == 202
        assert refusal(api.get("/v2/ping", headers={"X-Api-Key": KEY})) == (403, "forbidden")
        api.close()


def test_settings_come_from_variables() -> None:
    """The same by environment."""
    environment = {
        "RUNA_MOCK_PORT": "0",
        "RUNA_MOCK_API_KEY": "one two",
        "RUNA_MOCK_PROCESSING_DELAY": "0",
        "RUNA_MOCK_LEGACY_ITEM_FIELDS": "false",
    }
    with serving(environment=environment) as served:
        api = Api(served.url, "two")
        order = api.read(api.order().json()["id"])
        assert order["status"] == "COMPLETED"
        assert "redemption_url" not in order["items"][0]
        assert refusal(api.get("/v2/ping", headers={"X-Api-Key": KEY})) == (403, "forbidden")
        api.close()


def test_the_help_tells_every_setting_and_its_variable() -> None:
    """Each setting is there with its flag and the variable that stands in for it."""
    done = run("serve", "--help-all", COLUMNS="200")
    flags = {NAMES[name].flag for name in ServeSettings.model_fields} | {"--config"}
    assert {"--log-level", "--log-format"} <= flags
    assert done.exit_code == 0
    for flag in flags:
        assert flag in done.output
        assert "RUNA_MOCK_" + flag[2:].replace("-", "_").upper() in done.output


def test_the_short_help_fits_two_screens() -> None:
    """Common options in groups, without variables, in under 80 lines of 80 columns."""
    done = run("serve", "--help", COLUMNS="80")
    assert done.exit_code == 0
    assert len(done.output.splitlines()) < 80
    assert "--balance CURRENCY=AMOUNT" in done.output
    assert "--help-all" in done.output
    assert "env var" not in done.output


def test_a_ready_file_has_the_url(tmp_path: Path) -> None:
    """It is there once the server answers, whole, and nothing is left beside it."""
    ready = tmp_path / "ready"
    with serving(*FREE, "--ready-file", str(ready)) as served:
        assert ready.read_text("utf-8") == f"{served.url}/v2\n"
        assert [*tmp_path.iterdir()] == [ready]


def test_a_ready_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """One line with the flag and the path, exit 2."""
    with Process("serve", *FREE, "--ready-file", str(tmp_path / "none" / "ready")) as process:
        finished = process.finish()
    assert finished.code == 2
    assert finished.err.startswith("Error: --ready-file")
    assert finished.err.count("\n") == 1


def test_the_root_leads_browsers_to_the_dashboard(server: MockServer) -> None:
    """For a program it is a path like any unknown one: 401 without a key, 404 with one."""
    page = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    found = requests.get(f"{server.url}/", headers=page, timeout=30, allow_redirects=False)
    assert (found.status_code, found.headers["Location"]) == (302, "/_mock/")
    followed = requests.get(f"{server.url}/", headers=page, timeout=30)
    assert followed.url == f"{server.url}/_mock/"
    assert requests.get(f"{server.url}/", timeout=30).status_code == 401
    with_key = requests.get(f"{server.url}/", headers={"X-Api-Key": KEY}, timeout=30)
    assert with_key.status_code == 404
    other = requests.post(f"{server.url}/", headers={"X-Api-Key": KEY, **page}, timeout=30)
    assert other.status_code == 404


def test_the_version_is_told() -> None:
    """``--version`` prints it and exits 0."""
    with Process("--version") as process:
        finished = process.finish()
    assert (finished.code, finished.err) == (0, "")
    assert __version__ in finished.out


def test_there_is_a_line_a_request_without_the_key() -> None:
    """Method, path and status of each request in turn; never the API key or the body."""
    with serving(*FREE) as served:
        api = Api(served.url)
        api.order()
        api.order(raw=b"{")
        api.get("/v2/ping")
        api.get("/v2/nothing?a=%20b")
        api.get("/v2/ping", headers={"X-Api-Key": "wg-live.very-secret"})
        api.close()
        finished = served.stop()
    lines = finished.out.splitlines()[:-1]
    expected = [
        "POST /v2/order 202",
        "POST /v2/order 400",
        "GET /v2/ping 200",
        "GET /v2/nothing?a=%20b 404",
        "GET /v2/ping 403",
    ]
    assert len(lines) == len(expected)
    for line, part in zip(lines, expected, strict=True):
        assert part in line
    for secret in (KEY, "very-secret", "1800FL-US"):
        assert secret not in finished.out + finished.err + served.first_line


def test_the_log_can_be_json() -> None:
    """Every line is an object with time, level and message, also for odd paths."""
    with serving(*FREE, "--log-format", "json") as served:
        with connection(served.url) as opened:
            head = f"Host: x\r\nX-Api-Key: {KEY}\r\nConnection: close"
            opened.sendall(b'GET /v2/"\\%ff HTTP/1.1\r\n' + head.encode() + b"\r\n\r\n")
            assert reply_on(opened).status == 404
        finished = served.stop()
    entries = [json.loads(line) for line in (served.first_line, *finished.out.splitlines())]
    assert len(entries) == 3
    assert {tuple(entry)[:3] for entry in entries} == {("time", "level", "message")}
    assert (entries[1]["method"], entries[1]["status"]) == ("GET", 404)
    assert entries[1]["error_type"] == "not_found"
    assert {entry["level"] for entry in entries} == {"info"}
    assert __version__ in entries[0]["message"]
    assert '"' in entries[1]["message"]


def test_above_info_only_the_address_is_told() -> None:
    """With ``--log-level warning`` serving well writes the first line and nothing else."""
    with serving(*FREE, "--log-level", "warning") as served:
        api = Api(served.url)
        assert api.order().status_code == 202
        api.close()
        finished = served.stop()
    assert finished.code == 0
    assert finished.out.strip() in {"", served.first_line.strip()}
    assert finished.err == ""


def test_a_client_that_hangs_up_is_no_defect() -> None:
    """Who goes away amid a body is logged as a refused request, not as a defect of the server."""
    head = "POST /v2/order HTTP/1.1\r\nHost: x\r\nX-Idempotency-Key: k\r\nContent-Length: 100\r\n"
    with serving(*FREE) as served:
        with connection(served.url) as opened:
            opened.sendall(f"{head}X-Api-Key: {KEY}\r\n\r\n{{".encode())
        api = Api(served.url)
        assert api.order(key="k").status_code == 202
        api.close()
        finished = served.stop()
    assert "defect" not in finished.out + finished.err
    assert "Traceback" not in finished.out + finished.err


def test_a_wrong_variable_is_named() -> None:
    """What comes from a variable is blamed on the variable, not on a flag that nobody gave."""
    done = run("serve", RUNA_MOCK_PROFILE="x")
    assert done.exit_code == 2
    assert "RUNA_MOCK_PROFILE: " in done.stderr


def test_every_address_is_told_as_one_that_can_be_opened() -> None:
    """Listening everywhere, the URL names the loopback address."""
    with serving(*FREE, "--host", "0.0.0.0") as served:  # noqa: S104 - the case under test
        assert served.url.startswith("http://127.0.0.1:")
        api = Api(served.url)
        assert api.get("/v2/ping").status_code == 200
        api.close()


@pytest.mark.parametrize("command", ["serve", "check-client"])
def test_windows_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """One line says that the command does not run there, and where it does; exit 2."""
    monkeypatch.setattr("os.name", "nt")
    result = CliRunner().invoke(main, [command])
    monkeypatch.undo()
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "Windows" in result.stderr
    assert "WSL" in result.stderr
