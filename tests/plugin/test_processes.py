"""The plugin in processes of its own: idle, and under pytest-xdist."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.inner_runs import HEAD, WITH_PLUGIN

NO_PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

SHOW_MODULES = """
import sys
def test_nothing(): pass
def pytest_unconfigure(): print("modules:", *sys.modules)
"""

SHARED_BY_WORKERS = """
@pytest.mark.parametrize("number", range(4))
def test_order(runa_session_api, runa_session_account, runa_api, runa_server, number):
    buy(runa_session_api, idempotency_key="same")
    runa_session_account.assert_exactly_once()
    buy(runa_api, idempotency_key="same")
    runa_server.assert_exactly_once()

def test_bad(runa_api):
    runa_api.ping()
    assert not "reached"
"""


def modules(path: Path, *options: str) -> set[str]:
    """What an idle session has imported, alone in its process."""
    path.joinpath("conftest.py").write_text(SHOW_MODULES, encoding="utf-8")
    path.joinpath("test_it.py").write_text("def test_nothing(): ...", encoding="utf-8")
    done = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, path],
        env={**os.environ, **NO_PLUGINS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return set(done.stdout.partition("modules:")[2].split())


def test_an_idle_session_imports_the_plugin_alone(tmp_path: Path) -> None:
    """Beside pytest's own modules there is one more: no server, client, schema or test library."""
    without = modules(tmp_path)
    assert "_pytest.fixtures" in without
    assert "runa_pytest" not in without
    assert modules(tmp_path, "-p", "runa_pytest") - without == {"runa_pytest"}


@pytest.mark.once
def test_workers_need_no_configuration(pytester: pytest.Pytester) -> None:
    """With pytest-xdist no test meets another, and reports keep the requests of failed tests."""
    pytester.makepyfile(test_it=HEAD + SHARED_BY_WORKERS)
    result = pytester.runpytest_subprocess(*WITH_PLUGIN, "-p", "xdist", "-n", "2")
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["*- Runa requests -*", "#1 *: GET /v2/ping received 200"])
