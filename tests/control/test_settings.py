"""Settings, balances and time at run time: for all, for one account, and which goes first."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from runa_mock_server import ControlRefusedError, MockServer
from runa_mock_server.config.settings import RUN_TIME, Settings
from support.answers import refusal
from support.api import KEY, Api
from support.control import ControlCaller, locations

OTHER = "XX-other.secret"
PAID = "wg-shop.secret"


def _balance(server: MockServer, api_key: str) -> str:
    api = Api(server.url, api_key)
    found: str = api.get("/v2/balance?currency=USD").json()["balance"]
    api.close()
    return found


def test_an_accounts_own_settings_go_before_the_servers(server: MockServer) -> None:
    """Whichever was changed first, and for accounts that come later, too; a reset ends both."""
    mine, other = server.account(KEY), server.account(OTHER)
    mine.configure(rate_limit=5)
    server.configure(rate_limit=7, processing="never")
    assert [c.settings.rate_limit for c in (mine, other, server)] == [5, 7, 7]
    assert [c.settings.processing for c in (mine, other, server)] == ["never"] * 3
    mine.configure(processing=None)
    assert [c.settings.processing for c in (mine, other)] == [None, "never"]
    mine.reset()
    assert (mine.settings.rate_limit, mine.settings.processing) == (7, "never")
    server.reset()
    assert (mine.settings.rate_limit, mine.settings.processing) == (None, None)


def test_what_is_changed_is_how_it_behaves(server: MockServer, api: Api) -> None:
    """Each setting that can be changed has its effect on the next request, and back."""
    hand = server.account(KEY)
    hand.configure(processing_delay=0)
    assert api.read(api.order().json()["id"])["status"] == "COMPLETED"
    hand.configure(processing="reads:1", legacy_item_fields=False, link_lifetime_days=2)
    order_id = api.order().json()["id"]
    assert [api.read(order_id)["status"] for _ in range(2)] == ["PROCESSING", "COMPLETED"]
    (item,) = api.read(order_id)["items"]
    assert ("redemption_url" in item, item["payout"]["expiry_date"]) == (False, "2026-03-16")
    hand.configure(redemption_api=False)
    hand.configure(rate_limit=1)
    assert [api.order().status_code for _ in range(2)] == [202, 429]
    hand.configure(rate_limit=None, journal_requests=1)
    assert api.order().status_code == 202
    assert (len(hand.journal), hand.journal.read().dropped > 0) == (1, True)
    hand.configure(journal_bytes=0)
    assert len(hand.journal) == 0


@pytest.mark.parametrize("redemption_api", [True, False])
def test_the_redemption_api_is_switched_for_one_account(
    server: MockServer, api: Api, *, redemption_api: bool
) -> None:
    """RE013 where it is off, a code where it is on."""
    server.account(KEY).configure(redemption_api=redemption_api)
    (item,) = api.order(mode="sync").json()["items"]
    path = item["payout"]["url"].removeprefix(server.url) + "?format=json"
    assert api.get(path).json()["error_code"] == (None if redemption_api else "RE013")


def test_the_journal_of_strangers_is_capped_too(server: MockServer) -> None:
    """It follows the server's settings, not only the accounts' journals do."""
    stranger = Api(server.url, None)
    for _ in range(3):
        stranger.get("/v2/ping")
    server.configure(journal_requests=2)
    assert (len(server.journal), server.journal.read().dropped) == (2, 1)
    stranger.close()


def test_every_refused_setting_is_named_and_none_is_changed(control: ControlCaller) -> None:
    """Unknown ones, those that do not fit, those that are chosen at the start: in one answer."""
    wrong: dict[str, Any] = {
        "port": 1,
        "seed": 1,
        "nonsense": 1,
        "rate_limit": 0,
        "balances": {"USD": -1},
        "processing": "soon",
        "journal_bytes": "many",
    }
    before = control.snapshot()
    response = control.call("PUT", "/settings", json={"processing_delay": 3, **wrong})
    assert response.status_code == 422
    assert locations(response.json()) == {("body", name) for name in wrong}
    assert control.snapshot() == before


def test_only_what_says_so_can_be_changed(control: ControlCaller) -> None:
    """`changeable` lists it, every other setting is refused even with the value that it has."""
    shown = control.get("/settings")
    assert shown["changeable"] == sorted(RUN_TIME)
    for name in Settings.model_fields:
        value = shown["settings"].get(name)
        status = control.call("PUT", "/settings", json={name: value}).status_code
        assert status == (200 if name in RUN_TIME else 422), name


def test_secrets_are_not_shown() -> None:
    """Neither keys nor the token, in no answer, also not in a refusal."""
    secrets = ("hush-hush", "whisper")
    with MockServer(api_keys=["XX-a.hush-hush"], control_token=secrets[1]) as server:
        api = Api(server.url, "XX-a.hush-hush")
        api.order()
        api.close()
        token = {"X-Mock-Token": secrets[1]}
        caller = ControlCaller(server.url, "XX-a.hush-hush")
        server.account("XX-a.hush-hush").faults.arm("hang", path="/v2/never")
        answers = [
            caller.call("GET", path, headers=token).text
            for path in ("/settings", "/accounts", "/requests", "/effects", "/faults", "/state")
        ]
        answers.append(caller.call("PUT", "/settings", json={"api_keys": 1}, headers=token).text)
        answers.append(caller.call("GET", "/clock?account=x", headers=token).text)
        answers.append(repr(server.settings))
        caller.close()
    assert not [text for text in answers if any(secret in text for secret in secrets)]


def test_balances_are_set_for_one_account_or_for_all() -> None:
    """They are there at once; an account with balances of its own keeps what is left of them."""
    with MockServer(profile="production", balances={"USD": 50}) as server:
        server.account(PAID).configure(balances={"USD": "25.50"})
        assert (_balance(server, PAID), _balance(server, "wg-b.b")) == ("25.50", "50.00")
        api = Api(server.url, PAID)
        assert api.order().status_code == 202
        left = _balance(server, PAID)
        assert left < "25.50"
        server.configure(balances={"USD": 99})
        assert (_balance(server, PAID), _balance(server, "wg-b.b")) == (left, "99.00")
        server.account(PAID).configure(balances={"USD": 0})
        assert refusal(api.order()) == (400, "insufficient_funds")
        server.configure(processing_delay=5)
        assert _balance(server, PAID) == "0.00"
        server.account(PAID).reset()
        assert _balance(server, PAID) == "99.00"
        api.close()


def test_the_clock_of_an_account_never_runs_out(server: MockServer, api: Api) -> None:
    """However far account and server are moved, requests are answered."""
    far = "P2500000D"
    server.account(KEY).clock.advance(far)
    server.clock.advance(far)
    assert server.account(KEY).clock.now().year == 8999
    assert api.order().status_code == 202
    assert api.get("/v2/order").status_code == 200
    server.account(KEY).configure(link_lifetime_days=36_500)
    assert api.order(mode="sync").status_code == 200


def test_the_clock_refuses_what_no_clock_does(server: MockServer) -> None:
    """The error names the field; the clock stands where it stood."""
    before = server.clock.now()
    refused: dict[str, Callable[[], datetime]] = {
        "advance": lambda: server.clock.advance(-1),
        "set": lambda: server.clock.set(before.replace(year=2020)),
        "speed": lambda: server.clock.run(0),
    }
    for field, act in refused.items():
        with pytest.raises(ControlRefusedError, match=f"^{field}: ") as raised:
            act()
        assert [d["location"] for d in raised.value.details] == [["body", field]]
    with pytest.raises(ControlRefusedError, match=r"^set: .*timezone"):
        server.clock.set(before.replace(tzinfo=None))
    assert (server.clock.now(), server.clock.speed) == (before, 0)
