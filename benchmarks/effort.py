"""How much is measured: enough for figures, or just enough to see that the programs work."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    Attributes:
        rounds: How often contenders take turns.
        seconds: How long a run of load is.
        many: The orders stored while p99 and memory are measured.
        few: The orders stored in the small server whose pages are compared.
        most: The orders stored in the large one.
        reset: The orders stored before a reset.
        starts: How often a process is started.
        client_orders: The orders that a client places in a round.
    """

    rounds: int = 6
    seconds: float = 2
    many: int = 250_000
    few: int = 1_000
    most: int = 1_000_000
    reset: int = 100_000
    starts: int = 15
    client_orders: int = 700

    @property
    def fewer_rounds(self) -> int:
        """The rounds where each takes long."""
        return max(1, self.rounds // 2)


FULL = Effort()
QUICK = Effort(
    rounds=1, seconds=1, many=1_000, few=400, most=2_000, reset=500, starts=1, client_orders=20
)
