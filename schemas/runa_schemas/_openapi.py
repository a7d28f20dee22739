"""The OpenAPI 3.1 document: the operations of ``openapi/document.json``, filled from the contract.

That file is OpenAPI but for two things. Schemas are referred to by file (``../json/order.json``),
and an operation names the errors it can answer with in ``x-error-types``; their responses are
written here from the catalogue, so that an operation is added by its entry in that file alone.
Examples come from the schemas.

What generators of clients cannot express is said in their terms: see ``_for_generators``.
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from runa_schemas._errors import ERRORS, ErrorType
from runa_schemas._store import load, names, read_text
from runa_schemas._variants import tell_apart

_FILE_REF = re.compile(r"(?:\.\./json/)?(?P<name>\w+)\.json")
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
    for node in _objects(document):
        _add_examples(node)
        _for_generators(node)
    for node in _objects(document):
        if match := _FILE_REF.fullmatch(str(node.get("$ref", ""))):
            node["$ref"] = f"#/components/schemas/{match['name']}"
    return document


def _checked(server_url: str) -> str:
    parts = urlsplit(server_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"server_url must be an absolute http or https URL, not {server_url!r}")
    return server_url.rstrip("/")


def _component(name: str) -> dict[str, Any]:
    # In the document a schema is known by its place; its own $id would turn every $ref in it away,
    # and some generators take the title as the name of the class, others do not.
    schema = load(name)
    del schema["$schema"], schema["$id"], schema["title"]
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


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of a document, but for those inside examples."""
    if isinstance(node, list):
        for child in node:
            yield from _objects(child)
    elif isinstance(node, dict):
        yield node
        for key, child in list(node.items()):
            if key not in {"example", "examples"}:
                yield from _objects(child)


def _referred(reference: str) -> dict[str, Any]:
    match = _FILE_REF.fullmatch(reference)
    assert match, reference  # noqa: S101 - a mistake in the file, which a test would find
    return load(match["name"])


def _add_examples(node: dict[str, Any]) -> None:
    """Give a JSON body the examples of its schema, unless it has its own."""
    media = node.get("application/json")
    if not media or not media.keys().isdisjoint({"example", "examples"}):
        return
    schema = media["schema"]
    variants = schema.get("oneOf", [schema])
    found = [example for each in variants for example in _referred(each["$ref"])["examples"]]
    media["examples"] = {f"example_{n}": {"value": value} for n, value in enumerate(found, 1)}


def _for_generators(node: dict[str, Any]) -> None:
    """Say in OpenAPI's terms what generators do not understand in JSON Schema's.

    A ``oneOf`` gets its ``discriminator``. It cannot name a variant for the values that the service
    may add, so that variant is left out. A property that is always null becomes a text that may be
    null, because several generators fail on the type ``null`` alone. Conditions between fields are
    left to the JSON Schemas: no generator has types for them, and some take what they say of a
    field for all of it. So are patterns beside a ``format``, which has a type of its own.
    Null among values or beside objects becomes an alternative, for some forget it otherwise.
    """
    if "format" in node:
        node.pop("pattern", None)
    for keyword in ("if", "then", "else"):
        node.pop(keyword, None)
    if "allOf" in node:
        node["allOf"] = [part for part in node["allOf"] if "if" not in part]
        if not node["allOf"]:
            del node["allOf"]
    if "oneOf" in node and (variants := tell_apart(node["oneOf"], _referred)):
        node["oneOf"] = [branch for branch in node["oneOf"] if branch != variants.other]
        mapping = {
            value: f"#/components/schemas/{branch['$ref'].rpartition('/')[2].removesuffix('.json')}"
            for value, branch in variants.by_value.items()
        }
        node["discriminator"] = {"propertyName": variants.property, "mapping": mapping}
    for described in node.get("properties", {}).values():
        if isinstance(described, dict) and described.get("type") == "null":
            described["type"] = ["string", "null"]
    if None in node.get("enum", ()) or node.get("type") == ["object", "null"]:
        _move_null_out(node)


def _move_null_out(node: dict[str, Any]) -> None:
    other = {key: node.pop(key) for key in [*node] if key not in {"description", "examples"}}
    other["type"] = other["type"][0]
    if "enum" in other:
        other["enum"] = [value for value in other["enum"] if value is not None]
    node["anyOf"] = [other, {"type": "null"}]
