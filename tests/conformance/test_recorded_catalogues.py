"""The suite on a server with a catalogue as real ones are, and one that has nothing usual."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from runa_conformance import CHECKS, Report, conform
from runa_mock_server import ManualClock, MockServer
from support.recorded_catalogue import odd_products, page_text, recorded_products


def run(path: Path, products: Sequence[dict[str, Any]]) -> Report:
    """Every check, on a server that has these products."""
    path.write_text(page_text([*products]), encoding="utf-8")
    clock = ManualClock()
    with MockServer(clock=clock, catalogue=path) as server:
        return conform(
            server.base_url,
            "XX-conformance.own",
            allow_orders=True,
            other_api_key="XX-conformance.other",
            sleep=clock.advance,
        )


def failures(report: Report) -> dict[str, str | None]:
    """What failed, with the reasons."""
    return {result.name: result.reason for result in report.results if result.status == "failed"}


@pytest.mark.once
def test_a_recorded_catalogue_passes_every_check(tmp_path: Path) -> None:
    """Products that deviate as real ones do fail nothing, and leave nothing out."""
    products = [*odd_products(), *recorded_products(300)]
    report = run(tmp_path / "catalogue.json", products)
    assert failures(report) == {}
    skipped = {result.name for result in report.results if result.status == "skipped"}
    assert skipped == {
        check.name for check in CHECKS if check.profile == "production" or check.moves_clock
    }


@pytest.mark.once
@pytest.mark.parametrize("count", [1, None], ids=["one", "all"])
def test_odd_products_alone_fail_nothing(tmp_path: Path, count: int | None) -> None:
    """Checks that find no product to order are left out, and say so."""
    report = run(tmp_path / "catalogue.json", [*odd_products()][:count])
    assert failures(report) == {}
