"""Generators of clients and validators take the schemas and both documents, and lose nothing."""

import importlib
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from generators.conftest import HERE, Run
from runa_mock_server import MockServer
from runa_schemas import load, names

KEY = "XX-generated.secret"
DOCUMENTS = ["api", "control"]
ADDRESS = "someone@example.test"


def components(document: Path) -> dict[str, Any]:
    """The schemas of a document."""
    found: dict[str, Any] = json.loads(document.read_text("utf-8"))["components"]["schemas"]
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; generated models write moments in another way."""
    texts = [json.dumps(value) for value in (one, other)]
    first, second = [re.sub(r'(T[\d:.]+)\+00:00"', r'\1Z"', text) for text in texts]
    return bool(json.loads(first) == json.loads(second))


def test_ajv_takes_every_schema_in_strict_mode(
    node_modules: Path, documents: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    """Schemas, components of both documents and all their examples; no line break behind a text."""
    (tmp_path / "node_modules").symlink_to(node_modules)
    shutil.copy(HERE / "schemas.mjs", tmp_path)
    given = {
        "schemas": [load(name) for name in names()],
        "documents": {name: json.loads(path.read_text()) for name, path in documents.items()},
        "texts": [
            [load(name)["$id"], load(name)["examples"][0]]
            for name in names()
            if "pattern" in load(name)
        ],
    }
    checked = run("node", tmp_path / "schemas.mjs", stdin=given)
    assert int(checked) > 2 * len(names())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_datamodel_code_generator_loses_nothing(
    name: str,
    documents: dict[str, Path],
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There is a model for every schema, without a warning, and examples survive the round trip."""
    module = f"generated_{name}"
    said = run(
        *(sys.executable, "-m", "datamodel_code_generator"),
        *("--input", documents[name], "--input-file-type", "openapi"),
        *("--output", tmp_path / f"{module}.py", "--formatters", "builtin"),
        *("--output-model-type", "pydantic_v2.BaseModel", "--use-annotated"),
        *("--target-python-version", "3.11"),
    )
    assert said == ""
    monkeypatch.syspath_prepend(tmp_path)
    generated = importlib.import_module(module)
    checked = 0
    for key, schema in components(documents[name]).items():
        title = "".join(part[:1].upper() + part[1:] for part in key.split("_"))
        adapter = TypeAdapter(getattr(generated, title))
        for example in schema.get("examples", ()):
            model = adapter.validate_python(example)
            back = adapter.dump_python(model, mode="json", by_alias=True, exclude_unset=True)
            assert same(back, example), key
            checked += 1
    assert checked > 50 or name == "control"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_openapi_typescript_types_every_schema(
    name: str, node_modules: Path, documents: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    """Every component has a type, and nothing is of a type that says nothing."""
    target = tmp_path / "types.d.ts"
    run(node_modules / ".bin/openapi-typescript", documents[name], "-o", target)
    types = target.read_text("utf-8")
    for key in components(documents[name]):
        assert re.search(rf"^        {key}: ", types, re.MULTILINE), key
    assert "unknown &" not in types


def test_a_typescript_client_places_orders(
    node_modules: Path, documents: dict[str, Path], server: MockServer, run: Run, tmp_path: Path
) -> None:
    """With generated types each distribution and selection is ordered, and errors are read."""
    (tmp_path / "node_modules").symlink_to(node_modules)
    for file in ("orders.ts", "tsconfig.json", "package.json"):
        shutil.copy(HERE / file, tmp_path)
    binaries = node_modules / ".bin"
    run(binaries / "openapi-typescript", documents["api"], "-o", tmp_path / "api.d.ts")
    run(binaries / "tsc", "-p", ".", cwd=tmp_path)
    said = json.loads(run("node", tmp_path / "out/orders.js", server.base_url, KEY))
    order = said["order"]
    assert [item["distribution_method"]["type"] for item in order["items"]] == [
        "PAYOUT_LINK",
        "EMAIL",
        "PAYOUT_LINK",
        "RECIPIENT",
    ]
    assert [item["products"]["type"] for item in order["items"]] == [
        "SINGLE",
        "MULTIPLE",
        "TEMPLATE",
        "SINGLE",
    ]
    assert said["addresses"] == [None, ADDRESS, None, ADDRESS]
    assert said["location"] == ["body", "items", "0", "face_value"]
    assert said["missing"] == "not_found"


def test_a_python_client_places_orders(
    documents: dict[str, Path],
    server: MockServer,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A generated client orders each distribution and selection, and reads an error."""
    run(
        *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
        *("--path", documents["api"], "--output-path", tmp_path / "generated_client"),
        cwd=tmp_path,
    )
    monkeypatch.syspath_prepend(tmp_path)
    generated = importlib.import_module("generated_client")
    models = importlib.import_module("generated_client.models")
    create = importlib.import_module("generated_client.api.orders.create_order")
    read = importlib.import_module("generated_client.api.orders.get_order")
    distributions = [
        models.PayoutLinkDistribution(type_="PAYOUT_LINK"),
        models.EmailDistribution(type_="EMAIL", email_address=ADDRESS),
        models.PayoutLinkDistribution(type_="PAYOUT_LINK"),
        models.RecipientDistribution(
            type_="RECIPIENT", recipient_reference="user-17", email_address=ADDRESS
        ),
    ]
    selections = [
        models.SingleProduct(type_="SINGLE", value="1800FL-US"),
        models.MultipleProducts(type_="MULTIPLE", values=["AMZ-US", "AMC-US"]),
        models.TemplateProducts(type_="TEMPLATE", template_id="PT-01HQ12PV4B8XMBRTK281JM54KK"),
        models.SingleProduct(type_="SINGLE", value="P2C-US"),
    ]
    order = models.NewOrder(
        payment_method=models.PaymentMethod(
            type_=models.PaymentMethodType.ACCOUNT_BALANCE, currency=models.Currency.USD
        ),
        items=[
            models.NewItem(face_value=10, distribution_method=method, products=products)
            for method, products in zip(distributions, selections, strict=True)
        ],
    )
    with generated.AuthenticatedClient(
        base_url=server.base_url, token=KEY, prefix="", auth_header_name="X-Api-Key"
    ) as client:
        placed = create.sync(client=client, body=order, x_idempotency_key="python-1")
        done = read.sync(id=placed.id, client=client)
        order.items[0].face_value = 0
        refused = create.sync(client=client, body=order, x_idempotency_key="python-2")
    assert [item.distribution_method for item in done.items] == distributions
    chosen = [item.products.to_dict() for item in done.items]
    assert [{**each, "values": None} for each in chosen] == [
        {**each.to_dict(), "values": None} for each in selections
    ]
    assert [len(each.get("values", [])) for each in chosen] == [0, 2, 10, 0]
    assert refused.details[0].location == ["body", "items", "0", "face_value"]
