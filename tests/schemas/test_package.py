"""The package from the outside: what it exports and what importing it costs."""

import subprocess
import sys
from types import ModuleType

import runa_schemas


def test_all_is_sorted_and_complete() -> None:
    """`__all__` is sorted and names every public attribute."""
    expected = {
        "ERRORS",
        "ContractError",
        "ErrorType",
        "SchemaIssue",
        "UnknownSchemaError",
        "iter_errors",
        "load",
        "names",
        "openapi",
        "validate",
    }
    assert set(runa_schemas.__all__) == expected
    constants = sorted(name for name in expected if name.isupper())
    classes = sorted(name for name in expected if name[0].isupper() and not name.isupper())
    functions = sorted(name for name in expected if name.islower())
    assert runa_schemas.__all__ == [*constants, *classes, *functions]
    public = {
        name
        for name, value in vars(runa_schemas).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert public == expected


def test_import_does_not_load_the_validator() -> None:
    """Importing the package, its catalogue and the OpenAPI document does not import jsonschema."""
    code = (
        "import sys, runa_schemas as r; r.openapi(); r.load('order'); r.ERRORS['timeout'];"
        "heavy = {'jsonschema', 'referencing', 'rpds', 'attrs'} & set(sys.modules);"
        "r.validate({'message': 'pong'}, 'pong');"
        "print(sorted(heavy), 'jsonschema' in sys.modules)"
    )
    done = subprocess.run(  # noqa: S603 - this interpreter, a literal program
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[] True"
