"""The settings of ``runa-mock serve``, and the JSON Schema of them, made from their model."""

from typing import Any, Literal

from pydantic import Field
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from runa_mock_server.config import logs
from runa_mock_server.config.flags import DEFAULT_PORT, SCHEMA_KEY
from runa_mock_server.config.settings import Port, Settings


class ServeSettings(Settings):
    """What ``runa-mock serve`` can be told: everything about its server, and about its log."""

    port: Port = DEFAULT_PORT
    log_level: logs.Level = Field(
        default="info", description="How much to log; a line a request at info."
    )
    log_format: logs.Format = Field(default="text", description="How to log.")
    event_loop: Literal["asyncio", "uvloop"] = Field(
        default="asyncio",
        description="What drives the server; uvloop takes less CPU, and has to be installed: "
        "runa-mock[uvloop].",
    )

    @property
    def server(self) -> Settings:
        """Without what is about the log."""
        # They have been checked, and a start that checks them twice builds two validators.
        return Settings.model_construct(
            **{name: getattr(self, name) for name in Settings.model_fields}
        )


def schema() -> JsonSchemaValue:
    """The JSON Schema (draft 2020-12) of a configuration file, made from the settings."""
    made = ServeSettings.model_json_schema(schema_generator=_Untitled)
    properties = {SCHEMA_KEY: {"type": "string", "description": "For editors."}}
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        **made,
        "title": "Configuration file of runa-mock",
        "description": "What `runa-mock serve --config FILE` reads, as TOML or JSON.",
        "properties": properties | made["properties"],
    }


class _Untitled(GenerateJsonSchema):
    """Without titles, which would only repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False
