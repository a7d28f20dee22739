"""The data that the built-in catalogue is made of."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any, NamedTuple

import orjson


class PlaygroundTemplate(NamedTuple):
    """A product-selection template that the provider's playground knows.

    Attributes:
        id: ``PT-...``.
        currency: the currency of its products.
        codes: the built-in products that it stands for.
    """

    id: str
    currency: str
    codes: tuple[str, ...]


def built_in_products() -> Sequence[Mapping[str, Any]]:
    """The built-in products, in the shape of the provider's product list."""
    products: Sequence[Mapping[str, Any]] = _data()["catalog"]
    return products


@lru_cache(maxsize=1)
def playground_templates() -> tuple[PlaygroundTemplate, ...]:
    """The templates of the playground, with the built-in products that they stand for."""
    currencies = {product["code"]: product["currency"] for product in built_in_products()}
    return tuple(
        PlaygroundTemplate(template_id, currencies[codes[0]], tuple(codes))
        for template_id, codes in _data()["templates"].items()
    )


@lru_cache(maxsize=1)
def _data() -> Mapping[str, Any]:
    raw = resources.files(__package__).joinpath("data/catalogue.json").read_bytes()
    data: Mapping[str, Any] = orjson.loads(raw)
    return data
