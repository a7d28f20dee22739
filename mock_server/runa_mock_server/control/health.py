"""What a server says of its health, without the models of the operations.

Whoever has started a server asks for this first, and again and again until it answers.
"""

from collections.abc import Mapping

from runa_mock_server._version import __version__
from runa_mock_server.server_state.server_state import ServerState


def health_of(server_state: ServerState) -> Mapping[str, str]:
    """The document of ``GET /_mock/health``."""
    return {"status": "ok", "version": __version__, "profile": server_state.settings.profile}
