"""How the outcome of a check is shown, by every report."""

from collections.abc import Mapping
from typing import Final, Literal

FindingStatus = Literal["passed", "failed", "not_exercised"]

MARKS: Final[Mapping[FindingStatus, str]] = {
    "passed": "ok  ",
    "failed": "FAIL",
    "not_exercised": "idle",
}
"""The first word of a line of a text report."""

JUNIT: Final[Mapping[FindingStatus, Literal["passed", "failed", "skipped"]]] = {
    "passed": "passed",
    "failed": "failed",
    "not_exercised": "skipped",
}
"""The status of a JUnit case."""
