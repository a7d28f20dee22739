"""The report as HTML, Markdown, JSON and JUnit XML."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from runa_conformance.junit import Case, Suite, as_xml
from runa_mock_server.testing.go_live.report import Report, Result
from runa_mock_server.testing.go_live.rule import Status, Violation
from runa_mock_server.testing.page import rendered

_MOST_VIOLATIONS = 10
_MOST_EVIDENCE = 5
_IN_A_COMMENT = 2
_LONGEST_LINE = 300
_MARKS: Mapping[Status, str] = {
    "proven": "✅",
    "violated": "❌",
    "not exercised": "⬜",
    "not checkable": "🔎",
}
_TONES: Mapping[Status, str] = {
    "proven": "good",
    "violated": "bad",
    "not exercised": "open",
    "not checkable": "plain",
}
_ORDER: Sequence[Status] = ("violated", "not exercised", "proven", "not checkable")


def as_html(report: Report) -> str:
    """One page that loads nothing."""
    return rendered(
        "go_live.html",
        report=report,
        groups=[(status, report.of(status)) for status in _ORDER if report.of(status)],
        tones=_TONES,
        shortened=shortened,
        advice=advice,
        most_violations=_MOST_VIOLATIONS,
    )


def shortened(evidence: Sequence[object], most: int = _MOST_EVIDENCE) -> list[str]:
    """Evidence as lines, with the number of those that are left out."""
    lines = [_line(str(each)) for each in evidence[:most]]
    left_out = len(evidence) - most
    return [*lines, f"and {left_out} more"] if left_out > 0 else lines


def _line(text: str) -> str:
    plain = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return plain if len(plain) <= _LONGEST_LINE else f"{plain[:_LONGEST_LINE]}…"


def advice(result: Result) -> str:
    """What is to be done about a rule that is not proven."""
    judgement, exercise = result.judgement, result.rule.exercise
    reason = judgement.uncheckable
    if result.status == "not exercised":
        reason = judgement.missing if judgement.proof else ""
    return f"{reason[:1].upper()}{reason[1:]}. {exercise}" if reason else exercise


def as_markdown(report: Report) -> str:
    """A comment of a pull request: violations with their evidence, the rest as a table."""
    mark = {"good": "✅", "bad": "❌", "open": "⬜"}[report.tone]
    lines = [f"## {mark} {report.verdict}", "", f"Go-live report: {report.summary}.", ""]
    for result in report.of("violated"):
        lines += [f"### ❌ {_escaped(result.rule.text)} (`{result.rule.id}`)", ""]
        for violation in result.judgement.violations[:_IN_A_COMMENT]:
            lines.append(f"- {_escaped(violation.text)}")
            lines += [f"  - {_code(line)}" for line in shortened(violation.evidence, 3)]
        left_out = len(result.judgement.violations) - _IN_A_COMMENT
        lines += [f"- and {left_out} more"] if left_out > 0 else []
        lines.append("")
    lines += [
        "<details><summary>All rules</summary>",
        "",
        "| | rule | what to do |",
        "|---|---|---|",
    ]
    for status in _ORDER:
        for result in report.of(status):
            todo = "" if status == "proven" else _escaped(advice(result))
            text = f"{_escaped(result.rule.text)} (`{result.rule.id}`)"
            lines.append(f"| {_MARKS[status]} {status} | {text} | {todo} |")
    inputs = "; ".join(
        f"{_code(each.name)} ({each.requests} requests, sha256 {each.digest[:12]})"
        for each in report.inputs
    )
    lines += ["", "</details>", "", f"runa-mock {report.version}; {inputs}", ""]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>|~#])", r"\\\1", _line(text))


def _code(text: str) -> str:
    """A code span, whatever is in it."""
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{ticks} {text} {ticks}".replace("|", "\\|")


def as_json(report: Report) -> str:
    """The whole report for machines."""
    document = {
        "verdict": report.verdict,
        "counts": report.counts,
        "requests": report.requests,
        "version": report.version,
        "generated_at": report.generated_at.isoformat(timespec="seconds"),
        "inputs": [asdict(each) for each in report.inputs],
        "rules": [
            {
                "id": result.rule.id,
                "theme": result.rule.theme,
                "text": result.rule.text,
                "status": result.status,
                "exercise": advice(result),
                "evidence": [str(each) for each in result.judgement.proof],
                "violations": [
                    {"text": v.text, "evidence": [str(each) for each in v.evidence]}
                    for v in result.judgement.violations
                ],
            }
            for result in report.results
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def as_junit(report: Report) -> str:
    """A test case for each rule: violated fails, what is not proven is skipped."""
    cases = []
    for result in report.results:
        group, name = f"go-live.{result.rule.theme}", result.rule.id
        if result.status == "proven":
            cases.append(Case(group, name, "passed"))
        elif result.status == "violated":
            told = "\n".join(map(_told, result.judgement.violations[:_MOST_VIOLATIONS]))
            cases.append(Case(group, name, "failed", f"{result.rule.text}\n{told}"))
        else:
            cases.append(Case(group, name, "skipped", f"{result.status}: {advice(result)}"))
    properties = {each.name: f"sha256 {each.digest}" for each in report.inputs}
    about = {"runa-mock": report.version, "verdict": report.verdict, **properties}
    return as_xml(Suite("go-live", report.generated_at, 0.0, cases, about))


def _told(violation: Violation) -> str:
    return "\n  ".join([violation.text, *shortened(violation.evidence)])


FORMATS: Mapping[str, Callable[[Report], str]] = {
    "html": as_html,
    "markdown": as_markdown,
    "json": as_json,
    "junit": as_junit,
}
"""By its name what writes a form of the report."""
