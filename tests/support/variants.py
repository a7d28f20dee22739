"""What the schemas say of things that come in variants."""

from functools import reduce

from runa_schemas import load


def required_keys(name: str) -> list[str]:
    """Give the keys that a schema requires; of variants those that all of them require."""
    schema = load(name)
    if "oneOf" not in schema:
        return list(schema["required"])
    kinds = [variant["$ref"].removesuffix(".json") for variant in schema["oneOf"]]
    return reduce(
        lambda one, other: [key for key in one if key in other], map(required_keys, kinds)
    )
