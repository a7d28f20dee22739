"""Checks whether a server keeps the contract of the payouts API: this mock, the service, a double.

``conform`` runs named checks over HTTP, each of which cites the rule that it proves. Checks that
place orders run only if that is allowed.
"""

from runa_conformance._checks import CHECKS
from runa_conformance._failures import SelectionError, TargetError
from runa_conformance._registry import Check
from runa_conformance._rules import RULES, Rule
from runa_conformance._run import ConformOptions, Report, Result, conform

__all__ = [
    "CHECKS",
    "RULES",
    "Check",
    "ConformOptions",
    "Report",
    "Result",
    "Rule",
    "SelectionError",
    "TargetError",
    "conform",
]
