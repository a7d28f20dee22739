"""Runs of pytest inside a test."""

import pytest

from support.inner_runs import HEAD, WITH_PLUGIN, Run


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs tests in this process, with the plugin and with warnings as errors.

    Takes the source of a test module, which can order with ``buy(client)``, and arguments.
    """
    monkeypatch.delenv("RUNA_API_KEY", raising=False)
    # Whatever is aimed by the environment instead of by an option fails at once.
    monkeypatch.setenv("RUNA_BASE_URL", "http://127.0.0.1:9/v2")

    def run_it(source: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(test_it=HEAD + source)
        return pytester.runpytest_inprocess(*WITH_PLUGIN, *arguments)

    return run_it
