"""Recordings: what a server does otherwise than it was recorded is told by field path."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from runa_conformance import Comparison, Drift, TargetError, conform, read_recording, replay
from runa_mock_server import ManualClock, MockServer
from runa_mock_server.catalogue.catalogue import Catalogue, built_in
from support.gateway import Change, HangUp, Message, base_url, gateway, unchanged

KEY = "XX-conformance.own-secret"
FEW = Catalogue([p for p in built_in().products if p["currency"] == "CAD"][:9])
SELECTED = (
    "access.ping*",
    "access.retired*",
    "catalogue.a_page*",
    "balances.balances*",
    "orders.an_order_completes",
    "idempotency.an_accepted*",
    "idempotency.refusals*",
    "redemption.a_link_is*",
)


class Recorded(NamedTuple):
    """A recording of the mock with a few products, and where it lies."""

    directory: Path
    catalogue: Catalogue


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A recording of some checks."""
    directory = tmp_path_factory.mktemp("recording")
    clock = ManualClock()
    with MockServer(clock=clock, catalogue=FEW) as server:
        report = conform(
            server.base_url,
            KEY,
            allow_orders=True,
            select=SELECTED,
            record=directory,
            sleep=clock.advance,
        )
    assert report.passed
    return Recorded(directory, FEW)


def compared(
    recorded: Recorded,
    *,
    request: Change = unchanged,
    answer: Change = unchanged,
    catalogue: Catalogue | None = None,
    **settings: Any,
) -> Comparison:
    """Replay against a mock behind a gateway."""
    clock = ManualClock()
    with (
        MockServer(clock=clock, catalogue=catalogue or recorded.catalogue, **settings) as server,
        gateway(server.url, request=request, answer=answer) as between,
    ):
        return replay(
            recorded.directory, base_url(between), KEY, allow_orders=True, sleep=clock.advance
        )


def paths(comparison: Comparison) -> set[str]:
    """Where there are differences."""
    return {drift.path for drift in comparison.drifts}


def changed(path: str, change: Callable[[Any], Any], status: int = 200) -> Change:
    """A change of the documents at a path."""

    def alter(message: Message) -> Message:
        if not message.path.startswith(f"/v2{path}") or message.status != status:
            return message
        return replace(message, body=json.dumps(change(json.loads(message.body))).encode())

    return alter


def test_nothing_has_changed(recorded: Recorded) -> None:
    """The premise: other ids, moments, links and codes are no difference."""
    comparison = compared(recorded)
    assert comparison.drifts == ()
    assert comparison.compared.total() > 30


def _with_price(order: Any) -> Any:
    items = order.get("items")
    return {**order, "items": [{**items[0], "price": "10.01"}, *items[1:]]} if items else order


@pytest.mark.once
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (changed("/ping", lambda found: {**found, "message": 1}), {"$.message"}),
        (changed("/ping", lambda found: {**found, "now": 1}), {"$.now"}),
        (changed("/order/O-", _with_price), {"$.items[0].price"}),
        (
            changed("/order/O-", lambda found: {k: v for k, v in found.items() if k != "metadata"}),
            {"$.metadata"},
        ),
        (
            changed("/balance", lambda found: found[1:]),
            {"$[0].currency", "$[1].currency", "$[2].currency", "$ (number of entries)"},
        ),
        (changed("/ping", lambda found: {**found, "type": "x"}, status=410), {"$.type"}),
        (
            changed("/ping", lambda found: dict(reversed(found.items())), status=410),
            {"$ (order of keys)"},
        ),
        (lambda m: replace(m, status=409) if m.status == 410 else m, {"status"}),
        (
            lambda m: replace(m, headers={**m.headers, "x-api-version": "2025-01-01"}),
            {"x-api-version"},
        ),
        (
            lambda m: (
                m
                if m.path == "/v2/ping"
                else replace(m, headers={**m.headers, "content-type": "text/plain"})
            ),
            {"content-type"},
        ),
        (lambda m: m if m.path == "/v2/ping" else replace(m, body=b"no JSON"), {"$", "status"}),
    ],
)
def test_a_planted_difference_is_found_by_its_path(
    recorded: Recorded, answer: Change, expected: set[str]
) -> None:
    """Each is told where it is, and nothing else is told."""
    assert paths(compared(recorded, answer=answer)) == expected


def test_a_difference_tells_both_sides(recorded: Recorded) -> None:
    """The exchange, its check, the request, what was recorded and what is there now."""
    comparison = compared(recorded, answer=changed("/ping", lambda f: {**f, "message": 1}))
    told = {(d.check, d.request, d.path, d.recorded, d.found) for d in comparison.drifts}
    assert told == {("access.ping_answers_pong", "GET /ping", "$.message", '"pong"', "1")}
    assert all((recorded.directory / drift.exchange).is_file() for drift in comparison.drifts)


def test_a_second_order_under_one_key_is_a_difference(recorded: Recorded) -> None:
    """Where one id was recorded twice, two are told, although ids differ each time."""
    number = iter(range(10_000))

    def forgetful(message: Message) -> Message:
        key = message.headers.get("x-idempotency-key")
        if not key:
            return message
        return replace(message, headers={**message.headers, "x-idempotency-key": f"{next(number)}"})

    comparison = compared(recorded, request=forgetful)
    assert ("idempotency.an_accepted_order_is_repeated", "$.id") in {
        (drift.check, drift.path) for drift in comparison.drifts
    }


def test_products_are_told_by_their_code(recorded: Recorded) -> None:
    """A product more, and one field of another, move no other product."""
    first, *rest = FEW.products
    more = [p for p in built_in().products if p["currency"] == "CAD"][9:10]
    comparison = compared(
        recorded, catalogue=Catalogue([{**first, "name": "Another"}, *rest, *more])
    )
    found = {d.path for d in comparison.drifts if d.request == "GET /product"}
    assert found == {
        f"$.catalog[{first['code']}].name",
        f"$.catalog[{more[0]['code']}]",
        "$.pagination.cursors.after",  # it is the last one
    }


def test_settings_show_as_drift(recorded: Recorded) -> None:
    """A server without the older fields differs in exactly these."""
    found = paths(compared(recorded, legacy_item_fields=False))
    assert {path.rpartition(".")[2] for path in found} == {"discount_multiplier", "redemption_url"}


def test_a_server_that_falls_silent_is_told(recorded: Recorded) -> None:
    """No answer is a difference, and after a few of them the rest is left out."""
    left = [4]

    def dying(message: Message) -> Message:
        left[0] -= 1
        if left[0] < 0:
            raise HangUp
        return message

    comparison = compared(recorded, request=dying)
    assert [drift.path for drift in comparison.drifts] == ["answer"] * 3
    assert comparison.left_out["the server has stopped answering"] > 10


def test_a_drift_is_immutable_data(recorded: Recorded) -> None:
    """Results can be kept and compared."""
    one = compared(recorded, answer=changed("/ping", lambda f: {**f, "message": 1})).drifts
    two = compared(recorded, answer=changed("/ping", lambda f: {**f, "message": 1})).drifts
    assert isinstance(one[0], Drift)
    assert one == two


def _break_index(directory: Path) -> None:
    (directory / "recording.json").write_text("{}")


def _break_format(directory: Path) -> None:
    index = json.loads((directory / "recording.json").read_text())
    (directory / "recording.json").write_text(json.dumps({**index, "format": 99}))


def _break_exchange(directory: Path) -> None:
    (directory / "0001-broken.json").write_text('{"request": 1}')


def _break_json(directory: Path) -> None:
    (directory / "0001-broken.json").write_text("{")


def _remove_index(directory: Path) -> None:
    (directory / "recording.json").unlink()


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (_remove_index, r"recording\.json: No such file"),
        (_break_index, r"recording\.json is no recording"),
        (_break_format, "format 99"),
        (_break_exchange, r"0001-broken\.json is no recorded exchange"),
        (_break_json, r"0001-broken\.json is no JSON"),
    ],
)
def test_a_damaged_recording_is_refused(
    recorded: Recorded, tmp_path: Path, damage: Callable[[Path], None], named: str
) -> None:
    """The error names the file and what is wrong with it, in one line."""
    for path in recorded.directory.glob("000*.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    index = recorded.directory / "recording.json"
    (tmp_path / "recording.json").write_bytes(index.read_bytes())
    assert read_recording(tmp_path).exchanges
    damage(tmp_path)
    with pytest.raises(TargetError, match=named) as caught:
        read_recording(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_recording_is_not_written_over(recorded: Recorded) -> None:
    """A directory that holds something is refused before any check has run."""
    with (
        MockServer(catalogue=FEW) as server,
        pytest.raises(TargetError, match="is not empty"),
    ):
        conform(server.base_url, KEY, record=recorded.directory, select=["syntax"])
