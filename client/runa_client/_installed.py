"""Which distributions the package was installed by: `runa-mock`, or `runa-mock-client` alone."""

import os


def check_one_version() -> None:
    """Refuse a package that two distributions of different versions have mixed.

    Looks at names of folders, for `importlib.metadata` takes longer to import than the client.

    Raises:
        ImportError: Both are installed, in different versions.
    """
    site = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120 - pathlib is slow to import
    found: dict[str, str] = {}
    try:
        entries = os.listdir(site)  # noqa: PTH208 - as above
    except OSError:  # imported from an archive
        return
    for entry in entries:
        name, dash, version = entry.removesuffix(".dist-info").partition("-")
        if dash and entry.endswith(".dist-info") and name in {"runa_mock", "runa_mock_client"}:
            found[name] = version
    if len(set(found.values())) > 1:
        raise ImportError(
            f"runa-mock {found['runa_mock']} and runa-mock-client {found['runa_mock_client']} are "
            "both installed, and their files are mixed. Uninstall both, then install one of them: "
            "runa-mock has the client in it."
        )


check_one_version()
