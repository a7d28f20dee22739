"""Pages for people, from the templates in the folder ``pages``."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runa_mock_server.idempotency import Answer

if TYPE_CHECKING:
    from jinja2 import Environment

_HTML = "text/html; charset=utf-8"


def page(template: str, status: int, **values: Any) -> Answer:
    """A page made from a template; what is put into it is escaped."""
    text = _templates().get_template(template).render(**values)
    return Answer(status, text.encode(), _HTML)


@lru_cache(maxsize=1)
def _templates() -> "Environment":
    # Most servers never show a page, and a template engine would slow down the start of each.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - see above

    return Environment(
        loader=PackageLoader("runa_mock_server", "web/pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
