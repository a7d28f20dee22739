"""Tools for tests of an integration.

``run_scenario`` starts a scenario for a client inside this process; the command
``runa-mock check-client`` runs a program once per scenario.
"""

from runa_mock_server.testing.client_scenarios.run import ScenarioRun, run_scenario
from runa_mock_server.testing.client_scenarios.scenarios import SCENARIOS, Pace, Scenario

__all__ = ["SCENARIOS", "Pace", "Scenario", "ScenarioRun", "run_scenario"]
