"""The JSON Schema of configuration files, made from the settings' model."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from runa_mock_server.config.flags import SCHEMA_KEY
from runa_mock_server.config.serve_settings import ServeSettings


def schema() -> JsonSchemaValue:
    """The JSON Schema (draft 2020-12) of a configuration file."""
    made = ServeSettings.model_json_schema(schema_generator=Untitled)
    properties = {SCHEMA_KEY: {"type": "string", "description": "For editors."}}
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        **made,
        "title": "Configuration file of runa-mock",
        "description": "What `runa-mock serve --config FILE` reads, as TOML or JSON.",
        "properties": properties | made["properties"],
    }


class Untitled(GenerateJsonSchema):
    """Without titles, which would only repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        """Whether a field without a title gets one."""
        return False
