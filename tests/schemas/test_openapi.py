"""The OpenAPI document: valid, complete in itself, and true to the catalogue."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
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
        if int(status) >= 400
        for name in response.get("content", {}).get("application/json", {}).get("examples", {})
    }
    assert shown == {name: error.status for name, error in ERRORS.items()}


def test_error_examples_fit_their_schema() -> None:
    """Each error example is a body that the schema of its response accepts."""
    checked = 0
    for _, _, found in operations():
        for status, response in found["responses"].items():
            media = response.get("content", {}).get("application/json", {})
            if int(status) < 400 or "examples" not in media:
                continue
            for name, example in media["examples"].items():
                schema = media["schema"]["$ref"].rpartition("/")[2]
                assert list(iter_errors(example["value"], schema)) == []
                assert example["value"]["type"] == name
                checked += 1
    assert checked > len(ERRORS)


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the media types of every request and response, with the id of their operation."""
    document = openapi()
    for item in [*document["paths"].values(), *document["webhooks"].values()]:
        for found in item.values():
            for body in [found.get("requestBody", {}), *found["responses"].values()]:
                for media in body.get("content", {}).values():
                    yield found["operationId"], media


def test_every_body_has_an_example_that_fits() -> None:
    """Requests, responses and events are shown by examples that their own schemas accept."""
    shown = 0
    document = openapi()
    for operation_id, media in bodies():
        values = [each["value"] for each in media.get("examples", {}).values()]
        values += [media["example"]] if "example" in media else []
        assert values, operation_id
        judge = OAS31Validator({**media["schema"], "components": document["components"]})
        for value in values:
            judge.validate(value)
            shown += 1
    assert shown > 50


def nodes(node: object) -> Iterator[dict[str, Any]]:
    """Give every object of a document outside of its examples."""
    if isinstance(node, list):
        for child in node:
            yield from nodes(child)
    elif isinstance(node, dict):
        yield node
        for key, child in node.items():
            if key not in {"example", "examples"}:
                yield from nodes(child)


VARIANTS = {
    "distribution_method": {"EMAIL", "PAYOUT_LINK", "RECIPIENT"},
    "product_selection": {"SINGLE", "MULTIPLE", "TEMPLATE"},
    "estimate_product_selection": {"SINGLE", "MULTIPLE"},
    "order_products": {"SINGLE", "MULTIPLE", "TEMPLATE"},
    "redemption": {"SUCCESS", "ERROR"},
    "e_code": {"code", "url"},
    "product": {"gift_card", "subscription", "payment"},
    "product_denominations": {"open", "fixed"},
    "listed_order": {"PROCESSING", "COMPLETED", "FAILED"},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_have_a_discriminator(name: str) -> None:
    """Each value of the discriminator leads to a variant whose property has that value."""
    schemas = openapi()["components"]["schemas"]
    variants = schemas[name]
    discriminator = variants["discriminator"]
    assert discriminator["mapping"].keys() == VARIANTS[name]
    listed = {variant["$ref"] for variant in variants["oneOf"]}
    assert set(discriminator["mapping"].values()) == listed
    for value, reference in discriminator["mapping"].items():
        variant = schemas[reference.rpartition("/")[2]]
        assert discriminator["propertyName"] in variant["required"]
        described = variant["properties"][discriminator["propertyName"]]
        if "$ref" in described:
            described = schemas[described["$ref"].rpartition("/")[2]]
        assert value in described.get("enum", [described.get("const")])


def test_generators_meet_nothing_that_they_misread() -> None:
    """No conditions, no null alone, no reference into a schema, no value without a type."""
    for node in nodes(openapi()):
        assert node.keys().isdisjoint({"if", "then", "else", "dependentSchemas"})
        assert len(node.get("$ref", "#/x/y/z").split("/")) == 4
        if isinstance(properties := node.get("properties"), dict):
            assert not [each for each in properties.values() if each.get("type") == "null"]
        if "enum" in node or "const" in node:
            assert "type" in node or node.keys() == {"enum"}, "only `not` goes without"
        if "in" in node and "schema" in node:
            assert node["schema"].keys().isdisjoint({"anyOf", "oneOf", "allOf"})


def test_a_created_order_links_to_reading_it() -> None:
    """Both successful answers to a new order say how to read it."""
    for status in ("200", "202"):
        (link,) = operation("createOrder")["responses"][status]["links"].values()
        assert link["operationId"] == "getOrder"
        assert link["parameters"] == {"id": "$response.body#/id"}


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
