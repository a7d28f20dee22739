"""What the installed plugin costs a pytest run that does not use it: ``idle_plugin.py [ROUNDS]``.

pip installs pytest into one empty folder, and this checkout, without its dependencies, into
another. Then an empty test runs, round after round, without the second folder, with it, and without
it again. Compared is the run with it to the mean of its neighbours, so that a machine that grows
slower favours nobody; how far the neighbours differ says what the figures are worth.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 30
MOST = 0.030  # seconds

# -S -I: neither the environment's packages nor the user's are seen, only those two folders.
RUN = "import sys; sys.path[:0] = sys.argv[1].split(':'); import pytest; sys.exit(pytest.main([]))"


class Cost(NamedTuple):
    """What a run took, in seconds; on a busy machine the processor time says more."""

    wall: float
    processor: float


def main() -> int:
    """Print the figures; 1 if an idle plugin takes too long."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with TemporaryDirectory() as name:
        folder = Path(name)
        base, ours, tests = (folder / part for part in ("base", "ours", "tests"))
        install(base, "pytest")
        install(ours, "--no-deps", str(ROOT))
        tests.mkdir()
        tests.joinpath("test_it.py").write_text("def test_nothing(): ...\n", encoding="utf-8")
        for path in ([base], [base, ours]):  # the first run of each writes what pytest caches
            cost(tests, path)
        runs = [
            tuple(cost(tests, path) for path in ([base], [base, ours], [base]))
            for _ in range(rounds)
        ]
    print(f"an empty test, {rounds} rounds, Python {sys.version.split()[0]}; milliseconds")
    print(f"{'':38}{'lower quarter':>15}{'median':>10}{'upper quarter':>15}")
    for kind in Cost._fields:
        figures = [[getattr(run, kind) for run in one_round] for one_round in runs]
        show(f"without, {kind}", [first for first, _, _ in figures])
        show(f"without, again less first, {kind}", [last - first for first, _, last in figures])
        extra = [more - (a + b) / 2 for a, more, b in figures]
        median = show(f"with less without, {kind}", extra)
        least = min(more for _, more, _ in figures) - min(min(a, b) for a, _, b in figures)
        print(f"{f'least with less least without, {kind}':38}{'':15}{1000 * least:10.1f}")
    print(f"an idle plugin costs {1000 * median:.1f} ms of processor; limit {1000 * MOST:.0f} ms")
    return int(median > MOST)


def install(folder: Path, *what: str) -> None:
    """Install into a folder of its own."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), *what]
    subprocess.run(command, check=True)  # noqa: S603 - this interpreter's pip


def cost(tests: Path, path: list[Path]) -> Cost:
    """Run the tests in a new process that sees these folders alone."""
    folders = ":".join(map(str, path))
    command = [sys.executable, "-S", "-I", "-c", RUN, folders]
    before, start = processor_time(), time.perf_counter()
    done = subprocess.run(command, cwd=tests, stdout=subprocess.PIPE, check=True)  # noqa: S603
    wall = time.perf_counter() - start
    if b"1 passed" not in done.stdout:
        raise SystemExit(done.stdout.decode())
    return Cost(processor_time() - before, wall)


def processor_time() -> float:
    """What the processes that have ended took, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def show(what: str, seconds: list[float]) -> float:
    """Print the quarters of what was measured; returns the median."""
    low, median, high = quantiles(seconds, n=4)
    print(f"{what:38}{1000 * low:15.1f}{1000 * median:10.1f}{1000 * high:15.1f}")
    return median


if __name__ == "__main__":
    raise SystemExit(main())
