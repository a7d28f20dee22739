"""What settings are called outside Python: their flags and their environment variables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8484  # of the command; a server inside Python picks a free port
SCHEMA_KEY = "$schema"  # of a configuration file; for editors

PREFIX = "RUNA_MOCK_"  # of environment variables
# Kubernetes and Docker describe a service called runa-mock to containers beside it.
_INJECTED = ("RUNA_MOCK_SERVICE_", "RUNA_MOCK_PORT_", "RUNA_MOCK_ENV_")
_INJECTED_NAMES = {"RUNA_MOCK_NAME"}
_INJECTED_VALUES = ("tcp://", "udp://", "sctp://")  # of RUNA_MOCK_PORT


@dataclass(frozen=True, slots=True)
class Names:
    """What a setting is called outside Python.

    Attributes:
        name: of the flag and the variable, written like a Python name.
        more_variables: further environment variables, weaker than its own.
    """

    name: str
    more_variables: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """The flag of the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that replace the flag, the strongest first."""
        return (PREFIX + self.name.upper(), *self.more_variables)

    def variable_in(self, environment: Mapping[str, str]) -> str | None:
        """The variable that applies: the strongest with a value that a user has set."""
        for variable in self.variables:
            value = environment.get(variable)
            if value and not _is_injected(variable, value):
                return variable
        return None


CONFIG = Names("config")
HOST = Names("host")
PORT = Names("port", ("PORT",))  # PORT is what hosting platforms set


def unknown_variables(known: Iterable[str], environment: Mapping[str, str]) -> list[str]:
    """The variables with the prefix that are neither known nor set by Kubernetes or Docker."""
    return [
        variable
        for variable in environment.keys() - set(known)
        if variable.startswith(PREFIX) and not _is_injected(variable, environment[variable])
    ]


def _is_injected(variable: str, value: str) -> bool:
    return (
        variable in _INJECTED_NAMES
        or variable.startswith(_INJECTED)
        or (variable == PORT.variables[0] and value.startswith(_INJECTED_VALUES))
    )
