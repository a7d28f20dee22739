"""An offline double of the Runa payouts API v2: a stateful server for development and tests.

Unofficial. ``MockServer`` runs it inside a Python process, the command ``runa-mock serve`` as a
process of its own.
"""

from runa_mock_server._version import __version__
from runa_mock_server.catalogue import Catalogue, CatalogueError
from runa_mock_server.clock import Clock, ManualClock, SystemClock
from runa_mock_server.server import MockServer
from runa_mock_server.settings import Settings, SettingsError
from runa_mock_server.web.http_server import PortBusyError

__all__ = [
    "Catalogue",
    "CatalogueError",
    "Clock",
    "ManualClock",
    "MockServer",
    "PortBusyError",
    "Settings",
    "SettingsError",
    "SystemClock",
    "__version__",
]
