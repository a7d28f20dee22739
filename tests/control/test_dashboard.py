"""The dashboard's files: who gets them, with what headers, and that they need nothing else."""

import re
from importlib.resources import files
from pathlib import Path

import pytest
import requests

from runa_mock_server import MockServer
from runa_mock_server.control.api import OPERATIONS
from runa_mock_server.web.dashboard.files import FILES
from support.api import TIMEOUT
from support.raw import exchange

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
FOLDER = Path(str(files("runa_mock_server"))) / "web" / "dashboard" / "static"
TEXTS = {name: (FOLDER / name).read_text(encoding="utf-8") for name in ("index.html", *FILES)}
GROUNDS = ("ground", "panel")
PIECES = {"views/adversary.js", "views/endpoints.js", "views/first_order.js"}
VIEWS = [name for name in FILES if name.startswith("views/") and name not in PIECES]


def get(server: MockServer, path: str, **headers: str) -> requests.Response:
    """``GET`` a path below ``/_mock``; headers are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(server.url + "/_mock" + path, headers=named, timeout=TIMEOUT)


@pytest.mark.parametrize("path", ["", "/"])
@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (BROWSER, "text/html"),
        ("text/html", "text/html"),
        ("TEXT/HTML;level=1, application/json;q=0.9", "text/html"),
        ("text/*", "text/html"),
        ("*/*", "application/json"),
        ("", "application/json"),
        ("application/json", "application/json"),
        ("application/json, text/html", "application/json"),
        ("text/html;q=0.5, */*", "application/json"),
        ("text/html;q=nonsense", "application/json"),
        (",;q=,text/html;q=0", "application/json"),
    ],
)
def test_a_browser_gets_the_page_and_everybody_else_the_index(
    server: MockServer, path: str, accept: str, kind: str
) -> None:
    """Whatever likes HTML better than JSON is a browser; caches are told that it depends."""
    response = get(server, path, Accept=accept)
    assert response.status_code == 200
    assert response.headers["Content-Type"].partition(";")[0] == kind
    assert response.headers["Vary"] == "Accept"


@pytest.mark.parametrize("path", ["", "/"])
def test_everything_that_the_page_names_is_there(server: MockServer, path: str) -> None:
    """Its links lead to files, from either of its two addresses, also behind a proxy's path."""
    page = get(server, path, Accept=BROWSER)
    named = re.findall(r'(?:src|href)="(\S*dashboard/\S+)"', page.text)
    assert len(named) == 3
    for name in named:
        assert not name.startswith("/")
        found = requests.get(requests.compat.urljoin(page.url, name), timeout=TIMEOUT)
        assert found.status_code == 200


def test_every_file_has_its_type_and_strict_headers(server: MockServer) -> None:
    """No script but the server's own, no frame, no guessing, no referrer, nothing kept."""
    pages = [get(server, "/", Accept=BROWSER), *(get(server, f"/dashboard/{f}") for f in FILES)]
    for response, kind in zip(pages, ["text/html; charset=utf-8", *FILES.values()], strict=True):
        headers = response.headers
        assert (response.status_code, headers["Content-Type"]) == (200, kind)
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy.pop("default-src") == "'none'"
        assert policy.pop("frame-ancestors") == "'none'"
        assert set(policy.values()) == {"'self'", "'none'"}
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert not [name for name in headers if name.lower().startswith("access-control")]


def test_the_table_of_files_is_the_folder() -> None:
    """Whatever lies there is served, and nothing else could be."""
    lying = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert lying == {"index.html", *FILES}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nope.js",
        "../dashboard.py",
        "..%2fdashboard.py",
        "views/../app.js",
        "%2e%2e/x",
        "/app.js",
    ],
)
def test_nothing_else_can_be_had(server: MockServer, name: str) -> None:
    """There is a fixed table, so no path leads out of it."""
    request = f"GET /_mock/dashboard/{name} HTTP/1.1\r\nHost: mock\r\n\r\n".encode()
    reply = exchange(server.url, request)
    assert (reply.status, reply.document["type"]) == (404, "not_found")


@pytest.mark.parametrize("name", TEXTS)
def test_no_file_needs_anything_from_elsewhere(name: str) -> None:
    """No address of another host, no markup made from data, nothing inline, no source of code."""
    text = TEXTS[name].replace('xmlns="http://www.w3.org/2000/svg"', "")
    text = text.replace("http://127.0.0.1:9000/hook", "")  # what may be typed into a field
    assert not re.search(r"[\"'`(](?:https?:)?//\w", text)
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert forbidden not in text
    assert not re.search(r"\sstyle=|\son\w+=\"|<style|javascript:|@import|url\(", text)
    assert len(text.splitlines()) <= 300


@pytest.mark.parametrize("name", VIEWS)
def test_every_view_names_a_control_call_that_gives_the_same(name: str) -> None:
    """The link beside its heading leads to an operation of the control API."""
    text = TEXTS[name]
    named = re.findall(r'heading\(\s*(?:"[^"]*"|`[^`]*`),\s*(.+?)[,)]', text)
    assert named, name
    path = re.search(r"const path = `(\w+(?:/\w+)*)/\$\{", text)
    calls = {operation.path for operation in OPERATIONS if operation.method == "GET"}
    shapes = {re.sub(r"\{\w*\}", "{}", call) for call in calls}
    for each in named:
        below = each.strip('"`').replace("${path}", "path")
        if below.startswith("path"):
            assert path is not None
            below = below.replace("path", f"{path[1]}/{{}}", 1)
        assert f"/{below}" in shapes, name


PAIRS = [
    *((text, ground) for text in ("text", "faint", "link", "bad", "good") for ground in GROUNDS),
    *((text, f"{text}-ground") for text in ("good", "wait", "bad")),
    ("text", "plain-ground"),
    ("text", "mark"),
    ("link", "mark"),
]


def _luminance(colour: str) -> float:
    """The relative luminance of a colour, as WCAG 2 defines it."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_has_contrast(scheme: int) -> None:
    """At least 4.5:1 on each ground that it stands on, in both colour schemes."""
    blocks = re.findall(r":root \{(.*?)\}", TEXTS["style.css"], re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", blocks[scheme]))
    for text, ground in PAIRS:
        darker, lighter = sorted(_luminance(colours[name]) for name in (text, ground))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (text, ground)


LINKED = {
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Accept": BROWSER,
}


def test_a_link_may_lead_to_the_page_and_to_nothing_else(server: MockServer) -> None:
    """The page holds no data, so a link from anywhere may show it; not in a frame, not the data."""
    assert requests.get(f"{server.url}/_mock/", headers=LINKED, timeout=TIMEOUT).status_code == 200
    for changed in (
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Mode": "cors"},
        {"Origin": "https://evil.example"},
        {"Host": "evil.example"},
        {"Accept": "application/json"},
    ):
        response = requests.get(f"{server.url}/_mock/", headers=LINKED | changed, timeout=TIMEOUT)
        assert response.status_code == 403, changed
    for path in ("/orders", "/dashboard/app.js", "/events", "/openapi.json"):
        address = f"{server.url}/_mock{path}"
        assert requests.get(address, headers=LINKED, timeout=TIMEOUT).status_code == 403


def test_the_files_need_no_token_and_go_with_the_control_api() -> None:
    """The page has to be there to ask for the token; with ``--no-control`` it is not."""
    with MockServer(control_token="t") as server:  # noqa: S106 - of this test
        assert get(server, "/", Accept=BROWSER).status_code == 200
        assert get(server, "/dashboard/app.js").status_code == 200
        assert get(server, "/").status_code == 401
    with MockServer(control=False) as server:
        for path in ("", "/", "/dashboard/app.js"):
            assert get(server, path, Accept=BROWSER).status_code == 404
