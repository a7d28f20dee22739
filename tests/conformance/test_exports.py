"""The types that the public interface of the suite names are exported."""

from support.exports import unexported


def test_every_type_that_public_callables_name_is_exported() -> None:
    """Parameters, results, fields and documented errors have types that users can import."""
    packages = ["runa_conformance", "runa_conformance.junit"]
    assert unexported(packages, ["runa_client", "runa_schemas"]) == set()
