"""Errors of all commands."""

import click


class RefusedError(click.ClickException):
    """A file that the user named cannot be used: wrong usage, but not of the flags."""

    exit_code = 2
