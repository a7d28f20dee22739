"""The control API as its OpenAPI document describes it, and what a server shows of its state."""

import json
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import requests
from jsonschema import Draft202012Validator

from runa_mock_server.control.api import OPERATIONS, PREFIX
from runa_mock_server.control.description import describe
from runa_mock_server.control.operation import Operation
from support.api import Caller

Location = tuple[str, ...]
Json = Any


class Description:
    """An OpenAPI document, to hold requests and answers against.

    Args:
        document: the document; all that it does not describe is taken as forbidden.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._validators: dict[str, Draft202012Validator] = {}
        self._found_right: set[tuple[str, bytes]] = set()

    @cached_property
    def _components(self) -> Json:
        return _closed(self.document["components"])

    def operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        """The description of a call, if there is one."""
        for template, operations in self.document["paths"].items():
            if re.fullmatch(re.sub(r"\{.*?\}", "[^/]+", template), path.rstrip("/")):
                found: Mapping[str, Any] | None = operations.get(method.lower())
                return found
        return None

    def check_answer(self, method: str, path: str, status: int, body: bytes) -> Json:
        """Assert that an answer is described, and give its JSON."""
        document = json.loads(body)
        described = self.operation(method, path)
        if described is None:  # nothing lies there, or not under this method
            assert status in {403, 404, 405}, document
            self._check(document, {"$ref": "#/components/schemas/Problem"})
            return document
        answers = described["responses"]
        refused = self.document["components"]["responses"]["Refused"]
        answer = answers[str(status)] if status < 300 else refused
        schema = answer["content"]["application/json"]["schema"]
        told = (schema["$ref"], body)
        if told not in self._found_right:  # a list of all products takes long
            self._check(document, schema)
            self._found_right.add(told)
        return document

    def check_body(self, method: str, path: str, body: Json) -> None:
        """Assert that a body that was taken is one that the document allows."""
        described = self.operation(method, path)
        assert described is not None
        self._check(body, described["requestBody"]["content"]["application/json"]["schema"])

    def _check(self, instance: Json, schema: Mapping[str, Any]) -> None:
        name = schema["$ref"]
        if name not in self._validators:
            whole = {**schema, "components": self._components}
            self._validators[name] = Draft202012Validator(whole)
        self._validators[name].validate(instance)


def _closed(schema: Json) -> Json:
    """A schema whose objects have no properties but those that it names."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(part) for name, part in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        closed.setdefault("additionalProperties", False)
    return closed


DESCRIPTION = Description(describe(OPERATIONS, PREFIX))
"""What every server serves; making it takes longer than a hundred calls."""


class ControlCaller(Caller):
    """Calls the control API over HTTP; every answer is checked by its OpenAPI document.

    Args:
        url: scheme, host and port of the server.
        api_key: the key of the account that calls are about, ``None`` for the whole server.
    """

    def __init__(self, url: str, api_key: str | None = None) -> None:
        super().__init__(url + PREFIX, api_key)

    def check(self, method: str, path: str, response: requests.Response) -> None:
        """Assert that the OpenAPI document describes the answer, and that no page may read it."""
        assert response.headers["Content-Type"] == "application/json"
        assert not [name for name in response.headers if name.lower().startswith("access-control")]
        if method != "HEAD":
            below = f"{PREFIX}{path}".partition("?")[0]
            DESCRIPTION.check_answer(method, below, response.status_code, response.content)

    def get(self, path: str, **options: Any) -> Any:
        """The JSON of a read that must succeed."""
        response = self.call("GET", path, **options)
        assert response.status_code == 200, response.text
        return response.json()

    def snapshot(self) -> dict[str, Any]:
        """All that can be read without naming a thing."""
        return snapshot(self.get)


def name_of(operation: Operation) -> str:
    """An operation in the name of a test."""
    return f"{operation.method} {operation.path}"


def snapshot(read: Callable[[str], Any]) -> dict[str, Any]:
    """What every read of things that change gives; time must stand still."""
    return {
        operation.path: read(operation.path)
        for operation in OPERATIONS
        if operation.method == "GET" and "{" not in operation.path
        # Coverage is of the whole life of a server, and traffic tells resets apart.
        if operation.path not in {"/", "/health", "/openapi.json", "/coverage", "/traffic"}
    }


def locations(refusal: Mapping[str, Any]) -> set[Location]:
    """The places that a refusal names."""
    return {tuple(detail["location"]) for detail in refusal["details"]}
