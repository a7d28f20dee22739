"""Pages for people, from the templates in the folder ``templates``.

A page brings its style and its script along, so that it loads nothing, and forbids the browser
all else: no other host, no frame around it, no script but its own.
"""

import base64
import hashlib
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.web.call import Call

if TYPE_CHECKING:
    from jinja2 import Environment

_HTML = "text/html; charset=utf-8"
_FOLDER = "templates"


def page(
    call: Call, template: str, status: int, rule: str = "payout-page", **values: Any
) -> Answer:
    """A page made from a template; what is put into it is escaped.

    Args:
        call: the request, whose answer gets the headers that pages have.
        template: the template's file name.
        status: the HTTP status.
        rule: the id of the rule that decided the answer.
        **values: what the template asks for.
    """
    maker = _maker()
    call.response_headers |= maker.headers
    text = maker.templates.get_template(template).render(**values)
    return Answer(status, text.encode(), _HTML, rule)


class _Maker(NamedTuple):
    """What pages are made with."""

    templates: "Environment"
    headers: dict[str, str]


@lru_cache(maxsize=1)
def _maker() -> _Maker:
    # Most servers never show a page, and a template engine would slow down the start of each.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - see above

    templates = Environment(
        loader=PackageLoader(__package__, _FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    folder = resources.files(__package__).joinpath(_FOLDER)
    style = folder.joinpath("style.css").read_text(encoding="utf-8")
    script = folder.joinpath("split.js").read_text(encoding="utf-8")
    templates.globals |= {"style": style, "script": script}
    policy = {
        "default-src": "'none'",
        "style-src": _only(style),
        "script-src": _only(script),
        "img-src": "data:",  # the icon of the tab
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    return _Maker(
        templates,
        {
            "Content-Security-Policy": "; ".join(f"{name} {it}" for name, it in policy.items()),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",  # a page's address is the secret that opens it
            "Cache-Control": "no-store",
        },
    )


def _only(inline: str) -> str:
    """The source of a policy that allows one text that stands in the page itself."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'"
