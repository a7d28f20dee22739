"""The command inside this process, for what neither serves nor logs: a process takes a second."""

import os

from click.testing import CliRunner, Result

from runa_mock_server.cli import main


def run(*arguments: str, **environment: str) -> Result:
    """What ``runa-mock`` does with arguments; its own variables are otherwise unset."""
    own = [name for name in os.environ if name == "PORT" or name.startswith("RUNA_")]
    return CliRunner().invoke(main, arguments, env={**dict.fromkeys(own), **environment})
