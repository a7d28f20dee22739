"""The documents lead somewhere: links, the navigation of the site, the map of the code."""

import re

import pytest

from support.documents import DOCUMENTS, PAGES, ROOT, read

pytestmark = pytest.mark.once

WORDS = 1_200
NAVIGATION = re.findall(r": ([\w/-]+\.md)$", read("mkdocs.yml"), re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    """Each link to a file leads to one that is there."""
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", read(document)):
        there = (ROOT / document).parent.joinpath(target).exists()
        assert target.startswith("https://") or there, target


def test_every_page_is_in_the_navigation() -> None:
    """The navigation in mkdocs.yml names each page of `docs` once; add a new page there."""
    assert sorted(f"docs/{page}" for page in NAVIGATION) == sorted(PAGES)


def test_the_readme_leads_to_the_documents() -> None:
    """The README is short, and leads to the start page, the other documents and the licence."""
    targets = set(re.findall(r"\]\(([^)#]+)\)", read("README.md")))
    assert {"docs/start.md", *DOCUMENTS[-3:], "LICENSE"} <= targets
    assert len(read("README.md").split()) <= WORDS


def test_architecture_names_modules_that_exist() -> None:
    """Each module that ARCHITECTURE.md names is there, and each module is named there."""
    text = read("ARCHITECTURE.md")
    source = ROOT / "mock_server" / "runa_mock_server"
    for path in re.findall(r"`((?:\w+/)*\w+\.py)`", text):
        assert (source / path).is_file(), path
    words = set(re.findall(r"\w+", text))
    public = {path.stem for path in source.glob("[a-z]*.py")}
    assert public <= words, public - words
