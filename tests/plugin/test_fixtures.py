"""The fixtures and the marker, on servers of the tests' own."""

import json
import threading
from pathlib import Path

import pytest

import runa_pytest
from runa_mock_server.testing import SCENARIOS
from support.inner_runs import Run

HOOKS = {
    "pytest_addoption",
    "pytest_configure",
    "pytest_generate_tests",
    "pytest_report_header",
}
FIXTURES = {
    "runa_account",
    "runa_api",
    "runa_async_api",
    "runa_check_webhooks",
    "runa_environment",
    "runa_pace",
    "runa_scenario",
    "runa_server",
    "runa_session_account",
    "runa_session_api",
    "runa_session_server",
    "runa_session_settings",
    "runa_settings",
}


def test_every_fixture_is_ready_to_use(run: Run) -> None:
    """Clients order, accounts control, the environment leads to the server, nothing is left."""
    before = set(threading.enumerate())
    result = run("""
import asyncio, os, unittest
from runa_client import RunaClient

def test_client_and_account(runa_api, runa_account):
    runa_account.faults.arm("reset", "after_commit", method="POST")
    receipt = buy(runa_api)
    runa_account.assert_exactly_once()
    assert [order.id for order in runa_account.orders] == [receipt.id]

def test_fresh(runa_api, runa_server):
    assert not list(runa_api.iter_orders())
    assert not len(runa_server.journal.read(status=202).requests)

def test_async(runa_async_api, runa_account):
    async def order():
        async with runa_async_api as client:
            return await client.create_order(TEN, currency="USD")
    assert asyncio.run(order()).id == runa_account.orders.list()[0].id

def test_environment(runa_environment, runa_server):
    with RunaClient() as client:
        buy(client)
    assert os.environ["RUNA_BASE_URL"] == runa_server.base_url
    runa_server.assert_exactly_once()

@pytest.mark.usefixtures("runa_environment")
class PayoutsTest(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _mock(self, runa_account):
        self.account = runa_account

    def test_it(self):
        with RunaClient() as client:
            buy(client)
        self.account.assert_exactly_once()
""")
    result.assert_outcomes(passed=5)
    assert set(threading.enumerate()) == before


def test_pauses_move_a_clock_that_stands_still(run: Run) -> None:
    """Waiting for an order takes the server's time and no other, on any server, either client."""
    run("""
import asyncio

@pytest.fixture(scope="session")
def runa_session_settings():
    return {"processing_delay": 60}

@pytest.mark.runa(clock="manual", processing_delay=60)
def test_own(runa_api, runa_async_api, runa_server):
    start = runa_server.clock.now()
    assert runa_api.wait_for_order(buy(runa_api), timeout=90).status == "COMPLETED"
    assert (runa_server.clock.now() - start).total_seconds() >= 60

    async def order():
        async with runa_async_api as client:
            receipt = await client.create_order(TEN, currency="USD")
            return await client.wait_for_order(receipt, timeout=90)
    assert asyncio.run(order()).status == "COMPLETED"

@pytest.mark.runa(clock="manual")
def test_shared(runa_session_api, runa_session_account, runa_session_server):
    start = runa_session_account.clock.now()
    receipt = buy(runa_session_api)
    assert runa_session_api.wait_for_order(receipt, timeout=90).status == "COMPLETED"
    assert (runa_session_account.clock.now() - start).total_seconds() >= 60
    assert runa_session_server.clock.speed == 1
""").assert_outcomes(passed=2)


def test_the_closest_setting_wins(run: Run) -> None:
    """A module's ``runa_settings`` beat the defaults, markers beat those, the closest most."""
    run("""
pytestmark = pytest.mark.runa(seed=2, rate_limit=20)

@pytest.fixture
def runa_settings():
    return {"seed": 1, "processing_delay": 5}

def shown(server):
    return server.settings.seed, server.settings.rate_limit, server.settings.processing_delay

def test_module(runa_server):
    assert shown(runa_server) == (2, 20, 5)

@pytest.mark.runa(seed=3)
class TestClass:
    def test_class(self, runa_server):
        assert shown(runa_server) == (3, 20, 5)

    @pytest.mark.runa(rate_limit=None)
    def test_function(self, runa_server):
        assert shown(runa_server) == (3, None, 5)

@pytest.mark.runa(profile="production", balances={"USD": "10"})
def test_production(runa_api):
    assert buy(runa_api).status == "PROCESSING"
""").assert_outcomes(passed=4)


@pytest.mark.parametrize(
    ("marker", "reason"),
    [
        ("procesing='never'", "procesing: there is no such setting; did you mean 'processing'?"),
        ("rate_limit=0", "rate_limit: Input should be greater than or equal to 1"),
        ("catalogue='nowhere.json'", "nowhere.json"),
        ("'never'", "@pytest.mark.runa: takes settings by name"),
    ],
)
def test_a_marker_that_cannot_be_used_says_why(run: Run, marker: str, reason: str) -> None:
    """The test fails with the name and the reason, without a traceback."""
    result = run(f"@pytest.mark.runa({marker})\ndef test(runa_api): pass")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(f"*{glob(reason)}*")
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*runa_pytest.py*")


def glob(text: str) -> str:
    """A text as a pattern that it alone fits."""
    return text.replace("[", "[[]").replace("?", "[?]")


def test_settings_that_are_no_mapping_are_refused(run: Run) -> None:
    """An override that returns nothing is told so."""
    result = run("@pytest.fixture\ndef runa_settings(): ...\ndef test(runa_server): pass")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines("runa settings: must be a mapping, not None")


def test_the_session_s_server_gives_each_test_its_account(run: Run) -> None:
    """One server, also where ``runa_server`` is overridden; no test meets another's orders."""
    run("""
pytestmark = pytest.mark.runa(processing="never")
urls = set()

@pytest.fixture(scope="session")
def runa_session_settings():
    return {"api_keys": ()}

class TestShared:
    @pytest.fixture
    def runa_server(self, runa_session_server):
        return runa_session_server

    @pytest.mark.parametrize("number", range(3))
    def test_override(self, runa_api, runa_server, runa_account, number):
        urls.add(runa_server.url)
        assert not list(runa_api.iter_orders())
        buy(runa_api, idempotency_key="same")
        assert runa_account.settings.processing == "never"
        runa_account.assert_exactly_once()

@pytest.mark.parametrize("number", range(3))
def test_variant(runa_session_api, runa_session_account, runa_session_server, number):
    urls.add(runa_session_server.url)
    assert len(urls) == 1
    buy(runa_session_api, idempotency_key="same")
    runa_session_account.assert_exactly_once()
    assert len(runa_session_server.orders) == 4 + number
    assert runa_session_server.settings.processing is None
""").assert_outcomes(passed=6)


def test_exact_keys_are_used(run: Run) -> None:
    """Where a server accepts some keys only, the tests have the first, and start afresh."""
    run("""
@pytest.fixture(scope="session")
def runa_session_settings():
    return {"api_keys": ["XX-only.this"]}

@pytest.mark.parametrize("number", range(2))
def test_shared(runa_session_api, number):
    assert not list(runa_session_api.iter_orders())
    buy(runa_session_api)

@pytest.mark.runa(api_keys=["XX-one.1", "XX-two.2"])
def test_own(runa_api, runa_account):
    assert runa_account.api_key == "XX-one.1"
    buy(runa_api)
""").assert_outcomes(passed=3)


def test_what_a_shared_server_cannot_become_fails(run: Run) -> None:
    """A setting that is chosen at the start, and an object, are told with both values."""
    result = run("""
from runa_mock_server import ManualClock

@pytest.mark.runa(profile="production")
def test_profile(runa_session_api): pass

@pytest.mark.runa(clock=ManualClock())
def test_clock(runa_session_account): pass
""")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        [
            "runa_session_server: profile: the test wants 'production', * has 'playground'",
            "runa_session_server: clock: the test wants <*ManualClock*>, * has 'system'",
        ]
    )


def test_a_seed_repeats_the_bytes(run: Run, pytester: pytest.Pytester) -> None:
    """The same test with the same seed gets the same answers in the next run."""
    source = """
from pathlib import Path

@pytest.mark.runa(seed=1, clock="2026-01-31T12:00:00Z")
def test(runa_api):
    path = Path("ids.json")
    path.write_text(f'{path.read_text()[:-1]}, "{buy(runa_api).id}"]')
"""
    Path(pytester.path, "ids.json").write_text('["start"]', encoding="utf-8")
    for _ in range(2):
        run(source).assert_outcomes(passed=1)
    _, first, second = json.loads(Path(pytester.path, "ids.json").read_text(encoding="utf-8"))
    assert first == second


def test_a_failed_test_shows_its_requests(run: Run) -> None:
    """Method, path, key, status, fault and error of each; no API key; nothing if it passed."""
    result = run("""
from runa_client import RunaClient, RunaError

def test_bad(runa_api, runa_account, runa_server):
    runa_account.faults.arm("reset", "after_commit", method="POST")
    buy(runa_api, idempotency_key="monthly")
    with pytest.raises(RunaError):
        runa_api.create_order([], currency="USD", idempotency_key="empty")
    with RunaClient(runa_server.base_url, "wg-wrong.key") as stranger, pytest.raises(RunaError):
        stranger.ping()
    print("secret:", runa_account.api_key.partition(".")[2][4:])
    assert not "bought"

@pytest.fixture
def fragile(runa_api):
    yield
    runa_api.ping()
    raise RuntimeError

def test_teardown(fragile, runa_session_api): runa_session_api.ping()

def test_good(runa_api): runa_api.ping()

def test_idle(runa_api): raise ValueError
""")
    result.assert_outcomes(failed=2, passed=2, errors=1)
    text = result.stdout.str()
    secret = text.partition("secret: ")[2].split()[0]
    assert text.count(secret) == 1
    assert text.count("- Runa requests -") == 3
    assert "No request was seen." in text
    result.stdout.re_match_lines_random(
        [
            r"#1 .* XX-test-bad~\w+: POST /v2/order with key 'monthly' received no response; .*",
            r"#1 .* created O-\w+; fault F-1, reset after_commit",
            r"#2 .*key 'monthly' received 202; replayed O-\w+",
            r"#3 .*key 'empty' received 422 validation_error \(body\.items: List should .*\)",
            r"#4 .*no account: GET /v2/ping received 403 forbidden \(The API key .*\)",
            r"#1 .*GET /v2/ping received 200",
        ]
    )


def test_many_requests_are_not_all_shown(run: Run) -> None:
    """The last fifty, and how many came before; no line without end."""
    result = run("""
def test(runa_api):
    for _ in range(59): runa_api.ping()
    buy(runa_api, idempotency_key="k" * 2000)
    assert not "bought"
""")
    text = result.stdout.str()
    assert "10 earlier requests left out" in text
    lines = [line for line in text.splitlines() if line.startswith("#")]
    assert len(lines) == 50
    assert max(map(len, lines)) == 500


def test_it_registers_no_more_than_it_needs() -> None:
    """The hooks and the fixtures are these; what reports is registered once a test uses it."""
    names = {name for name in vars(runa_pytest) if not name.startswith("_")}
    assert {name for name in names if name.startswith("pytest_")} == HOOKS
    assert {name for name in names if name.startswith("runa_")} == FIXTURES


SCENARIO = """
@pytest.fixture
def runa_settings():
    return {{"clock": "manual"}}

def test_my_client(runa_scenario):
    from runa_client import RunaClient
    with RunaClient(
        runa_scenario.base_url,
        runa_scenario.api_key,
        sleep=runa_scenario.account.clock.advance,
    ) as client:
        receipt = buy(client, idempotency_key=f"{key}")
        assert client.wait_for_order(receipt).status == runa_scenario.ends
    {check}
"""


def test_a_client_goes_through_the_scenarios(run: Run) -> None:
    """One run for each; what the client did is judged by `check`, which is not to be forgotten."""
    names = "clean or reset-after-commit or rate-limited"
    good = run(SCENARIO.format(key="mine", check="runa_scenario.check()"), "-k", names)
    good.assert_outcomes(passed=3, deselected=len(SCENARIOS) - 3)
    forgetful = run(SCENARIO.format(key="mine", check=""), "-k", "clean")
    forgetful.assert_outcomes(passed=1, errors=1, deselected=len(SCENARIOS) - 1)
    forgetful.stdout.fnmatch_lines(["*call runa_scenario.check() at the end of the test*"])


def test_a_failed_assertion_ends_in_the_line_of_the_test(run: Run) -> None:
    """No frame of the library is shown: what pytest prints ends in the user's own line."""
    result = run(
        """
def test_orders(runa_account):
    runa_account.assert_exactly_once()

def test_mails(runa_account):
    runa_account.emails.wait_for(timeout=0)
"""
    )
    result.assert_outcomes(failed=2)
    shown = [line.strip("> ") for line in result.outlines if line.startswith(">")]
    assert shown == [
        "runa_account.assert_exactly_once()",
        "runa_account.emails.wait_for(timeout=0)",
    ]
    assert not [line for line in result.outlines if "control_client/" in line]
