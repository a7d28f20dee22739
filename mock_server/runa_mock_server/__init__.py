"""An offline double of the Runa payouts API v2: a stateful server for development and tests.

Unofficial. ``MockServer`` runs it inside a Python process, the command ``runa-mock serve`` as a
process of its own.
"""

import importlib
from typing import TYPE_CHECKING

from runa_mock_server._version import __version__

if TYPE_CHECKING:
    from runa_mock_server.base.clock import Clock, ManualClock
    from runa_mock_server.base.errors import SettingsError
    from runa_mock_server.base.listening import PortBusyError
    from runa_mock_server.catalogue.catalogue import Catalogue, CatalogueError
    from runa_mock_server.config.document import ConfigError
    from runa_mock_server.config.settings import Settings
    from runa_mock_server.control_client.client import Controls
    from runa_mock_server.control_client.remote import RemoteServer, connect
    from runa_mock_server.control_client.transport import ControlRefusedError
    from runa_mock_server.server import MockServer
    from runa_mock_server.server_state.effects import Effects
    from runa_mock_server.server_state.fault_spec import FaultSpec

__all__ = [
    "Catalogue",
    "CatalogueError",
    "Clock",
    "ConfigError",
    "ControlRefusedError",
    "Controls",
    "Effects",
    "FaultSpec",
    "ManualClock",
    "MockServer",
    "PortBusyError",
    "RemoteServer",
    "Settings",
    "SettingsError",
    "__version__",
    "connect",
]

# Imported when first asked for: `runa-mock health` runs every few seconds, and needs none of it.
_HOMES = {
    "Catalogue": "catalogue.catalogue",
    "CatalogueError": "catalogue.catalogue",
    "Clock": "base.clock",
    "ConfigError": "config.document",
    "ControlRefusedError": "control_client.transport",
    "Controls": "control_client.client",
    "Effects": "server_state.effects",
    "FaultSpec": "server_state.fault_spec",
    "ManualClock": "base.clock",
    "MockServer": "server",
    "PortBusyError": "base.listening",
    "RemoteServer": "control_client.remote",
    "Settings": "config.settings",
    "SettingsError": "base.errors",
    "connect": "control_client.remote",
}

if not TYPE_CHECKING:  # type checkers see the imports above, and complain of other names

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = importlib.import_module(f"{__name__}.{_HOMES[name]}")
        value = globals()[name] = getattr(home, name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
