"""What a client does while the service does not do well: played, observed, judged.

``play`` lets a scenario begin for a client inside this process; the command
``runa-mock check-client`` runs a program once per scenario.
"""

from runa_mock_server.testing.client_scenarios.run import PlayedScenario, play
from runa_mock_server.testing.client_scenarios.scenarios import SCENARIOS, Pace, Scenario

__all__ = ["SCENARIOS", "Pace", "PlayedScenario", "Scenario", "play"]
