"""How issues are found, placed and told."""

import json
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from runa_schemas import (
    ContractError,
    SchemaIssue,
    UnknownSchemaError,
    iter_errors,
    load,
    names,
    validate,
)


def broken_order() -> dict[str, Any]:
    """Make an order with several faults at several depths."""
    body: dict[str, Any] = load("new_order")["examples"][0]
    body["items"][0]["face_value"] = "10"
    del body["items"][1]["products"]
    del body["items"][1]["distribution_method"]
    body["metadata"] = {"a b": 1}
    return body


def test_issues_have_path_location_and_keyword() -> None:
    """Each issue says where it is, in both notations, and which rule was not met."""
    found = {
        (issue.path, issue.location, issue.keyword)
        for issue in iter_errors(broken_order(), "new_order")
    }
    assert found == {
        ("$.items[0].face_value", ("items", "0", "face_value"), "type"),
        ("$.items[1].products", ("items", "1", "products"), "required"),
        ("$.items[1].distribution_method", ("items", "1", "distribution_method"), "required"),
        ("$.metadata['a b']", ("metadata", "a b"), "type"),
    }


def test_root_has_an_empty_location() -> None:
    """A value that is wrong as a whole is reported at the root."""
    (issue,) = iter_errors([], "new_order")
    assert (issue.path, issue.location) == ("$", ())


@given(st.text(max_size=40))
def test_paths_lead_back_to_the_key(key: str) -> None:
    """Whatever the key, the path is printable text from which the key can be read again."""
    (issue,) = iter_errors({key: 1}, "metadata")
    assert issue.location == (key,)
    assert issue.path.encode()
    if issue.path.startswith("$."):
        assert issue.path == f"$.{key}"
        assert key.isidentifier()
    else:
        assert issue.path.startswith("$['")
        assert issue.path.endswith("']")
        quoted = issue.path[3:-2].replace("\\'", "'")
        restored = "".join(_requoted(quoted))
        assert json.loads(f'"{restored}"') == key


def _requoted(text: str) -> list[str]:
    return ['\\"' if letter == '"' else letter for letter in text]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("plain_1", "$.plain_1"),
        ("1st", "$['1st']"),
        ("", "$['']"),
        ("it's", "$['it\\'s']"),
        ('say "x"', "$['say \"x\"']"),
        ("back\\slash", "$['back\\\\slash']"),
        ("line\nbreak", "$['line\\nbreak']"),
        ("\ud800", "$['\\ud800']"),
    ],
)
def test_keys_that_are_no_identifiers_are_quoted(key: str, path: str) -> None:
    """Keys stand behind a point where they are identifiers, else quoted in brackets."""
    assert [issue.path for issue in iter_errors({key: 1}, "metadata")] == [path]


def test_long_key_is_reported_at_the_key() -> None:
    """A key that is too long is reported where it stands, and the message says it is the key."""
    (issue,) = iter_errors({"k" * 41: "v"}, "metadata")
    assert issue.location == ("k" * 41,)
    assert issue.message.startswith("the key ")
    assert issue.keyword == "maxLength"


@pytest.mark.parametrize(
    ("instance", "name", "message"),
    [
        (True, "money", "must be of type string, not True"),
        ([], "metadata", "must be of type object or null, not []"),
        ("eur", "error", "must be of type object, not 'eur'"),
        ({"message": "ping"}, "pong", "must be pong, not 'ping'"),
        ({"type": "MAIL"}, "distribution_method", "EMAIL or PAYOUT_LINK or RECIPIENT, not 'MAIL'"),
        ({}, "transaction_detail", "must have at least 1 keys, not {}"),
        ({"message": "pong", "x": 1}, "pong", "is not expected here"),
        ({}, "pong", "is required"),
    ],
)
def test_messages_say_the_rule_and_the_value(instance: object, name: str, message: str) -> None:
    """A message says in a few words what must be and what is."""
    (issue,) = iter_errors(instance, name)
    assert issue.message.endswith(message)


def test_message_does_not_repeat_a_huge_value() -> None:
    """However large the wrong value, the message about it stays short."""
    (issue,) = iter_errors("x" * 100_000, "new_order")
    assert issue.message.startswith("must be of type object, not 'xxx")
    assert len(issue.message) < 100


@given(st.data())
def test_plain_validator_comes_to_the_same_verdict(data: st.DataObject) -> None:
    """The schemas alone, in a plain validator, accept exactly the bodies that are accepted here."""
    wild = st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False)
        | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=4,
    )
    body = load("new_order")["examples"][0]
    place = body
    while isinstance(place, dict | list) and place:
        steps = sorted(place) if isinstance(place, dict) else range(len(place))
        step = data.draw(st.sampled_from(steps))
        if not isinstance(place[step], dict | list) or data.draw(st.booleans()):
            place[step] = data.draw(wild)
            break
        place = place[step]
    schemas: Registry[Any] = [
        Resource[Any].from_contents(load(name)) for name in names()
    ] @ Registry()
    plain = Draft202012Validator(load("new_order"), registry=schemas)
    assert plain.is_valid(body) is (list(iter_errors(body, "new_order")) == [])


def test_validate_lists_every_issue() -> None:
    """The error names the schema and has a line for every issue."""
    with pytest.raises(ContractError) as caught:
        validate(broken_order(), "new_order")
    assert caught.value.name == "new_order"
    assert set(caught.value.issues) == set(iter_errors(broken_order(), "new_order"))
    text = str(caught.value)
    assert "'new_order'" in text
    assert all(f"{issue.path}: {issue.message}" in text for issue in caught.value.issues)
    assert isinstance(caught.value, ValueError)


def test_contract_error_survives_pickling() -> None:
    """The error can cross processes, as parallel test runners send it."""
    error = ContractError("pong", (SchemaIssue("$", (), "is wrong", "const"),))
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (copy.name, copy.issues, str(copy)) == (error.name, error.issues, str(error))


def test_validate_is_silent_about_a_fitting_value() -> None:
    """A value that fits raises nothing, and the value is left as it was."""
    body = load("new_order")["examples"][0]
    validate(body, "new_order")
    assert body == load("new_order")["examples"][0]


@pytest.mark.parametrize("call", [load, partial(validate, {}), partial(iter_errors, {})])
def test_unknown_name_offers_the_nearest(call: Callable[[str], object]) -> None:
    """A misspelt name is refused at once, with the nearest known one."""
    with pytest.raises(UnknownSchemaError, match="did you mean 'new_order'") as caught:
        call("new_ordr")
    assert isinstance(caught.value, LookupError)
    assert caught.value.name == "new_ordr"


@pytest.mark.parametrize("name", ["", "../errors", "zzzzzz", "new_order.json\x00"])
def test_names_are_no_paths(name: str) -> None:
    """Only listed names are read: nothing else reaches the file system."""
    with pytest.raises(UnknownSchemaError):
        load(name)
