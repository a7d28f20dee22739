"""The options of settings; defined without their model, which takes a while to load."""

import os
from collections.abc import Sequence
from typing import Any

import click

from runa_mock_server.config.flags import Names


class SettingOption(click.Option):
    """An option with the flag and the environment variables of a setting.

    Args:
        param_decls: as for any option.
        names: what the setting is called.
        **attributes: as for any option.
    """

    def __init__(self, param_decls: Sequence[str], *, names: Names, **attributes: Any) -> None:
        super().__init__(param_decls, envvar=names.variables, **attributes)
        self._names = names

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:  # noqa: ARG002 - click's signature
        """The value of the variable that applies; Kubernetes and Docker set some that do not."""
        variable = self._names.variable_in(os.environ)
        return None if variable is None else os.environ[variable]
