"""The rules of the contract, each with the evidence for it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Literal

Evidence = Literal["recorded", "documented", "inferred"]

EVIDENCE: Final[tuple[Evidence, ...]] = ("recorded", "documented", "inferred")
"""From the firmest to the weakest."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the contract.

    Attributes:
        id: its name, which checks cite and with which answers are tagged.
        topic: what it is about.
        text: the rule in a sentence or two.
        evidence: ``recorded`` in traffic of the provider's playground, ``documented`` by the
            provider, or ``inferred`` where both are silent or disagree.
        recorded: the day of the recording, where it is known.
        unchecked: why no check proves it, ``None`` where one does.
        readings: where the provider's own pages contradict each other, what each of them says,
            the one that the mock follows first; either passes. Empty for any other rule.
        decides: whether it decides how some request is answered, so that the mock tags answers
            with it. Other rules say something about answers that another rule decided.
    """

    id: str
    topic: str
    text: str
    evidence: Evidence
    recorded: date | None = None
    unchecked: str | None = None
    readings: tuple[str, ...] = ()
    decides: bool = False

    @property
    def source(self) -> str:
        """The evidence in words, with the day of a recording."""
        return self.evidence if self.recorded is None else f"{self.evidence} {self.recorded}"


def _read() -> Mapping[str, Rule]:
    text = files(__package__).joinpath("rules.toml").read_text(encoding="utf-8")
    rules = [
        Rule(topic=topic, readings=tuple(rule.pop("readings", ())), **rule)
        for topic, group in tomllib.loads(text).items()
        for rule in group
    ]
    return MappingProxyType({rule.id: rule for rule in rules})


RULES: Final[Mapping[str, Rule]] = _read()
"""Every rule by its id, in the order of the contract; read-only."""
