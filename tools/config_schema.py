"""Write the JSON Schema of configuration files, which comes with the package."""

import json
from pathlib import Path

from runa_mock_server.config.serve_settings import schema

PLACE = Path(__file__).parents[1] / "mock_server/runa_mock_server/config/data/config.schema.json"

if __name__ == "__main__":
    PLACE.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")
