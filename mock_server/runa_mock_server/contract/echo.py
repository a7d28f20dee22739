"""Parts of a request as answers repeat them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a server starts without loading pydantic
    from runa_mock_server.contract.request_models import Distribution, Products, UsageConfig


def echo(part: "Distribution | Products | UsageConfig") -> dict[str, Any]:
    """The fields of a validated part that were sent; ``null`` equals absence."""
    return {
        name: _known(value) if isinstance(value, dict) else value
        for name, value in part.items()
        if value is not None
    }


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
