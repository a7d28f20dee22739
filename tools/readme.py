"""Write the generated parts of the papers: `python tools/readme.py`, or `--check` to compare.

A part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`.
"""

import json
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from importlib.resources import files
from pathlib import Path

from runa_mock_server.config.flags import DEFAULT_PORT
from runa_mock_server.config.serve_settings import NAMES, ServeSettings
from runa_mock_server.contract.profiles import PROFILES
from runa_mock_server.control.api import OPERATIONS
from runa_mock_server.control.api import PREFIX as CONTROL
from runa_mock_server.server_state.fault_spec import PLACES, FaultSpec
from runa_mock_server.testing.client_scenarios.checks import CHECKS
from runa_mock_server.testing.client_scenarios.scenarios import SCENARIOS
from runa_mock_server.testing.go_live.report import RULES as GO_LIVE_RULES
from runa_mock_server.testing.webhook_scenarios.checks import CHECKS as WEBHOOK_CHECKS

ROOT = Path(__file__).resolve().parent.parent
PAPERS = {
    "README.md": ("settings", "profiles", "operations", "inferred", "speed"),
    "docs/check-client.md": ("scenarios", "checks"),
    "docs/check-webhooks.md": ("webhook-checks",),
    "docs/control.md": ("faults", "control"),
    "docs/go-live.md": ("go-live rules",),
}
SPEED = ("what", "goal", "floor", "measured", "verdict")


def main() -> int:
    """Rewrite the papers, or say whether that would change one; 1 if a check fails."""
    written = parts()
    stale = False
    for paper, names in PAPERS.items():
        path = ROOT / paper
        old = text = path.read_text(encoding="utf-8")
        for name in names:
            begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
            if text.count(begin) != 1 or text.count(end) != 1:
                raise SystemExit(f"{paper} must have one place for the part {name}")
            before, _, rest = text.partition(begin)
            text = before + begin + written[name] + end + rest.partition(end)[2]
        stale = stale or text != old
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
    return int(stale and "--check" in sys.argv[1:])


def parts() -> Mapping[str, str]:
    """Every generated part by its name."""
    behaviour = tomllib.loads(
        files("runa_mock_server").joinpath("contract/behaviour.toml").read_text(encoding="utf-8")
    )
    implemented = [(row["name"], row["state"]) for row in behaviour["operation"]]
    missing = [(row["name"], row["state"]) for row in behaviour["outside"]]
    return {
        "settings": _table(("flag", "key", "default", "meaning"), _settings()),
        "profiles": _table(("", *PROFILES), _profiles()),
        "operations": _table(("operation", "state"), [*implemented, *missing]),
        "inferred": "".join(
            f"- **{row['topic']}.** {row['decision']}\n" for row in behaviour["inferred"]
        ),
        "speed": _table(SPEED, _speed()),
        "faults": _table(("kind", "what happens", "places"), _faults()),
        "control": _table(("call", "what it does"), _control()),
        "go-live rules": _table(
            ("rule", "an integration that is ready ...", "how to exercise it"),
            [(f"`{r.id}`", r.text, r.exercise) for r in GO_LIVE_RULES],
        ),
        "scenarios": _table(
            ("scenario", "what happens"), [(f"`{s.name}`", s.text) for s in SCENARIOS.values()]
        ),
        "checks": _table(
            ("check", "the program ..."), [(f"`{c.name}`", c.text) for c in CHECKS.values()]
        ),
        "webhook-checks": _table(
            ("check", "the handler ...", "why"),
            [(f"`{c.name}`", c.text, c.why) for c in WEBHOOK_CHECKS.values()],
        ),
    }


def _speed() -> list[tuple[str, ...]]:
    results = json.loads(ROOT.joinpath("benchmarks/results.json").read_text(encoding="utf-8"))
    return [tuple(goal[column] for column in SPEED) for goal in results["goals"]]


def _faults() -> list[tuple[str, ...]]:
    told = dict(
        part.split(": ", 1)
        for part in str(FaultSpec.model_fields["kind"].description).rstrip(".").split("; ")
    )
    return [
        (f"`{kind}`", told[kind], ", ".join(f"`{place}`" for place in places))
        for kind, places in PLACES.items()
    ]


def _control() -> list[tuple[str, ...]]:
    return [(f"`{o.method} {CONTROL}{o.path}`", o.summary) for o in OPERATIONS]


def _settings() -> list[tuple[str, ...]]:
    return [
        (
            f"`{NAMES[name].flag}`",
            f"`{name}`",
            _default(name, field.default),
            field.description or "",
        )
        for name, field in ServeSettings.model_fields.items()
    ]


def _default(name: str, default: object) -> str:
    if name == "port":
        return f"{DEFAULT_PORT}; `MockServer`: 0"
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, tuple):
        return ", ".join(f"`{part:g}`" for part in default)
    return "" if default in (None, {}) else f"`{default}`"


def _profiles() -> list[tuple[str, ...]]:
    names = [field.name for field in fields(PROFILES["playground"]) if field.name != "name"]
    return [
        (name.replace("_", " "), *(_shown(getattr(p, name)) for p in PROFILES.values()))
        for name in names
    ]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {amount}" for name, amount in value.items()) or "none"
    return str(value)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    raise SystemExit(main())
