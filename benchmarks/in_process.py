"""Starts and stops ``MockServer`` again and again: ``python -m benchmarks.in_process TIMES``.

Prints a list of seconds, without the first start.
"""

import json
import sys
import time

from runa_mock_server import MockServer


def cycle() -> float:
    """Seconds for one start and stop."""
    start = time.perf_counter()
    with MockServer():
        pass
    return time.perf_counter() - start


if __name__ == "__main__":
    cycle()
    print(json.dumps([cycle() for _ in range(int(sys.argv[1]))]))
