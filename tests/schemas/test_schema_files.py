"""The schema files themselves: valid, complete, and usable from the folder alone."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from runa_schemas import iter_errors, load, names
from support.variants import required_keys

REQUESTS = (
    "new_order",
    "new_item",
    "distribution_method",
    "email_distribution",
    "payout_link_distribution",
    "recipient_distribution",
    "product_selection",
    "single_product",
    "multiple_products",
    "template_products",
    "payment_method",
)
RESPONSES = (
    "accepted_order",
    "incomplete_order",
    "order",
    "order_basic",
    "order_item",
    "order_page",
    "order_payment_method",
    "pagination",
    "payout",
    "pong",
    "error",
    "validation_error",
    "rate_limit_error",
    "webhook_order_completion",
    "webhook_order_failed",
    "webhook_product_state",
    "webhook_product_update",
)
BASE = "https://runa-mock.example/schemas/"


def registry() -> Registry[Any]:
    """Register every schema by its id, as a user of the folder would."""
    result: Registry[Any] = [
        Resource[Any].from_contents(load(name)) for name in names()
    ] @ Registry()
    return result


def nodes(node: object, *, inside_if: bool = False) -> Iterator[tuple[dict[str, Any], bool]]:
    """Walk every object of a schema, and say whether it only decides a condition."""
    if isinstance(node, list):
        for child in node:
            yield from nodes(child, inside_if=inside_if)
    elif isinstance(node, dict):
        yield node, inside_if
        for key, child in node.items():
            if key != "examples":
                yield from nodes(child, inside_if=inside_if or key == "if")


@pytest.mark.parametrize("name", names())
def test_schema_is_valid_draft_2020_12(name: str) -> None:
    """Each file is a valid schema that says what it is."""
    schema = load(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"{BASE}{name}.json"
    assert schema["title"]
    assert schema["description"].endswith(".")


@pytest.mark.parametrize("name", names())
def test_every_reference_resolves_by_id_and_by_folder(name: str) -> None:
    """Each `$ref` leads to a schema, through the ids and through the file names."""
    resolver = registry().resolver(base_uri=f"{BASE}{name}.json")
    for node, _ in nodes(load(name)):
        if "$ref" in node:
            assert isinstance(resolver.lookup(node["$ref"]).contents, dict)
            target = node["$ref"].partition("#")[0]
            assert files("runa_schemas").joinpath("json", target).is_file()


@pytest.mark.parametrize("name", names())
def test_every_property_is_described(name: str) -> None:
    """Each property says what it is, itself or through the schema that it refers to."""
    resolver = registry().resolver(base_uri=f"{BASE}{name}.json")
    for node, inside_if in nodes(load(name)):
        properties = node.get("properties", {})
        if inside_if or not isinstance(properties, dict):
            continue
        for key, schema in properties.items():
            told = (
                schema.get("description") or resolver.lookup(schema["$ref"]).contents["description"]
            )
            assert told, key


@pytest.mark.parametrize("name", names())
def test_every_pattern_is_anchored_for_every_dialect(name: str) -> None:
    """Patterns cover the whole string, in the subset that JSON Schema recommends."""
    for node, _ in nodes(load(name)):
        if isinstance(pattern := node.get("pattern"), str):
            assert pattern.startswith("^")
            assert pattern.endswith("$")
            assert not re.search(r"\\[dDwWsSbBAZzu]|\(\?", pattern), "not alike in all dialects"


@pytest.mark.parametrize("name", names())
def test_every_example_fits_its_schema(name: str) -> None:
    """Each schema has an example, and each example passes."""
    schema = load(name)
    assert schema["examples"]
    for example in schema["examples"]:
        assert list(iter_errors(example, name)) == []


@pytest.mark.parametrize("name", RESPONSES)
def test_responses_refuse_an_unknown_key(name: str) -> None:
    """A response with a key that the contract does not know is refused at that key."""
    example = load(name)["examples"][0] | {"surprise": 1}
    assert [issue.path for issue in iter_errors(example, name)] == ["$.surprise"]


@pytest.mark.parametrize("name", RESPONSES)
def test_responses_miss_each_required_key(name: str) -> None:
    """Leaving a required key out of a response is an issue at exactly that key."""
    schema = load(name)
    for key in schema["required"]:
        example = load(name)["examples"][0]
        del example[key]
        assert f"$.{key}" in [issue.path for issue in iter_errors(example, name)]


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_ignore_an_unknown_key(name: str) -> None:
    """A request with a further field passes."""
    example = load(name)["examples"][0] | {"surprise": [None]}
    assert list(iter_errors(example, name)) == []


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_miss_each_required_key(name: str) -> None:
    """Leaving one required key out of a request is the one issue, at that key."""
    for key in required_keys(name):
        example = load(name)["examples"][0]
        del example[key]
        found = [(issue.path, issue.keyword) for issue in iter_errors(example, name)]
        assert found == [(f"$.{key}", "required")]


def test_names_are_the_files() -> None:
    """The names are the file stems, sorted, and hold every file of the folder."""
    folder = files("runa_schemas").joinpath("json")
    stems = {entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".json")}
    assert names() == tuple(sorted(stems))
    assert set(REQUESTS) | set(RESPONSES) <= stems


def test_load_gives_a_fresh_copy() -> None:
    """Changing a loaded schema changes nothing for the next caller."""
    load("new_order")["required"].clear()
    assert load("new_order")["required"] == ["payment_method", "items"]
    json.dumps(load("new_item"))
