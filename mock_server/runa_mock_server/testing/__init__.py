"""Tools for tests of an integration.

``check_webhooks`` sends deliveries to a webhook handler, as ``runa-mock check-webhooks`` does.
``run_scenario`` starts a scenario for a client inside this process; the command
``runa-mock check-client`` runs a program once per scenario.
"""

from runa_mock_server.testing.client_scenarios.run import ScenarioRun, run_scenario
from runa_mock_server.testing.client_scenarios.scenarios import SCENARIOS, Pace, Scenario
from runa_mock_server.testing.webhook_scenarios.run import (
    Handler,
    WebhookReport,
    check_webhooks,
)

__all__ = [
    "SCENARIOS",
    "Handler",
    "Pace",
    "Scenario",
    "ScenarioRun",
    "WebhookReport",
    "check_webhooks",
    "run_scenario",
]
