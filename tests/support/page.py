"""A page as a browser without styles takes it, and what holds for every page whatever its state."""

from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from urllib.parse import urlsplit

_VOID = frozenset({"meta", "link", "input", "br"})
_UNSEEN = frozenset({"style", "script", "title"})
_REFERENCES = ("for", "aria-labelledby", "aria-describedby")
_ADDRESSES = ("href", "src", "srcset", "action", "formaction", "poster", "data", "xlink:href")


@dataclass
class Element:
    """An element: its tag, its attributes and the text within it."""

    tag: str
    attributes: dict[str, str]
    words: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text, with white space as it is shown."""
        return " ".join("".join(self.words).split())


class Page(HTMLParser):
    """A page; building one asserts that what was opened is closed, in the right order.

    Args:
        source: the HTML.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(source)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        attributes = {name: value or "" for name, value in attrs}
        assert len(attributes) == len(attrs), "an attribute is there twice"
        self.elements.append(Element(tag, attributes))
        if tag not in _VOID:
            self._open.append(self.elements[-1])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that holds nothing, as SVG has them."""
        self.handle_starttag(tag, attrs)
        self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        """Give text to all elements around it."""
        if self._open and self._open[-1].tag in _UNSEEN:
            self._open[-1].words.append(data)
        else:
            for element in self._open:
                element.words.append(data)

    def all(self, *tags: str, **attributes: str) -> list[Element]:
        """The elements of some kinds, with certain values of certain attributes."""
        return [
            element
            for element in self.elements
            if element.tag in tags and attributes.items() <= element.attributes.items()
        ]

    def one(self, *tags: str, **attributes: str) -> Element:
        """The only such element."""
        (element,) = self.all(*tags, **attributes)
        return element

    @cached_property
    def text(self) -> str:
        """All that can be read."""
        return self.one("body").text

    @cached_property
    def by_id(self) -> dict[str, Element]:
        """The elements that have an id."""
        named = [element for element in self.elements if "id" in element.attributes]
        found = {element.attributes["id"]: element for element in named}
        assert len(found) == len(named), "an id is there twice"
        return found

    def name_of(self, control: Element) -> str:
        """By what name a control is announced."""
        if control.tag != "input":
            return control.text
        (label,) = self.all("label", **{"for": control.attributes["id"]})
        return label.text

    def described(self, control: Element) -> str:
        """What is said of a control beside its name."""
        ids = control.attributes.get("aria-describedby", "").split()
        return " ".join(self.by_id[found].text for found in ids)


def opened(source: str, own_url: str) -> Page:
    """A page, once it is found to be marked as a simulation, accessible and on its own.

    Args:
        source: the HTML.
        own_url: scheme, host and port of the server, the only ones that it may name.
    """
    page = Page(source)
    assert source.startswith("<!doctype html>")
    assert page.one("html").attributes["lang"] == "en"
    assert page.one("meta", name="robots").attributes["content"] == "noindex"
    title, heading = page.all("title")[0].text, page.one("h1").text
    assert title.removeprefix("Error: ") == f"{heading} (simulation by runa-mock)"
    assert "Simulation. Made by runa-mock" in page.all("header")[0].text
    assert "Nothing here has any value" in page.text
    assert page.one("main").text
    _check_references(page)
    _check_controls(page)
    for element in page.elements:
        for name, value in element.attributes.items():
            assert name != "style", "the policy forbids it"
            assert not name.startswith("on"), "the policy forbids it"
            if name in _ADDRESSES:
                parts = urlsplit(value)
                own = f"{parts.scheme}://{parts.netloc}" in (own_url, "://")
                assert own or value.startswith("data:image/svg+xml,"), value
    return page


def _check_references(page: Page) -> None:
    for element in page.elements:
        for name in _REFERENCES:
            for target in element.attributes.get(name, "").split():
                assert target in page.by_id, (name, target)
        link = element.attributes.get("href", "")
        assert not link.startswith("#") or link[1:] in page.by_id, link


def _check_controls(page: Page) -> None:
    controls = page.all("input", "button", "a", "summary")
    hidden = page.all("input", type="hidden")
    assert all(page.name_of(control) for control in controls if control not in hidden)
    buttons = [page.name_of(button) for button in page.all("button")]
    assert len(set(buttons)) == len(buttons), "names tell controls apart"
    for picture in page.all("svg"):
        assert picture.attributes.get("aria-label") or picture.text, "pictures have a text"
