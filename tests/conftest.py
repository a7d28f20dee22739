"""How hypothesis works here: `HYPOTHESIS_PROFILE=thorough` looks longer than every run does."""

import os

from hypothesis import HealthCheck, settings

# The machines that run this are shared: a wall clock says nothing about the code. Everything
# else that hypothesis warns of, function-scoped fixtures above all, stays an error.
settings.register_profile(
    "ci",
    max_examples=60,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", settings.get_profile("ci"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
