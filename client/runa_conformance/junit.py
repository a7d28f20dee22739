"""JUnit XML, which CI servers read."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Literal, NamedTuple
from xml.etree import ElementTree as ET

__all__ = ["Case", "Suite", "as_xml"]

# What XML cannot hold, not even escaped.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAGS = {"failed": "failure", "skipped": "skipped"}


class Case(NamedTuple):
    """One line of a report.

    Attributes:
        group: what it belongs to.
        name: its name.
        status: how it came out.
        text: what is to be told where it did not pass, the message first.
        seconds: how long it took.
    """

    group: str
    name: str
    status: Literal["passed", "failed", "skipped"]
    text: str = ""
    seconds: float = 0.0


class Suite(NamedTuple):
    """A whole report.

    Attributes:
        name: its name.
        started_at: when the run began, if that was noted.
        seconds: how long it took.
        cases: its lines.
        properties: whatever else is to be known of it.
    """

    name: str
    started_at: datetime | None
    seconds: float
    cases: Sequence[Case]
    properties: Mapping[str, str] = MappingProxyType({})


def as_xml(suite: Suite) -> str:
    """A report as JUnit XML."""
    root = ET.Element("testsuites")
    began = suite.started_at
    element = ET.SubElement(
        root,
        "testsuite",
        {
            "name": suite.name,
            **({} if began is None else {"timestamp": began.isoformat(timespec="seconds")}),
            "tests": str(len(suite.cases)),
            "failures": str(sum(case.status == "failed" for case in suite.cases)),
            "skipped": str(sum(case.status == "skipped" for case in suite.cases)),
            "errors": "0",
            "time": f"{suite.seconds:.3f}",
        },
    )
    if suite.properties:
        properties = ET.SubElement(element, "properties")
        for name, value in suite.properties.items():
            ET.SubElement(properties, "property", {"name": name, "value": _printable(value)})
    for case in suite.cases:
        _add(element, case)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add(suite: ET.Element, case: Case) -> None:
    attributes = {"classname": case.group, "name": case.name, "time": f"{case.seconds:.3f}"}
    element = ET.SubElement(suite, "testcase", attributes)
    if case.status in _TAGS:
        text = _printable(case.text)
        told = ET.SubElement(element, _TAGS[case.status], {"message": text.partition("\n")[0]})
        told.text = text


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("?", text)
