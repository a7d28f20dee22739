"""The rules with their evidence and their checks, as text and as JSON."""

import json
from collections import Counter
from typing import Any

from runa_conformance._checks import CHECKS
from runa_conformance._invariants import Invariant, invariants
from runa_conformance._recording import Recording
from runa_conformance._registry import Check
from runa_schemas.rules import EVIDENCE, RULES, Rule


def rules_as_text(recording: Recording | None = None) -> str:
    """The rules with their evidence, by topic.

    Args:
        recording: tells for each rule how its checks ended there.
    """
    counts = Counter(rule.evidence for rule in RULES.values())
    told = ", ".join(f"{counts[evidence]} {evidence}" for evidence in EVIDENCE)
    lines = [f"{len(RULES)} rules: {told}"]
    topic = None
    for rule in RULES.values():
        if rule.topic != topic:
            topic = rule.topic
            lines += ["", topic]
        lines += [f"  {rule.id} ({rule.source})", f"    {rule.text}"]
        lines += [f"    reading: {reading}" for reading in rule.readings]
        if rule.unchecked is not None:
            lines.append(f"    not checked: {rule.unchecked}")
        elif recording is not None:
            lines.append(f"    {_seen(rule, recording)}")
    return "\n".join(lines) + "\n"


def rules_as_json(recording: Recording | None = None) -> str:
    """The rules with their evidence and their checks, as JSON.

    Args:
        recording: tells for each rule how its checks ended there.
    """
    documents = []
    for rule in RULES.values():
        document: dict[str, Any] = {
            "id": rule.id,
            "topic": rule.topic,
            "text": rule.text,
            "evidence": rule.evidence,
            "recorded": None if rule.recorded is None else rule.recorded.isoformat(),
            "checks": _proofs(rule),
            "unchecked": rule.unchecked,
            "readings": list(rule.readings),
        }
        if recording is not None:
            document["seen"] = {
                "base_url": recording.base_url,
                "on": recording.recorded_at.date().isoformat(),
                "status": _outcome(rule, recording),
            }
        documents.append(document)
    return json.dumps(documents, indent=2) + "\n"


def _proofs(rule: Rule) -> list[str]:
    """The names of the checks that prove a rule."""
    proofs: list[Check | Invariant] = [*CHECKS, *invariants()]
    return [proof.name for proof in proofs if proof.rule is rule]


def _outcome(rule: Rule, recording: Recording) -> str:
    """How the checks of a rule ended: failed if one did, passed if one did and none failed."""
    found = {recording.results.get(name) for name in _proofs(rule)}
    return next((status for status in ("failed", "passed") if status in found), "not checked")


def _seen(rule: Rule, recording: Recording) -> str:
    outcome = _outcome(rule, recording)
    return f"{outcome} on {recording.base_url}, {recording.recorded_at:%Y-%m-%d}"
