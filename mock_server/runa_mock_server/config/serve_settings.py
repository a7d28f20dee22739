"""The settings of ``runa-mock serve``."""

from typing import Annotated, Literal

from pydantic import Field

from runa_mock_server.config import flags, logs
from runa_mock_server.config.settings import Port, Settings


class ServeSettings(Settings):
    """Everything about the server of ``runa-mock serve``, and about its process."""

    port: Annotated[Port, flags.PORT] = flags.DEFAULT_PORT
    log_level: logs.Level = Field(
        default="info", description="Minimum level of log messages; info logs every request."
    )
    log_format: logs.Format = Field(default="text", description="Format of log messages.")
    ready_file: str | None = Field(
        default=None, description="Write the API URL to this file once the server answers."
    )
    event_loop: Literal["asyncio", "uvloop"] = Field(
        default="asyncio", description="Event loop; uvloop must be installed: runa-mock[uvloop]."
    )

    @property
    def server(self) -> Settings:
        """The settings of the server alone."""
        # They have been checked, and a start that checks them twice builds two validators.
        return Settings.model_construct(
            self.model_fields_set & Settings.model_fields.keys(),
            **{name: getattr(self, name) for name in Settings.model_fields},
        )


def _names(name: str) -> flags.Names:
    marks = ServeSettings.model_fields[name].metadata
    return next((mark for mark in marks if isinstance(mark, flags.Names)), flags.Names(name))


NAMES = {name: _names(name) for name in ServeSettings.model_fields}
"""What each setting is called outside Python."""
