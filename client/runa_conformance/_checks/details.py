"""The details of a 422, on either environment."""

from collections.abc import Iterable

from runa_conformance._brief import shown
from runa_conformance._expect import at, entries, expect, refused, strings
from runa_conformance._messages import Answer
from runa_conformance._service import Service

_VARIANTS = frozenset({"EMAIL", "PAYOUT_LINK", "RECIPIENT", "SINGLE", "MULTIPLE", "TEMPLATE"})


def invalid_at(service: Service, answer: Answer, path: str, kind: str | None = None) -> None:
    """The body was refused with a detail at this place or inside it.

    Args:
        service: the service; only the playground's kinds are those of pydantic 2.
        answer: the answer to a wrong body.
        path: the place, such as ``items.0.face_value``.
        kind: the kind of fault, where it is to be looked at.
    """
    wanted = path.split(".")
    found = places(answer)
    kinds = [kind for location, kind in found if location[: len(wanted)] == wanted]
    told = [".".join(location) for location, _ in found]
    expect(kinds, f"{answer}, with details at {shown(told)}, expected one at {path}")
    if kind is not None and service.profile == "playground":
        expect(kind in kinds, f"{answer}, details at {path}: {shown(kinds)}, expected {kind}")


def places(answer: Answer) -> list[tuple[list[str], str]]:
    """Where the faults of a refused body are, and of what kind they are."""
    details = entries(refused(answer, "validation_error"), "details")
    return [
        (list(_plain(strings(detail, "location"))), str(at(detail, "type"))) for detail in details
    ]


def _plain(location: list[str]) -> Iterable[str]:
    """A location inside the body, without the names of chosen variants."""
    inner = location[1:] if location[:1] == ["body"] else location
    for before, step in zip(["", *inner], inner, strict=False):
        if before not in {"distribution_method", "products"} or step not in _VARIANTS:
            yield step
