"""The suite on the mock: everything holds, nothing is bought by reading, recordings replay."""

import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from runa_conformance import (
    CHECKS,
    RULES,
    Recording,
    Report,
    as_text,
    conform,
    read_recording,
    replay,
)
from runa_mock_server import ManualClock, MockServer
from runa_mock_server.catalogue.catalogue import Catalogue, built_in
from support.api import Api, body

KEY = "XX-conformance.own-secret"
OTHER = "XX-conformance.other-secret"
PRODUCTION = ("wg-conformance.own-secret", "wg-conformance.other-secret")
PAST = "what was ordered before is nobody's business"
HOME = Catalogue([p for p in built_in().products if p["currency"] == "CAD"])
SOME = Catalogue([p for p in built_in().products if p["currency"] in {"GBP", "USD"}])


class Run(NamedTuple):
    """A whole run with its recording.

    Attributes:
        report: what it found.
        directory: where it was recorded.
    """

    report: Report
    directory: Path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Every check, on an account that had orders before."""
    directory = tmp_path_factory.mktemp("recording")
    clock = ManualClock()
    with MockServer(clock=clock) as server:
        before = Api(server.url, KEY)
        for _ in range(3):
            before.order(body(description=PAST))
        report = conform(
            server.base_url,
            KEY,
            allow_orders=True,
            other_api_key=OTHER,
            record=directory,
            sleep=clock.advance,
        )
        before.close()
    return Run(report, directory)


def failures(report: Report) -> dict[str, str | None]:
    """What failed, with the reasons."""
    return {result.name: result.reason for result in report.results if result.status == "failed"}


def skipped(report: Report) -> set[str]:
    """What was skipped."""
    return {result.name for result in report.results if result.status == "skipped"}


def test_the_mock_passes_every_check(run: Run) -> None:
    """Nothing fails; skipped is only what is about production or needs a clock that is moved."""
    assert failures(run.report) == {}
    assert skipped(run.report) == {
        check.name for check in CHECKS if check.profile == "production" or check.moves_clock
    }
    assert run.report.passed
    assert run.report.count("passed") > 150
    assert run.report.orders > 20


@pytest.mark.once
def test_reading_buys_nothing() -> None:
    """Without orders being allowed none is placed, and a check says so if it would."""
    with MockServer(catalogue=SOME) as server:
        report = conform(server.base_url, KEY)
        api = Api(server.url, KEY)
        assert api.get("/v2/order").json()["items"] == []
        api.close()
    assert failures(report) == {}
    reasons = {r.reason for r in report.results if r.name in {c.name for c in CHECKS if c.orders}}
    assert any("--allow-orders" in str(reason) for reason in reasons)
    assert not {c.name for c in CHECKS if c.orders} - skipped(report)


def test_reading_checks_name_no_product_that_exists(run: Run) -> None:
    """What they POST could not be bought from a server that checks nothing either."""
    recording = read_recording(run.directory)
    products = json.loads(recording.catalogue() or b"{}")["catalog"]
    codes = [product["code"].encode() for product in products]
    assert len(codes) > 100
    bodies = [
        exchange.request.body or b""
        for exchange in recording.exchanges
        if exchange.request.places_order and not exchange.places_orders
    ]
    assert len(bodies) > 100
    assert not [body for body in bodies if any(code in body for code in codes)]


def test_conflicts_report_the_reading_that_was_met(run: Run) -> None:
    """Where the provider's pages contradict each other, the report says which one holds here."""
    met = {result.rule.id: result.reading for result in run.report.results if result.reading}
    conflicts = {rule.id: rule.readings for rule in RULES.values() if rule.readings}
    assert met == {
        rule_id: readings[0]
        for rule_id, readings in conflicts.items()
        if RULES[rule_id].unchecked is None
    }
    assert all(len(readings) > 1 for readings in conflicts.values())
    for reading in met.values():
        assert f": {reading}\n" in as_text(run.report)


def test_a_strict_mock_keeps_the_other_reading_and_lacks_only_extensions() -> None:
    """In strict mode only the triggers that this project added are missing."""
    clock = ManualClock()
    with MockServer(clock=clock, strict=True, rate_limit=None) as server:
        report = conform(
            server.base_url,
            KEY,
            allow_orders=True,
            sleep=clock.advance,
            select=["business", "triggers", "redemption", "estimates", "orders"],
        )
    failed = {result.rule.id for result in report.results if result.status == "failed"}
    assert failed == {"trigger-all", "trigger-unknown", "trigger-failed"}
    met = {result.rule.id: result.reading for result in report.results if result.reading}
    assert met == {"several-countries": RULES["several-countries"].readings[1]}


def test_production_passes_as_far_as_its_money_goes() -> None:
    """As production the mock passes with funds, and without them orders are skipped."""
    for balances in ({}, {"USD": "5000"}):
        clock = ManualClock()
        with MockServer(
            profile="production", balances=balances, clock=clock, catalogue=SOME
        ) as server:
            own, other = PRODUCTION
            report = conform(
                server.base_url,
                own,
                allow_orders=True,
                other_api_key=other,
                sleep=clock.advance,
                select=["balances", "bodies.details*", "business", "contents", "orders"],
            )
        assert report.profile == "production"
        assert failures(report) == {}
        assert (report.orders > 0) is bool(balances)


def test_the_last_cent_of_a_small_balance_is_spent() -> None:
    """In production the check of an exact balance runs where that is at most 50."""
    clock = ManualClock()
    with MockServer(
        profile="production", balances={"CAD": "27.35"}, clock=clock, catalogue=HOME
    ) as server:
        report = conform(
            server.base_url,
            PRODUCTION[0],
            allow_orders=True,
            sleep=clock.advance,
            select=["balances.the_last*"],
        )
    assert failures(report) == {}
    assert "balances.the_last_cent_can_be_spent" not in skipped(report)


def test_a_clock_that_moves_proves_the_rules_of_time() -> None:
    """With the server's clock in hand the 30 days, the second and the 300 a minute are checked."""
    clock = ManualClock()
    timed = [check.name for check in CHECKS if check.moves_clock]
    with MockServer(clock=clock, rate_limit=300) as server:
        report = conform(
            server.base_url,
            KEY,
            allow_orders=True,
            sleep=clock.advance,
            advance=clock.advance,
            select=timed,
        )
    assert failures(report) == {}
    assert {r.name for r in report.results if r.status == "passed"} >= {*timed}
    assert len({r.rule.id for r in report.results if r.name in timed}) == 3


def test_a_rate_limit_is_waited_out() -> None:
    """After a 429 the suite waits and goes on, as the provider asks."""
    clock = ManualClock()
    with MockServer(clock=clock, rate_limit=7, catalogue=SOME) as server:
        report = conform(server.base_url, KEY, sleep=clock.advance, select=["syntax"])
    assert failures(report) == {}


def test_a_recording_has_no_secrets(run: Run) -> None:
    """Neither API keys, nor payout links and their codes, nor the words of earlier orders."""
    texts = [path.read_text("utf-8") for path in run.directory.iterdir()]
    assert len(texts) > 600
    whole = "\n".join(texts)
    assert KEY not in whole
    assert OTHER not in whole
    assert PAST not in whole
    assert "[API key]" in whole
    assert "[other API key]" in whole
    assert set(re.findall(r"/payout/([^/\"? ]+)", whole)) <= {
        *(f"payout-token-{number:04d}" for number in range(1, 1000)),
        "00000000-0000-4000-8000-000000000000",
    }
    assert not re.search(r"MOCK-[A-Z]{4}-[A-Z]{4}", whole)


def test_a_recording_says_what_it_is(run: Run) -> None:
    """Server, environment, day and outcomes are in it; exchanges stand in their order."""
    recording = read_recording(run.directory)
    assert recording.base_url == run.report.base_url
    assert recording.profile == "playground"
    assert recording.recorded_at.date() == run.report.started_at.date()
    assert recording.results == {r.name: r.status for r in run.report.results}
    assert len(recording.exchanges) == run.report.requests
    assert recording.balances()["USD"] == "10000.00"


@pytest.mark.once
def test_the_mock_is_as_it_was(run: Run) -> None:
    """A replay against another mock, of another account, finds no difference."""
    clock = ManualClock()
    with MockServer(clock=clock) as server:
        comparison = replay(
            run.directory,
            server.base_url,
            "XX-somebody.else",
            allow_orders=True,
            other_api_key="XX-and.another",
            sleep=clock.advance,
        )
    assert comparison.drifts == ()
    assert comparison.passed
    assert comparison.compared.total() == run.report.requests
    assert not comparison.left_out


def test_a_replay_places_no_orders_unless_allowed(run: Run, server: MockServer) -> None:
    """What needs leave, or a second account, is left out and counted."""
    recording = read_recording(run.directory)
    comparison = replay(only(recording, "precedence", "lists"), server.base_url, KEY)
    assert comparison.drifts == ()
    assert any("--allow-orders" in reason for reason in comparison.left_out)
    assert any("another account" in reason for reason in comparison.left_out)
    api = Api(server.url, KEY)
    assert api.get("/v2/order").json()["items"] == []
    api.close()


def only(recording: Recording, *groups: str) -> Recording:
    """A recording of some groups of checks alone."""
    kept = [e for e in recording.exchanges if e.check.partition(".")[0] in groups]
    return Recording(
        recording.base_url,
        recording.profile,
        recording.recorded_at,
        recording.results,
        tuple(kept),
    )
