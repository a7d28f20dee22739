"""Webhooks in flags, variables, files and the control API: what is taken and what is refused."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runa_mock_server import MockServer, SettingsError
from runa_mock_server.config.document import ConfigError
from runa_mock_server.config.settings import make_settings
from support.api import Api
from support.command import run
from support.control import ControlCaller, locations
from support.receiver import Receiver

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"  # noqa: S105 - a made-up one
URL = "http://127.0.0.1:9/hook?a=b"

NONSENSE: dict[str, tuple[Mapping[str, Any], str]] = {
    "no event": ({"webhooks": ["http://a.example/"]}, "webhooks: must be URL=EVENT"),
    "unknown event": (
        {"webhooks": ["http://a.example/=order.done"]},
        "webhooks: must be URL=EVENT",
    ),
    "no URL": ({"webhooks": ["=order.completion"]}, "webhooks: 0.url"),
    "other scheme": ({"webhooks": ["ftp://a.example/=order.completion"]}, "webhooks: 0.url"),
    "fragment": ({"webhooks": ["http://a.example/#x=order.completion"]}, "must have no fragment"),
    "number": ({"webhooks": 5}, "webhooks: "),
    "numbers": ({"webhooks": [5]}, "webhooks: 0"),
    "secret": (
        {"webhooks": [{"url": URL, "event": "product.update", "secret": "x"}]},
        "webhooks: 0.secret: must be whsec_",
    ),
    "no base64": (
        {"webhooks": [{"url": URL, "event": "product.update", "secret": "whsec_ü"}]},
        "webhooks: 0.secret: must be whsec_",
    ),
    "empty secret": (
        {"webhooks": [{"url": URL, "event": "product.update", "secret": "whsec_"}]},
        "webhooks: 0.secret: must be whsec_",
    ),
    "field": ({"webhooks": [{"url": URL, "event": "product.update", "x": 1}]}, "webhooks: 0.x"),
    "too many": ({"webhooks": [f"{URL}=product.update"] * 101}, "webhooks: "),
    "negative wait": ({"webhook_retries": [5, -1]}, "webhook_retries: 1"),
    "no time": ({"webhook_timeout": 0}, "webhook_timeout: "),
    "other headers": ({"webhook_headers": "x"}, "webhook_headers: "),
    "whose time": ({"webhook_timestamps": "mine"}, "webhook_timestamps: "),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_refused_and_named(name: str) -> None:
    """The setting, the place in it, and the reason."""
    values, reason = NONSENSE[name]
    with pytest.raises(SettingsError) as raised:
        make_settings(**values)
    assert reason in str(raised.value)


def test_flag_variable_and_file_name_an_endpoint(tmp_path: Path) -> None:
    """The same endpoints, whichever way they are given; a wrong one names its flag."""
    given = f"{URL}=order.completion"
    wanted = [{"url": URL, "event": "order.completion"}]
    config = tmp_path / "runa-mock.json"
    config.write_text(json.dumps({"webhooks": [given]}))
    for arguments, env in (
        (["--webhook", given], {}),
        ([], {"RUNA_MOCK_WEBHOOK": given}),
        (["--config", str(config)], {}),
    ):
        shown = run("config", "--format", "json", *arguments, **env)
        assert json.loads(shown.stdout)["webhooks"]["value"] == wanted
    refused = run("config", "--webhook", "nonsense")
    assert refused.exit_code == 2
    assert "--webhook: must be URL=EVENT" in refused.output


def test_secrets_are_printed_on_demand_only(tmp_path: Path) -> None:
    """What `config` prints as TOML is a configuration file again."""
    config = tmp_path / "runa-mock.toml"
    config.write_text(
        f'[[webhooks]]\nurl = "{URL}"\nevent = "product.update"\nsecret = "{SECRET}"\n'
    )
    hidden = run("config", "--format", "toml", "--config", str(config)).stdout
    assert SECRET not in hidden
    assert SECRET not in run("config", "--config", str(config)).stdout
    shown = run("config", "--format", "toml", "--show-secrets", "--config", str(config)).stdout
    (tmp_path / "again.toml").write_text(shown)
    with MockServer(config=tmp_path / "again.toml", port=0) as server:
        (endpoint,) = server.webhooks.endpoints
    assert (endpoint.secret, endpoint.url, endpoint.event) == (SECRET, URL, "product.update")
    config.write_text('webhooks = ["x"]')
    with pytest.raises(ConfigError, match="webhooks"):
        MockServer(config=config)


def test_settings_change_at_run_time(receiver: Receiver) -> None:
    """Schedule, limit and timestamps do; who is told is chosen by the control API instead."""
    with MockServer(clock="manual", webhooks=[f"{receiver.url}/=product.update"]) as server:
        server.configure(webhook_retries=[1.5], webhook_timeout=2, webhook_timestamps="computer")
        assert server.settings.webhook_retries == (1.5,)
        assert server.settings.webhooks[0].url == f"{receiver.url}/"
        with pytest.raises(ValueError, match="webhooks: is chosen when the server starts"):
            server.configure(webhooks=[])  # type: ignore[call-arg] # refused at run time, too


CALLS: dict[str, tuple[str, str, Any, int, tuple[str, ...]]] = {
    "no URL": ("POST", "/endpoints", {"event": "product.update"}, 422, ("body", "url")),
    "no event": ("POST", "/endpoints", {"url": URL}, 422, ("body", "event")),
    "other event": (
        *("POST", "/endpoints", {"url": URL, "event": "order.created"}),
        422,
        ("body", "event"),
    ),
    "bad URL": (
        *("POST", "/endpoints", {"url": "nowhere", "event": "product.update"}),
        422,
        ("body", "url"),
    ),
    "long URL": (
        *("POST", "/endpoints", {"url": URL + "x" * 2000, "event": "product.update"}),
        422,
        ("body", "url"),
    ),
    "bad secret": (
        *("POST", "/endpoints", {"url": URL, "event": "product.update", "secret": "whsec_!"}),
        422,
        ("body", "secret"),
    ),
    "rotation": ("POST", "/endpoints/{ep}/rotate", {"secret": "x"}, 422, ("body", "secret")),
    "nothing to change": ("PATCH", "/endpoints/{ep}", {}, 422, ("body", "url")),
    "naive moment": (
        *("POST", "/endpoints/{ep}/recover", {"since": "2026-01-01T00:00:00"}),
        422,
        ("body", "since"),
    ),
    "no moment": ("POST", "/endpoints/{ep}/recover", {"since": "soon"}, 422, ("body", "since")),
    "no endpoint": ("GET", "/endpoints/ep_0", None, 404, ("path", "endpoint_id")),
    "no message": ("GET", "/messages/msg_0", None, 404, ("path", "message_id")),
    "no message to resend": (
        *("POST", "/messages/msg_0/resend", {}),
        404,
        ("path", "message_id"),
    ),
    "not for it": (
        *("POST", "/messages/{msg}/resend", {"endpoint_id": "ep_0"}),
        404,
        ("body", "endpoint_id"),
    ),
    "state": ("GET", "/messages?state=lost", None, 422, ("query", "state")),
    "limit": ("GET", "/messages?limit=-1", None, 422, ("query", "limit")),
    "trick": ("POST", "/adversary", {"kind": "mean"}, 422, ("body", "kind")),
    "no trick": ("DELETE", "/adversary/A-9", None, 404, ("path", "trick_id")),
    "times": ("POST", "/adversary", {"kind": "delay", "times": 0}, 422, ("body", "times")),
    "seconds": ("POST", "/adversary", {"kind": "delay", "seconds": -1}, 422, ("body", "seconds")),
    "early for one": (
        *("POST", "/adversary", {"kind": "early", "endpoint_id": "ep_0"}),
        422,
        ("body", "endpoint_id"),
    ),
    "trick for nobody": (
        *("POST", "/adversary", {"kind": "delay", "endpoint_id": "ep_0"}),
        404,
        ("body", "endpoint_id"),
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_control_api_names_the_field_and_changes_nothing(
    control: ControlCaller, receiver: Receiver, api: Api, name: str
) -> None:
    """Status, place and reason."""
    method, path, sent, wanted, location = CALLS[name]
    made = {"url": receiver.url, "event": "order.completion"}
    endpoint = control.call("POST", "/webhooks/endpoints", json=made).json()["id"]
    api.order(mode="sync")
    told = receiver.take()
    path = path.replace("{ep}", endpoint).replace("{msg}", told.id)
    before = control.get("/webhooks/endpoints"), control.get("/webhooks/adversary")
    response = control.call(method, f"/webhooks{path}", json=sent)
    assert response.status_code == wanted, response.text
    assert location in locations(response.json())
    assert (control.get("/webhooks/endpoints"), control.get("/webhooks/adversary")) == before


def test_what_is_disabled_is_not_resent_or_recovered(
    control: ControlCaller, receiver: Receiver, api: Api
) -> None:
    """409, naming the endpoint; and the 101st endpoint is refused."""
    made = {"url": receiver.url, "event": "order.completion"}
    endpoint = control.call("POST", "/webhooks/endpoints", json=made).json()["id"]
    api.order(mode="sync")
    told = receiver.take()
    path = f"/webhooks/endpoints/{endpoint}"
    assert control.call("PATCH", path, json={"disabled": True}).json()["disabled"]
    recover = control.call("POST", path + "/recover", json={"since": "2026-01-01T00:00:00Z"})
    assert (recover.status_code, locations(recover.json())) == (409, {("path", "endpoint_id")})
    resend = control.call("POST", f"/webhooks/messages/{told.id}/resend", json={})
    assert (resend.status_code, locations(resend.json())) == (409, {("body", "endpoint_id")})
    for _ in range(99):
        assert control.call("POST", "/webhooks/endpoints", json=made).status_code == 201
    full = control.call("POST", "/webhooks/endpoints", json=made)
    assert (full.status_code, locations(full.json())) == (409, {("body", "url")})
    assert control.get("/webhooks/endpoints")["subscribed"]["order.completion"] == 99


def test_an_endpoint_moves(control: ControlCaller, receiver: Receiver, api: Api) -> None:
    """What is told from now on is told there; messages are found by each filter."""
    made = {"url": receiver.url, "event": "order.completion"}
    endpoint = control.call("POST", "/webhooks/endpoints", json=made).json()["id"]
    moved = {"url": receiver.url + "/new"}
    control.call("PATCH", f"/webhooks/endpoints/{endpoint}", json=moved)
    order_id = api.order(mode="sync").json()["id"]
    assert receiver.take("/new").document["id"] == order_id
    for query, total in {
        f"order_id={order_id}": 1,
        "order_id=O-none": 0,
        f"endpoint_id={endpoint}": 1,
        f"endpoint_id={endpoint}&state=failed": 0,
        "event=order.completion": 1,
        "event=product.update": 0,
        "limit=0": 1,
    }.items():
        assert control.get(f"/webhooks/messages?{query}")["total"] == total, query
