"""The control API as an OpenAPI 3.1 document, made from the operations themselves."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, RootModel
from pydantic.json_schema import JsonSchemaValue, models_json_schema

from runa_mock_server._version import __version__
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
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        "default": {
            "description": "Refused; 503 if too many clients are connected.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        },
    },
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
    # A model that is both a body and a result has two schemas with different names.
    references, definitions = models_json_schema(
        [
            *((model, "validation") for model in sorted(bodies, key=lambda m: m.__name__)),
            *((model, "serialization") for model in sorted(results, key=lambda m: m.__name__)),
            (Problem, "serialization"),
        ],
        ref_template="#/components/schemas/{model}",
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = prefix + operation.path
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, references)
    paths[f"{prefix}/events"] = {"get": _EVENTS}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "runa-mock control API",
            "version": __version__,
            "description": "Control of the mock server for tests: clock, faults, orders, journal. "
            "With X-Api-Key, or the parameter account, a request concerns that account, else the "
            "whole server.",
        },
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "X-Mock-Token"}
            },
        },
        "security": [{}, {"token": []}],
    }


def _operation(operation: Operation, references: _References) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": f"{operation.method.lower()}{re.sub(r'[^a-z]+', '_', operation.path)}",
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_ACCOUNT],
        "responses": {
            str(operation.status): {
                "description": "Done.",
                "content": _json(references[operation.result, "serialization"]),
            },
            "default": {
                "description": "Refused.",
                "content": _json(references[Problem, "serialization"]),
            },
        },
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": bool(operation.body.model_json_schema().get("required")),
            "content": _json(references[operation.body, "validation"]),
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


def _json(schema: JsonSchemaValue) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
