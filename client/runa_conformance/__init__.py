"""Checks whether a server keeps the contract of the payouts API: this mock, the service, a double.

``conform`` runs named checks over HTTP, each of which cites the rule that it proves. Checks that
place orders run only if that is allowed.
"""

from runa_conformance._checks import CHECKS
from runa_conformance._failures import SelectionError, TargetError
from runa_conformance._messages import Key, Request
from runa_conformance._recording import Exchange, Recording, read_recording
from runa_conformance._registry import Check, select
from runa_conformance._replay import Comparison, Drift, ReplayOptions, replay
from runa_conformance._report import (
    as_json,
    as_junit,
    as_text,
    checks_as_text,
    findings,
    group_as_text,
    result_as_text,
    summary,
)
from runa_conformance._results import Report, Result, Status
from runa_conformance._rules_report import rules_as_json, rules_as_text
from runa_conformance._run import ConformOptions, conform
from runa_conformance._target import TargetOptions
from runa_schemas.contract_data import ProfileName
from runa_schemas.rules import RULES, Rule

__all__ = [
    "CHECKS",
    "RULES",
    "Check",
    "Comparison",
    "ConformOptions",
    "Drift",
    "Exchange",
    "Key",
    "ProfileName",
    "Recording",
    "ReplayOptions",
    "Report",
    "Request",
    "Result",
    "Rule",
    "SelectionError",
    "Status",
    "TargetError",
    "TargetOptions",
    "as_json",
    "as_junit",
    "as_text",
    "checks_as_text",
    "conform",
    "findings",
    "group_as_text",
    "read_recording",
    "replay",
    "result_as_text",
    "rules_as_json",
    "rules_as_text",
    "select",
    "summary",
]
