"""How much is measured: enough for figures, or just enough to see that the programs work."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    Attributes:
        rounds: how often contenders take turns.
        seconds: how long a run is.
        long: how long one is that shows whether a server tires.
        many: the orders in a server that has been used for a while.
        sizes: the orders in the servers along the curves, from few to most.
        starts: how often a process is started.
    """

    rounds: int = 5
    seconds: float = 3
    long: float = 8
    many: int = 250_000
    sizes: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    starts: int = 15


FULL = Effort()
QUICK = Effort(rounds=2, seconds=2, long=2, many=5_000, sizes=(1_000, 5_000), starts=3)
