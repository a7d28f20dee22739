"""Starts and stops ``MockServer`` again and again: ``python -m benchmarks.in_process TIMES``.

Prints a list of pairs, seconds by the clock and on a core, without the first start.
"""

import json
import sys
import time

from runa_mock_server import MockServer


def cycle() -> tuple[float, float]:
    """Seconds for one start and stop."""
    wall, cpu = time.perf_counter(), time.process_time()
    with MockServer():
        pass
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    cycle()
    print(json.dumps([cycle() for _ in range(int(sys.argv[1]))]))
