"""What settings are called outside Python: their flags and their environment variables."""

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8484  # of the command; a server inside Python picks a free port
SCHEMA_KEY = "$schema"  # of a configuration file; for editors

# What can be given several times reads better in the singular.
_FLAGS = {
    "api_keys": "api_key",
    "balances": "balance",
    "control_hosts": "control_host",
    "templates": "template",
    "webhook_retries": "webhook_retry",
    "webhooks": "webhook",
}
_MORE_VARIABLES = {"port": ["PORT"]}  # what hosting platforms set


def flag_of(name: str) -> str:
    """The flag that sets a setting."""
    return "--" + _FLAGS.get(name, name).replace("_", "-")


def variables_of(name: str) -> list[str]:
    """The environment variables that stand in for a setting's flag, the strongest first."""
    return [
        f"RUNA_MOCK_{_FLAGS.get(name, name).upper()}",
        *_MORE_VARIABLES.get(name, ()),
    ]
