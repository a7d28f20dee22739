"""The command ``runa-mock``, and ``python -m runa_mock_server``.

Signals are handled before anything is loaded that takes a while, the library of the command line
among it, so that ``serve`` ends cleanly from the first moment on.
"""

import sys
from contextlib import nullcontext

from runa_mock_server.base.signals import stopped_by_signals


def main() -> None:
    """Run the command with the arguments of the process."""
    serves = sys.argv[1:2] == ["serve"] and sys.platform != "win32"
    with stopped_by_signals() if serves else nullcontext():
        from runa_mock_server.cli import main as command  # noqa: PLC0415 - see above

        command()


if __name__ == "__main__":
    main()
