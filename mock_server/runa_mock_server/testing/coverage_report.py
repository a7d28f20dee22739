"""Contract coverage of a test session, as text, HTML and JSON."""

from collections.abc import Callable, Mapping, Sequence
from textwrap import fill

from runa_mock_server._version import __version__
from runa_mock_server.control.coverage import (
    CoverageArea,
    CoverageEntry,
    CoverageResult,
    summed,
)
from runa_mock_server.testing.page import rendered

_WIDTH = 100
_INDENT = "  "


def merged(results: Sequence[CoverageResult]) -> CoverageResult:
    """The coverage of several processes together.

    Args:
        results: at least one; of the first that met something its request or delivery is kept.
    """
    return summed(
        [
            _merged_area([result.areas[index] for result in results])
            for index in range(len(results[0].areas))
        ]
    )


def _merged_area(areas: Sequence[CoverageArea]) -> CoverageArea:
    entries = [
        CoverageEntry(
            id=same[0].id,
            text=same[0].text,
            times=sum(entry.times for entry in same),
            first=next((entry.first for entry in same if entry.first is not None), None),
        )
        for same in zip(*(area.entries for area in areas), strict=True)
    ]
    met = sum(entry.times > 0 for entry in entries)
    return CoverageArea(name=areas[0].name, met=met, total=len(entries), entries=entries)


def with_test(result: CoverageResult, test: str) -> CoverageResult:
    """A coverage whose requests were all those of one test."""
    for area in result.areas:
        for entry in area.entries:
            if entry.first is not None:
                entry.first.test = test
    return result


def as_text(result: CoverageResult) -> str:
    """The sums of the areas, and what of each was never met."""
    lines = [
        f"{name:<20}{met:>4} of {total:<4}{percent:>6.1f} %"
        for name, met, total, percent in [
            *((a.name, a.met, a.total, 100 * a.met / a.total) for a in result.areas),
            ("total", result.met, result.total, result.percent),
        ]
    ]
    for area in result.areas:
        missing = ", ".join(entry.id for entry in area.entries if not entry.times)
        if missing:
            lines += ["", f"never met, {area.name}:"]
            # Names such as `reset before` stay in one piece.
            pieces = missing.replace(" ", "\0").replace(",\0", ", ")
            text = fill(pieces, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
            lines.append(text.replace("\0", " "))
    return "\n".join(lines) + "\n"


def as_json(result: CoverageResult) -> str:
    """The whole coverage as JSON, in the form of ``GET /_mock/coverage``."""
    return result.model_dump_json(indent=2) + "\n"


def as_html(result: CoverageResult) -> str:
    """The whole coverage as one page that loads nothing."""
    return rendered("coverage.html", result=result, version=__version__)


FORMATS: Mapping[str, Callable[[CoverageResult], str]] = {
    "text": as_text,
    "html": as_html,
    "json": as_json,
}
"""By its name what writes a form of the report."""
