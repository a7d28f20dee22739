"""The products that the server has unless it is told otherwise."""

import json
from importlib.resources import files
from typing import Any

_DATA = files("runa_mock_server").joinpath("catalogue/data/catalogue.json")

CATALOGUE: dict[str, Any] = json.loads(_DATA.read_text(encoding="utf-8"))
"""The built-in catalogue, in the form of a page of `GET /product`."""
