"""Configuration files: the settings of ``runa-mock serve``, in TOML or JSON.

Every key is the name of a setting; a value is what ``MockServer`` takes for it. A key ``$schema``
is for editors and means nothing here.
"""

from pathlib import Path
from typing import Any

from runa_mock_server.base.errors import SettingsError
from runa_mock_server.config.document import parse, refused
from runa_mock_server.config.flags import SCHEMA_KEY
from runa_mock_server.config.serve_settings import ServeSettings
from runa_mock_server.config.settings import Settings, checked, make_settings

_PATHS = ("catalogue",)  # settings that name a file


def load_settings(path: str | Path | None, **values: Any) -> Settings:
    """The settings of a server inside Python: what a file says, unless a value says otherwise.

    Settings of ``runa-mock serve`` alone, such as those of the log, are ignored.

    Args:
        path: the configuration file, or ``None`` for none.
        **values: single settings, which beat those of the file.

    Raises:
        ConfigError: if the file cannot be used.
        SettingsError: for a value that does not fit.
    """
    file = {} if path is None else read(path)
    own = {name: value for name, value in file.items() if name in Settings.model_fields}
    return make_settings(**own | values)


def read(path: str | Path) -> dict[str, Any]:
    """The settings in a file, checked; those it does not name are missing.

    Args:
        path: a file with the suffix ``.toml`` or ``.json``. Paths in it are relative to its place.

    Raises:
        ConfigError: listing every problem of the file with file name, key and reason.
    """
    path = Path(path)
    document = parse(path)
    problems = []
    if not isinstance(document.pop(SCHEMA_KEY, ""), str):
        problems.append(f"{SCHEMA_KEY}: must be a string")
    try:
        checked(ServeSettings, document)
    except SettingsError as error:
        problems += [f"{name}: {reason}" for name, reason in error.problems]
    if problems:
        raise refused(path, problems)
    for name in _PATHS:
        if document.get(name) is not None:
            document[name] = str(path.parent / document[name])
    return document
