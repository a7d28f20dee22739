"""The documents and their code blocks.

A block is fenced, and its first word is its language. ``title="NAME"`` names a file: tests write
it beside the page's commands, and a title that begins with ``test_`` is a test. A block that cannot
run where the tests run stands below a line ``*Not run by the tests: REASON.*``.
"""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = tuple(path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("docs/**/*.md")))
WITH_BLOCKS = ("README.md", *PAGES)
DOCUMENTS = (*WITH_BLOCKS, "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")

_BLOCK = re.compile(
    r"(?P<untested>^\*Not run by the tests: (?P<reason>[^\n]+)\*\n\n)?"
    r"^```(?P<language>[\w+-]*)(?: title=\"(?P<title>[^\"]+)\")?(?P<rest>[^\n]*)\n"
    r"(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A fenced block.

    Attributes:
        document: the path of its document from the root.
        number: its place among the blocks of the document, from 1.
        language: the first word of the fence.
        title: the file that it is, or an empty text.
        text: what stands between the fences.
        untested: why the tests do not run it, or an empty text.
        rest: what else stands on the fence; empty for a block as it should be.
    """

    document: str
    number: int
    language: str
    title: str
    text: str
    untested: str
    rest: str

    def __str__(self) -> str:
        """Where it is, for the names of tests."""
        return f"{self.document}-{self.number}"


def read(document: str) -> str:
    """The text of a document."""
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document: str) -> list[Block]:
    """All blocks of a document."""
    return [
        Block(
            document,
            number,
            found["language"],
            found["title"] or "",
            found["text"],
            found["reason"] or "",
            found["rest"],
        )
        for number, found in enumerate(_BLOCK.finditer(read(document)), 1)
    ]


ALL = tuple(block for document in WITH_BLOCKS for block in blocks(document))
RUN = tuple(block for block in ALL if not block.untested)


def of_language(language: str) -> list[Block]:
    """The blocks of all documents in a language that the tests run."""
    return [block for block in RUN if block.language == language]
