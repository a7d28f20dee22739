"""An offline double of the Runa payouts API v2: a stateful server for development and tests.

Unofficial. ``MockServer`` runs it inside a Python process, the command ``runa-mock serve`` as a
process of its own.
"""

from runa_mock_server._version import __version__
from runa_mock_server.catalogue import Catalogue, CatalogueError
from runa_mock_server.clock import Clock, ManualClock
from runa_mock_server.controls import ControlRefusedError, Controls
from runa_mock_server.effects import Effects
from runa_mock_server.fault_spec import FaultSpec
from runa_mock_server.remote import RemoteServer, connect
from runa_mock_server.server import MockServer
from runa_mock_server.settings import Settings, SettingsError
from runa_mock_server.web.http_server import PortBusyError

__all__ = [
    "Catalogue",
    "CatalogueError",
    "Clock",
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
