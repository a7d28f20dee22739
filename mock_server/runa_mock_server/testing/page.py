"""Reports as pages that load nothing, from the templates in the folder ``templates``."""

from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def rendered(template: str, **values: Any) -> str:
    """A report made from a template; what is put into HTML is escaped.

    Args:
        template: the template's file name.
        **values: what the template asks for.
    """
    return _environment().get_template(template).render(**values)


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - rarely needed

    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    folder = resources.files(__package__).joinpath("templates")
    environment.globals["style"] = folder.joinpath("report.css").read_text(encoding="utf-8")
    return environment
