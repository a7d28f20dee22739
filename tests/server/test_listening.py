"""How ``runa-mock serve`` starts and ends: where it listens, from when on, and what stops it."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from runa_mock_server import MockServer, SettingsError
from runa_mock_server.cli import main
from support.api import Api
from support.command import run
from support.process import MODULE, serving

FREE = ("--port", "0")
BOTH = ("--host", "127.0.0.1", "--host", "::1")

# The command as it is run; a client asks at the moment when pydantic is about to be loaded.
ASKED_EARLY = """
import os, signal, socket, sys, threading
from runa_mock_server.cli import main

bound = []
asked = []


def read(client):
    print(client.recv(100).split(b"\\r\\n")[0].decode())
    os.kill(os.getpid(), signal.SIGTERM)


def watch(event, arguments):
    if event == "socket.bind":
        bound.append(arguments[0])
    if event == "import" and arguments[0] == "pydantic" and not asked:
        asked.append(socket.create_connection(bound[0].getsockname()))
        asked[0].sendall(b"GET /_mock/health HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
        threading.Thread(target=read, args=asked).start()


sys.addaudithook(watch)
main()
"""


def _ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _ipv6(), reason="this computer has no IPv6")


def test_a_client_that_comes_while_it_loads_is_answered() -> None:
    """A connection waits from the moment on when the socket is bound, and is not dropped."""
    done = subprocess.run(  # noqa: S603 - this interpreter, a literal program
        [sys.executable, "-c", ASKED_EARLY, "serve", *FREE, "--log-level", "warning"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "HTTP/1.1 200 OK" in done.stdout.splitlines()


def test_it_listens_where_all_options_together_say() -> None:
    """A value that looks like another option is still a value."""
    with serving("--api-key", "--host=192.0.2.1", *FREE) as served:
        assert served.url.startswith("http://127.0.0.1:")
        api = Api(served.url, "--host=192.0.2.1")
        assert api.get("/v2/ping").status_code == 200
        api.close()


@needs_ipv6
@pytest.mark.parametrize("source", ["flag", "variable", "file"])
def test_it_listens_on_several_addresses(tmp_path: Path, source: str) -> None:
    """IPv4 and IPv6 on one port; the URL names the first."""
    file = tmp_path / "runa-mock.json"
    file.write_text(json.dumps({"host": ["127.0.0.1", "::1"], "port": 0}), encoding="utf-8")
    arguments = {"flag": (*FREE, *BOTH), "variable": FREE, "file": ("--config", str(file))}
    environment = {"RUNA_MOCK_HOST": "127.0.0.1 ::1"} if source == "variable" else {}
    with serving(*arguments[source], environment=environment) as served:
        assert served.url.startswith("http://127.0.0.1:")
        for url in (served.url, served.url.replace("127.0.0.1", "[::1]")):
            api = Api(url)
            assert api.get("/v2/ping").status_code == 200
            api.close()


@needs_ipv6
def test_a_server_in_python_listens_on_several_addresses() -> None:
    """`host` takes an address or a list of them, and nothing else."""
    with MockServer(host=["::1", "127.0.0.1"]) as server:
        assert server.url.startswith("http://[::1]:")
        api = Api(server.url.replace("[::1]", "127.0.0.1"))
        assert api.get("/v2/ping").status_code == 200
        api.close()
    wrong: Any
    for wrong in ("", [], [""], [1], None):
        with pytest.raises(SettingsError, match=r"^host: must be an address, or a list"):
            MockServer(host=wrong)


def test_signals_that_stop_it() -> None:
    """SIGHUP, which a closed terminal sends, stops it cleanly, too."""
    with serving(*FREE) as served:
        finished = served.stop(signal.SIGHUP)
    assert (finished.code, finished.err) == (0, "")
    assert finished.out.endswith("stopped\n")


def test_nohup_is_heeded() -> None:
    """Where SIGHUP is ignored at the start it does not stop the server."""
    with serving(*FREE, command=("nohup", *MODULE)) as served:
        served.process.send(signal.SIGHUP)
        for _ in range(2):  # a server that stops might still take the first
            api = Api(served.url)
            assert api.get("/v2/ping").status_code == 200
            api.close()
        assert served.stop().code == 0


@pytest.mark.parametrize(
    ("variable", "named"),
    [
        ("RUNA_MOCK_PROT", "RUNA_MOCK_PORT"),
        ("RUNA_MOCK_API_KEYS", "RUNA_MOCK_API_KEY"),
        ("RUNA_MOCK_CONFG", "RUNA_MOCK_CONFIG"),
        ("RUNA_MOCK_ZZZ", ""),
    ],
)
@pytest.mark.parametrize("command", ["serve", "config"])
def test_an_unknown_variable_is_refused(command: str, variable: str, named: str) -> None:
    """Exit 2 with its name and the nearest known one, if one is near."""
    done = run(command, **{variable: "1"})
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{variable}: there is no such variable" in done.stderr
    assert (f"did you mean '{named}'?" in done.stderr) == bool(named)


@pytest.mark.parametrize("command", [("config", "--format", "json"), ("health",)])
def test_variables_of_an_orchestrator_are_ignored(command: tuple[str, ...]) -> None:
    """Kubernetes and Docker describe a service called runa-mock; none of that is a setting."""
    with MockServer() as server:
        port = server.url.rpartition(":")[2]
        injected = {
            "RUNA_MOCK_SERVICE_HOST": "10.0.0.7",
            "RUNA_MOCK_SERVICE_PORT": "80",
            "RUNA_MOCK_SERVICE_PORT_HTTP": "80",
            "RUNA_MOCK_PORT": "tcp://10.0.0.7:80",
            "RUNA_MOCK_PORT_80_TCP": "tcp://10.0.0.7:80",
            "RUNA_MOCK_PORT_80_TCP_ADDR": "10.0.0.7",
            "PORT": port,
        }
        done = run(*command, **injected)
    assert done.exit_code == 0, done.output
    assert port in done.output


@pytest.mark.parametrize(
    ("arguments", "warned"),
    [
        (("--host", "0.0.0.0"), True),  # noqa: S104 - the case under test
        (("--host", "0.0.0.0", "--control-token", "x"), False),  # noqa: S104 - as above
        (("--host", "0.0.0.0", "--no-control"), False),  # noqa: S104 - as above
        (("--host", "localhost"), False),
    ],
)
def test_an_open_control_api_is_warned_of(arguments: tuple[str, ...], warned: bool) -> None:
    """One line with the way out, where other computers can use it without a token."""
    with serving(*FREE, *arguments, "--log-level", "warning") as served:
        finished = served.stop()
    assert len(finished.out.splitlines()) == warned
    assert ("--control-token" in finished.out) == warned
    assert finished.err == ""


def test_a_wrong_setting_frees_the_port() -> None:
    """Whoever is refused for a flag can start again with the port at once."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    assert run("serve", "--port", port, "--rate-limit", "0").exit_code == 2
    with serving("--port", port) as served:
        assert served.url.endswith(f":{port}")


@pytest.mark.parametrize("command", main.list_commands(click.Context(main)))
def test_the_list_of_commands_says_what_their_help_says(command: str) -> None:
    """`runa-mock --help` lists each command with the first line of its own help."""
    listed = run("--help", COLUMNS="200").output
    own = run(command, "--help", COLUMNS="200").output.split("\n\n")[1].strip()
    assert f"{command} " in listed
    assert own.split("\n")[0] in listed


def test_colours_are_left_out_on_demand() -> None:
    """NO_COLOR turns them off where they would be used otherwise."""
    plain, coloured = (
        CliRunner().invoke(main, ["demo"], color=True, env={"NO_COLOR": value})
        for value in ("1", None)
    )
    assert plain.exit_code == coloured.exit_code == 0
    assert "\x1b[" in coloured.output
    assert "\x1b[" not in plain.output
