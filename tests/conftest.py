"""Plugins, and how long hypothesis looks: `HYPOTHESIS_PROFILE` names one of the profiles below."""

import os

from hypothesis import HealthCheck, settings

# Ours is installed with the package, but a checkout that was installed before it had one lacks it.
pytest_plugins = [
    "pytester",
    "runa_pytest",
    "support.fixtures",
    "support.postgres",
    "support.stores",
]

# The machines that run this are shared: a wall clock says nothing about the code. Everything
# else that hypothesis warns of, function-scoped fixtures above all, stays an error.
settings.register_profile(
    "ci",
    max_examples=20,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
# For runs under a tracer, where each example costs twice as much.
settings.register_profile("brief", settings.get_profile("ci"), max_examples=12)
# For one more interpreter: what may differ there is the language, which few examples show.
settings.register_profile("quick", settings.get_profile("ci"), max_examples=5)
settings.register_profile("thorough", settings.get_profile("ci"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# They need a browser: `pytest tests/browser`, or the environment `browser` of tox.
collect_ignore = ["browser"]
