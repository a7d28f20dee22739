"""The dashboard at ``/_mock/``: static files, the same for everybody, without data of the server.

What the page shows it fetches from the control API, behind whose gate the data are. So the files
need no token, and a link on any page may lead to them; but no page may frame them.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from aiohttp import web

from runa_mock_server.base.errors import quoted
from runa_mock_server.control.problems import ControlError

_SCRIPT = "text/javascript; charset=utf-8"

FILES: Mapping[str, str] = {
    "style.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "app.js": _SCRIPT,
    "api.js": _SCRIPT,
    "dom.js": _SCRIPT,
    "format.js": _SCRIPT,
    "frame.js": _SCRIPT,
    "live.js": _SCRIPT,
    "parts.js": _SCRIPT,
    "views/adversary.js": _SCRIPT,
    "views/catalogue.js": _SCRIPT,
    "views/clock.js": _SCRIPT,
    "views/coverage.js": _SCRIPT,
    "views/emails.js": _SCRIPT,
    "views/endpoints.js": _SCRIPT,
    "views/faults.js": _SCRIPT,
    "views/first_order.js": _SCRIPT,
    "views/journal.js": _SCRIPT,
    "views/message.js": _SCRIPT,
    "views/order.js": _SCRIPT,
    "views/orders.js": _SCRIPT,
    "views/request.js": _SCRIPT,
    "views/settings.js": _SCRIPT,
    "views/webhooks.js": _SCRIPT,
}
"""Everything that the page loads, with its type. Nothing else can be asked for."""

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_FOLDER = "dashboard/"


def prefers_page(accept: str) -> bool:
    """Whether a header ``Accept`` likes HTML better than JSON, as those of browsers do."""
    html = _quality(accept, "text/html", "text/*")
    return html > _quality(accept, "application/json", "application/*")


def page(path: str) -> web.Response:
    """The page itself.

    Args:
        path: the path that was asked for; its links are relative, for the sake of proxies.
    """
    html = _read("index.html")
    if not path.endswith("/"):
        last = path.rpartition("/")[2].encode()
        html = html.replace(b'="' + _FOLDER.encode(), b'="%s/%s' % (last, _FOLDER.encode()))
    return _response(html, "text/html; charset=utf-8", {"Vary": "Accept"})


def file(name: str) -> web.Response:
    """A file that the page loads.

    Raises:
        ControlError: if it loads no such file.
    """
    if name not in FILES:
        raise ControlError(404, "not_found", f"The dashboard has no file {quoted(name)}.")
    return _response(_read(name), FILES[name], {})


def _response(body: bytes, content_type: str, more: Mapping[str, str]) -> web.Response:
    return web.Response(body=body, headers={**HEADERS, **more, "Content-Type": content_type})


@cache
def _read(name: str) -> bytes:
    return files(__package__).joinpath("static", name).read_bytes()


def _quality(accept: str, *ranges: str) -> float:
    """How much a type is liked: by the most exact range that it is in, and 0 if it is in none."""
    liked = dict(_range(part) for part in accept.split(",") if part.strip())
    return next((liked[name] for name in (*ranges, "*/*") if name in liked), 0.0)


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (text.strip() for text in part.lower().split(";"))
    weight = next((text[2:] for text in parameters if text.startswith("q=")), "1")
    try:
        return name, float(weight)
    except ValueError:
        return name, 0.0
