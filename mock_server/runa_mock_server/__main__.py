"""``python -m runa_mock_server`` is the command ``runa-mock``."""

from runa_mock_server.cli import main

main()
