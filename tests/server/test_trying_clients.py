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


def test_reordered_keys_have_the_same_content(server: MockServer, api: Api) -> None:
    """Objects have their keys in reverse, at each depth, and nothing else differs."""
    plain = api.order(mode="sync")
    server.account(KEY).configure(reordered_keys=True)
    document = read(f"{server.base_url}/order/{plain.json()['id']}").json()
    assert document == plain.json()
    assert [*document] == [*reversed(plain.json())]
    assert [*document["items"][0]] == [*reversed(plain.json()["items"][0])]


def test_unknown_values_come_where_the_provider_may_add_some(server: MockServer, api: Api) -> None:
    """Categories, countries and details of products have values that nobody documents."""
    order = api.order(mode="sync")
    server.account(KEY).configure(unknown_values=True)
    value = "a-value-of-a-later-version"
    assert value in read(f"{server.base_url}/product/countries").json()["countries"]
    assert {"code": value} in read(f"{server.base_url}/product/categories").json()["categories"]
    product = read(f"{server.base_url}/product/1800FL-US").json()
    assert value in product["categories"]
    assert product["availability"] == product["gift_card"]["e_code_usage_type"] == value
    assert read(f"{server.base_url}/order/{order.json()['id']}").json() == order.json()


def test_other_texts_leave_type_and_details(server: MockServer, api: Api) -> None:
    """The words of an error change, and help is null; what clients may read stays."""
    before = api.order({}, key="k").json()
    server.account(KEY).configure(other_texts=True)
    after = api.order({}, key="k").json()
    assert (after["type"], after["details"]) == (before["type"], before["details"])
    assert after["message"] != before["message"]
    assert after["help"] is None


def test_the_default_page_limit_is_for_requests_without_limit(server: MockServer, api: Api) -> None:
    """Both lists come in small pages; a limit in the request prevails."""
    for _ in range(3):
        api.order()
    server.account(KEY).configure(default_page_limit=2)
    for path, name in (("order", "items"), ("product", "catalog")):
        page = read(f"{server.base_url}/{path}").json()
        assert (len(page[name]), page["pagination"]["page"]["limit"]) == (2, 2)
        assert len(read(f"{server.base_url}/{path}?limit=3").json()[name]) == 3
