"""Settings that try a client: fields of a later version, errors without being asked."""

import pytest
import requests

from runa_mock_server import ManualClock, MockServer, SettingsError
from runa_schemas.contract_data import ProfileName
from support.api import KEY, TIMEOUT, Api, body

UNKNOWN = "a_field_of_a_later_version"


def read(url: str) -> requests.Response:
    """An answer that is not held against the schemas, which know no such fields."""
    return requests.get(url, headers={"X-Api-Key": KEY}, timeout=TIMEOUT)


def test_unknown_fields_are_in_every_object_but_maps(
    server: MockServer, api: Api, clock: ManualClock
) -> None:
    """Answers gain a field; what is stored, and what a caller named himself, stays as it is."""
    order = body(metadata={"team": "a"})
    plain = api.order(order, key="k")
    clock.advance(1)
    server.account(KEY).configure(unknown_fields=True)
    document = read(f"{server.base_url}/order/{plain.json()['id']}").json()
    objects = (document, document["items"][0], document["items"][0]["payout"])
    assert all(part[UNKNOWN] == {"version": None} for part in objects)
    assert UNKNOWN in document["transaction_detail"]["USD"]
    assert (document["metadata"], [*document["transaction_detail"]]) == ({"team": "a"}, ["USD"])
    assert UNKNOWN in read(f"{server.base_url}/order/unknown").json()
    server.account(KEY).configure(unknown_fields=False)
    assert api.order(order, key="k").content == plain.content


def test_unknown_fields_leave_pages_alone(server: MockServer, api: Api) -> None:
    """What is no JSON is sent as it is."""
    link = api.order(mode="sync").json()["items"][0]["payout"]["url"]
    before = read(link).text
    server.account(KEY).configure(unknown_fields=True)
    assert read(link).text == before
    assert UNKNOWN in read(f"{link}?format=json").json()


@pytest.mark.parametrize("profile", ["playground", "production"])
def test_the_setting_asks_for_an_error_in_every_environment(profile: ProfileName) -> None:
    """``trigger_error`` answers each order so, and stores that under its key."""
    key = {"playground": "XX-me.secret", "production": "wg-me.secret"}[profile]
    with MockServer(profile=profile, trigger_error="insufficient_funds") as server:
        api = Api(server.url, key)
        assert api.order(key="k").json()["type"] == "insufficient_funds"
        server.configure(trigger_error=None)
        assert api.order(key="k").status_code == 400
        api.close()


def test_a_header_beats_the_setting(server: MockServer, api: Api, clock: ManualClock) -> None:
    """The setting stands in for callers that ask for nothing; it can also let orders fail."""
    server.account(KEY).configure(trigger_error="order_failed")
    assert api.order(X_Trigger_Error="timeout").status_code == 504
    accepted = api.order()
    clock.advance(1)
    assert api.read(accepted.json()["id"])["status"] == "FAILED"


def test_an_unknown_error_is_refused() -> None:
    """The refusal names the setting and what it can be."""
    with pytest.raises(SettingsError, match=r"trigger_error: must be one of .*order_failed"):
        MockServer(trigger_error="no_such_error")
