"""The control API's OpenAPI document is valid and describes what is served."""

import re

import pytest
import requests
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from runa_mock_server.control.api import OPERATIONS, PREFIX
from support.api import KEY, TIMEOUT, Api
from support.control import DESCRIPTION, ControlCaller


@pytest.mark.once
def test_the_document_is_valid_and_is_the_one_that_answers_are_held_against(
    whole: ControlCaller,
) -> None:
    """It needs no key, passes a validator, and is the same on every server."""
    served = whole.get("/openapi.json")
    assert list(OpenAPIV31SpecValidator(served).iter_errors()) == []
    assert served == DESCRIPTION.document


def test_every_operation_is_described_listed_and_served(whole: ControlCaller) -> None:
    """Document, index and routes name the same operations, each with its own id."""
    served = {(operation.method, (PREFIX + operation.path).rstrip("/")) for operation in OPERATIONS}
    described = {
        (method.upper(), path): operation
        for path, operations in DESCRIPTION.document["paths"].items()
        for method, operation in operations.items()
    }
    listed = {(o["method"], o["path"].rstrip("/")) for o in whole.get("/")["operations"]}
    streamed = described.pop(("GET", f"{PREFIX}/events"))
    assert list(streamed["responses"]["200"]["content"]) == ["text/event-stream"]
    assert set(described) == served == listed
    assert len({operation["operationId"] for operation in described.values()}) == len(served)


def test_every_operation_has_examples_that_fit() -> None:
    """Bodies and results are shown by recorded examples; `tools/control_examples.py` makes them."""
    components = {"components": DESCRIPTION.document["components"]}
    for path, operations in DESCRIPTION.document["paths"].items():
        for method, operation in operations.items():
            success = min(operation["responses"])
            for body in (operation.get("requestBody"), operation["responses"][success]):
                for media in (body or {}).get("content", {}).values():
                    assert "example" in media, f"{method} {path}"
                    OAS31Validator({**media["schema"], **components}).validate(media["example"])


def test_both_forms_of_a_state_are_described(api: Api) -> None:
    """Each content type that is served, and taken back as it is shown."""
    api.order()
    described = DESCRIPTION.document["paths"][f"{PREFIX}/state"]
    shown = described["get"]["responses"]["200"]["content"]
    url, headers = f"{api.url}{PREFIX}/state", {"X-Api-Key": KEY}
    served = {
        requests.get(url, params={"format": form}, headers=headers, timeout=TIMEOUT).headers[
            "Content-Type"
        ]
        for form in ("document", "lines")
    }
    assert set(shown) == served == set(described["put"]["requestBody"]["content"])
    example = shown["application/jsonl"]["example"]
    assert requests.put(url, example, headers=headers, timeout=TIMEOUT).status_code == 200


def test_names_of_components_are_names_of_classes() -> None:
    """Each name is a word of letters, so that no two become the same class of a generator."""
    names = DESCRIPTION.document["components"]["schemas"]
    assert all(name.isalnum() for name in names)
    assert not [name for name, schema in names.items() if "title" in schema]


def test_every_parameter_is_described() -> None:
    """Those of the path and the query, and the two ways of naming an account."""
    for operation in OPERATIONS:
        described = DESCRIPTION.operation(operation.method, PREFIX + operation.path)
        assert described is not None
        names = [(each["in"], each["name"]) for each in described["parameters"]]
        own = operation.query.model_fields if operation.query is not None else ()
        assert sorted(names) == sorted(
            [
                *(("path", name) for name in re.findall(r"\{(\w+)\}", operation.path)),
                *(("query", name) for name in own),
                ("header", "X-Api-Key"),
                ("query", "account"),
            ]
        )


def test_every_read_of_a_used_account_is_as_described(
    api: Api, control: ControlCaller, whole: ControlCaller
) -> None:
    """Orders of each kind, mails, refusals and faults show no field that is not described."""
    control.call("POST", "/faults", json={"kind": "slow", "delay": 0, "path": "/v2/ping"})
    control.call("POST", "/faults", json={"kind": "hang", "nth": [9, 10]})
    assert api.get("/v2/ping").status_code == 200
    order = api.order(X_Send_Email="true").json()["id"]
    api.order(X_Mock_Processing="reads:3")
    api.order(X_Trigger_Error="order_failed", X_Mock_Processing="at-once")
    api.order({})
    Api(api.url, None).get("/v2/order")
    for caller in (control, whole):
        assert caller.snapshot()["/requests"]["requests"]
        assert caller.get(f"/orders/{order}")["order"]["id"] == order
        assert caller.get("/faults/F-1")["struck"] == 1
