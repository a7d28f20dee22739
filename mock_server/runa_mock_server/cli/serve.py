"""``runa-mock serve``: listens first, and then loads the settings and the server.

Connections that come meanwhile are queued, and answered once the server is loaded.
"""

import os
from contextlib import ExitStack
from typing import Any

import click

from runa_mock_server.base.listening import close
from runa_mock_server.base.signals import stopped_by_signals
from runa_mock_server.cli.early import listen_early
from runa_mock_server.cli.loading import loading
from runa_mock_server.cli.option_groups import HELP_ALL


class _ListeningFirst(click.Command):
    """Stands for the command in ``serving``, whose options are the settings."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Listen, load the command, and have it parse the arguments."""
        with ExitStack() as opened:
            opened.enter_context(stopped_by_signals())
            early = None if {"--help", HELP_ALL} & {*args} else listen_early(args)
            if early is not None:
                opened.callback(close, early.sockets)
            # Pydantic would search every installed distribution for plugins, and none is needed.
            os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
            with loading():
                from runa_mock_server.cli import serving  # noqa: PLC0415 - loads pydantic
            context = serving.command.make_context(info_name, args, parent, obj=early, **extra)
            context.call_on_close(opened.pop_all().close)
        return context


command = _ListeningFirst("serve")
