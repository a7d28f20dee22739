"""The control API as an OpenAPI 3.1 document, made from the operations themselves."""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, RootModel
from pydantic.json_schema import JsonSchemaValue, models_json_schema

from runa_mock_server._version import __version__
from runa_mock_server.config.schema import Untitled
from runa_mock_server.control.changes import PARTS
from runa_mock_server.control.operation import Operation

# The only streaming operation; it exists over HTTP only.
_EVENTS: Mapping[str, Any] = {
    "operationId": "get_events",
    "summary": "Stream changes as server-sent events until the client disconnects.",
    "description": "Each event `changed` names the parts that changed: "
    f"{', '.join(PARTS)}. At most four events a second; the first names every part. Comments keep "
    "the connection alive.",
    "responses": {
        "200": {
            "description": "The events.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": 'event: changed\ndata: {"parts": ["orders"]}\n\n',
                }
            },
        },
        "4XX": {"$ref": "#/components/responses/Refused"},
        "503": {"$ref": "#/components/responses/Refused"},
    },
}
_REFUSAL: Mapping[str, Any] = {
    "type": "not_found",
    "message": "There is no fault F-9.",
    "help": None,
    "details": [{"type": "value_error", "message": "is unknown", "location": ["path", "fault_id"]}],
}

_References = Mapping[Any, JsonSchemaValue]  # by model and mode


class Description(RootModel[dict[str, Any]]):
    """An OpenAPI document."""


class Detail(BaseModel):
    """An invalid field."""

    type: str
    message: str
    location: list[str]


class Problem(BaseModel):
    """The body of an error response."""

    type: str
    message: str
    help: str | None
    details: list[Detail]


def describe(operations: Iterable[Operation], prefix: str) -> dict[str, Any]:
    """The OpenAPI document of operations whose paths begin with ``prefix``."""
    operations = list(operations)
    bodies = {o.body for o in operations if o.body is not None}
    results = {o.result for o in operations}
    # A model that is both a body and a result has two schemas; `_named` gives each a name.
    references, definitions = models_json_schema(
        [
            *((model, "validation") for model in sorted(bodies, key=lambda m: m.__name__)),
            *((model, "serialization") for model in sorted(results, key=lambda m: m.__name__)),
            (Problem, "serialization"),
        ],
        ref_template="#/components/schemas/{model}",
        schema_generator=Untitled,
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = (prefix + operation.path).rstrip("/")
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, references)
    paths[f"{prefix}/events"] = {"get": _EVENTS}
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "runa-mock control API",
            "version": __version__,
            "description": "Control of the mock server for tests: clock, faults, orders, journal. "
            "With X-Api-Key, or the parameter account, a request concerns that account, else the "
            "whole server.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "The server that this document comes from."}],
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "responses": {
                "Refused": {
                    "description": "Refused; nothing was changed.",
                    "content": _json(references[Problem, "serialization"], _REFUSAL),
                }
            },
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "X-Mock-Token"}
            },
        },
        "security": [{}, {"token": []}],
    }
    return _named(document)


def _named(document: dict[str, Any]) -> dict[str, Any]:
    """With names of components that are names of classes, too, in every language.

    A result is described under the name of its model, a body of the same model as its input.
    """
    for schema in document["components"]["schemas"].values():
        schema.pop("title", None)  # some generators name the class by it, others do not
    text = json.dumps(document)
    return dict(json.loads(text.replace("-Output", "").replace("-Input", "Input")))


@cache
def _examples() -> Mapping[str, Any]:
    """A request and a response of each operation; ``tools/control_examples.py`` records them."""
    path = files(__package__) / "examples.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _operation(operation: Operation, references: _References) -> dict[str, Any]:
    example = _examples().get(f"{operation.method} {operation.path}", {})
    name = f"{operation.method.lower()}{re.sub(r'[^a-z]+', '_', operation.path)}"
    described: dict[str, Any] = {
        "operationId": name.rstrip("_"),
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_ACCOUNT],
        "responses": {
            str(operation.status): {
                "description": "Done.",
                "content": _content(
                    operation,
                    references[operation.result, "serialization"],
                    example.get("response"),
                ),
            },
            "4XX": {"$ref": "#/components/responses/Refused"},
        },
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": bool(operation.body.model_json_schema().get("required")),
            "content": _content(
                operation, references[operation.body, "validation"], example.get("request")
            ),
        }
    return described


_ACCOUNT = (
    {"name": "X-Api-Key", "in": "header", "schema": {"type": "string"}},
    {
        "name": "account",
        "in": "query",
        "description": "The name of an account, instead of its API key.",
        "schema": {"type": "string"},
    },
)


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", operation.path)
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    properties = operation.query.model_json_schema()["properties"]
    return [
        {
            "name": name,
            "in": "query",
            "description": schema.pop("description", ""),
            "schema": schema,
        }
        for name, schema in properties.items()
    ]


def _content(operation: Operation, schema: JsonSchemaValue, example: Any) -> dict[str, Any]:
    """A body or a result in each of its forms."""
    content = _json(schema, example)
    if operation.text_form is not None:
        text = _examples().get(operation.text_form)
        content[operation.text_form] = _shown({"type": "string"}, text)
    return content


def _json(schema: JsonSchemaValue, example: Any) -> dict[str, Any]:
    return {"application/json": _shown(schema, example)}


def _shown(schema: JsonSchemaValue, example: Any) -> dict[str, Any]:
    return {"schema": schema, **({} if example is None else {"example": example})}
