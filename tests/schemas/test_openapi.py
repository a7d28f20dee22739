"""The OpenAPI document: valid, complete in itself, and true to the catalogue."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from runa_schemas import ERRORS, iter_errors, load, names, openapi

OPERATIONS = {
    ("/ping", "get"): "ping",
    ("/order", "post"): "createOrder",
    ("/order", "get"): "listOrders",
    ("/order/{id}", "get"): "getOrder",
}
EVERY_CALL = {"400", "401", "403", "410", "500"}


def references(node: object) -> Iterator[str]:
    """Find every `$ref` of a document."""
    if isinstance(node, list):
        for child in node:
            yield from references(child)
    elif isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give every operation with its path and method."""
    for path, item in openapi()["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def operation(operation_id: str) -> dict[str, Any]:
    """Give one operation by its id."""
    return next(found for _, _, found in operations() if found["operationId"] == operation_id)


def test_document_is_valid_openapi() -> None:
    """The document passes a validator of OpenAPI 3.1."""
    assert openapi()["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(openapi()).iter_errors()) == []


def test_every_reference_stays_inside() -> None:
    """Every `$ref` leads to a place in the document itself."""
    document = openapi()
    for reference in references(document):
        assert reference.startswith("#/")
        node = document
        for step in reference[2:].split("/"):
            node = node[step]
        assert isinstance(node, dict)


def test_every_schema_is_a_component() -> None:
    """The components hold every schema, without its identity as a file."""
    schemas = openapi()["components"]["schemas"]
    assert set(schemas) == set(names())
    assert all(schema.keys().isdisjoint({"$id", "$schema"}) for schema in schemas.values())


def test_operations() -> None:
    """The operations of this release are described under their ids."""
    found = {(path, method): item["operationId"] for path, method, item in operations()}
    assert OPERATIONS.items() <= found.items()
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize(
    ("operation_id", "statuses"),
    [
        ("ping", {"200"} | EVERY_CALL),
        ("listOrders", {"200"} | EVERY_CALL),
        ("getOrder", {"200", "404"} | EVERY_CALL),
        ("createOrder", {"200", "202", "404", "405", "413", "422", "429", "504"} | EVERY_CALL),
    ],
)
def test_statuses(operation_id: str, statuses: set[str]) -> None:
    """Each operation describes every status that it can answer with."""
    assert set(operation(operation_id)["responses"]) == statuses


def test_an_order_can_be_answered_with_every_error() -> None:
    """Creating an order can trigger any error, so it shows each one under its status."""
    shown = {
        name: int(status)
        for status, response in operation("createOrder")["responses"].items()
        for name in response.get("content", {}).get("application/json", {}).get("examples", {})
    }
    assert shown == {name: error.status for name, error in ERRORS.items()}


def test_error_examples_fit_their_schema() -> None:
    """Each error example is a body that the schema of its response accepts."""
    checked = 0
    for _, _, found in operations():
        for response in found["responses"].values():
            media = response.get("content", {}).get("application/json", {})
            for name, example in media.get("examples", {}).items():
                schema = media["schema"]["$ref"].rpartition("/")[2]
                assert list(iter_errors(example["value"], schema)) == []
                assert example["value"]["type"] == name
                checked += 1
    assert checked > len(ERRORS)


def test_headers_of_creating_an_order() -> None:
    """Creating an order takes five headers, of which the idempotency key is required."""
    parameters = openapi()["components"]["parameters"]
    named = [
        parameters[item["$ref"].rpartition("/")[2]]
        for item in operation("createOrder")["parameters"]
    ]
    assert {item["name"]: item["required"] for item in named} == {
        "X-Api-Version": False,
        "X-Idempotency-Key": True,
        "X-Execution-Mode": False,
        "X-Send-Email": False,
        "X-Trigger-Error": False,
    }
    key = openapi()["components"]["securitySchemes"]["ApiKey"]
    assert (key["type"], key["in"], key["name"]) == ("apiKey", "header", "X-Api-Key")


def test_list_parameters() -> None:
    """A list is paged by limit and one of two cursors."""
    references_ = {
        item["$ref"].rpartition("/")[2] for item in operation("listOrders")["parameters"]
    }
    assert references_ == {"ApiVersion", "Limit", "After", "Before"}


def test_webhooks_have_their_bodies_and_what_proves_them() -> None:
    """Each event names its schemas and the three signed headers, and needs no API key."""
    events = {
        "order.completion": {"webhook_order_completion", "webhook_order_failed"},
        "product.update": {"webhook_product_update"},
    }
    assert openapi()["webhooks"].keys() == events.keys()
    for name, item in openapi()["webhooks"].items():
        (sent,) = item.values()
        body = sent["requestBody"]["content"]["application/json"]["schema"]
        assert {ref.rpartition("/")[2] for ref in references(body)} == events[name]
        headers = [ref.rpartition("/")[2] for ref in references(sent["parameters"])]
        assert headers == ["SvixId", "SvixTimestamp", "SvixSignature"]
        assert sent["security"] == []


def test_server_url() -> None:
    """The server is the given base URL, or the host that the document comes from."""
    assert [server["url"] for server in openapi()["servers"]] == ["/v2"]
    given = openapi(server_url="http://127.0.0.1:8080/v2/")
    assert [server["url"] for server in given["servers"]] == ["http://127.0.0.1:8080/v2"]


@pytest.mark.parametrize(
    "wrong", ["", "/v2", "127.0.0.1:8080/v2", "ftp://host.test/v2", "http:///v2"]
)
def test_server_url_must_be_absolute(wrong: str) -> None:
    """Anything but an absolute http or https URL is refused."""
    with pytest.raises(ValueError, match="server_url"):
        openapi(wrong)


def test_document_is_fresh_and_plain_json() -> None:
    """Each call gives a copy of its own that survives JSON unchanged."""
    openapi()["paths"].clear()
    document = openapi()
    assert json.loads(json.dumps(document)) == document
    assert document["components"]["schemas"]["order"]["examples"] == load("order")["examples"]
