"""The OpenAPI 3.1 document: the operations of ``openapi/document.json``, filled from the contract.

That file is OpenAPI but for two things. Schemas are referred to by file (``../json/order.json``),
and an operation names the errors it can answer with in ``x-error-types``; their responses are
written here from the catalogue, so that an operation is added by its entry in that file alone.
"""

import json
import re
from typing import Any
from urllib.parse import urlsplit

from runa_schemas._errors import ERRORS, ErrorType
from runa_schemas._store import load, names, read_text

_FILE_REF = re.compile(r"(?:\.\./json/)?(?P<name>\w+)\.json(?:#(?P<pointer>.*))?")
_BEFORE_VERSION = frozenset({401, 403})


def openapi(server_url: str | None = None) -> dict[str, Any]:
    """Build the OpenAPI 3.1 document of the operations that are described.

    Args:
        server_url: The base URL of the service, such as ``http://127.0.0.1:8080/v2``. None: the
            path ``/v2`` on the host that the document comes from.

    Returns:
        A fresh document, complete in itself: every ``$ref`` stays inside it.

    Raises:
        ValueError: The base URL is no absolute http or https URL.
    """
    document: dict[str, Any] = json.loads(read_text("openapi", "document.json"))
    if server_url is not None:
        document["servers"] = [{"url": _checked(server_url)}]
    for path_item in document["paths"].values():
        for operation in path_item.values():
            _add_error_responses(operation)
    document["components"]["schemas"] = {name: _component(name) for name in names()}
    _point_inwards(document)
    return document


def _checked(server_url: str) -> str:
    parts = urlsplit(server_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"server_url must be an absolute http or https URL, not {server_url!r}")
    return server_url.rstrip("/")


def _component(name: str) -> dict[str, Any]:
    # In the document a schema is known by its place; its own $id would turn every $ref in it away.
    schema = load(name)
    del schema["$schema"], schema["$id"]
    return schema


def _add_error_responses(operation: dict[str, Any]) -> None:
    by_status: dict[int, list[ErrorType]] = {}
    for error_type in operation.pop("x-error-types", ()):
        error = ERRORS[error_type]
        by_status.setdefault(error.status, []).append(error)
    responses = operation["responses"]
    responses.update({str(status): _response(errors) for status, errors in by_status.items()})
    operation["responses"] = dict(sorted(responses.items()))


def _response(errors: list[ErrorType]) -> dict[str, Any]:
    status = errors[0].status
    schema = "validation_error" if status == ERRORS["validation_error"].status else "error"
    response: dict[str, Any] = {
        "description": "\n".join(f"- `{error.type}`: {error.meaning}" for error in errors),
        "content": {
            "application/json": {
                "schema": {"$ref": f"{schema}.json"},
                "examples": {error.type: {"value": _example(error)} for error in errors},
            }
        },
    }
    if status not in _BEFORE_VERSION:
        response["headers"] = {"X-Api-Version": {"$ref": "#/components/headers/ApiVersion"}}
    return response


def _example(error: ErrorType) -> dict[str, Any]:
    if error.type == "validation_error":
        example: dict[str, Any] = load("validation_error")["examples"][0]
        return example
    return {"type": error.type, "message": error.meaning, "help": error.help}


def _point_inwards(node: object) -> None:
    if isinstance(node, list):
        for child in node:
            _point_inwards(child)
    elif isinstance(node, dict):
        if match := _FILE_REF.fullmatch(str(node.get("$ref", ""))):
            node["$ref"] = f"#/components/schemas/{match['name']}{match['pointer'] or ''}"
        for child in node.values():
            _point_inwards(child)
