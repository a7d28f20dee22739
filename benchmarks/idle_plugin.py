"""What the installed plugin costs a pytest run that does not use it: ``idle_plugin.py [ROUNDS]``.

pip installs pytest into one empty folder, and this checkout, without its dependencies, into
another. Then an empty test runs, round after round, without the second folder, with it, and without
it again, each time in a new process. Compared is the run with it to the mean of its neighbours, so
that a machine that grows slower favours nobody; how far the neighbours differ says what the figures
are worth. Timed is what a process does from importing pytest on.

Most of the cost is pytest's: it looks at each file of a distribution that has a plugin, and reads
its metadata. So the import of the plugin's own module is shown beside it.
"""

import subprocess
import sys
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 30
MOST = 0.030  # seconds

# -S -I: neither the environment's packages nor the user's are seen, only the folders given.
ISOLATED = (sys.executable, "-S", "-I", "-c")
SESSION = """
import sys, time
sys.path[:0] = sys.argv[1:]
start = time.perf_counter()
import pytest
code = pytest.main(["-q"])
print(time.perf_counter() - start)
sys.exit(code)
"""
IMPORT = """
import sys, time
sys.path[:0] = sys.argv[1:]
import pytest
start = time.perf_counter()
import runa_pytest
print(time.perf_counter() - start)
"""


def main() -> int:
    """Print the figures; 1 if an idle plugin takes too long."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with TemporaryDirectory() as name:
        base, ours, tests = (Path(name, part) for part in ("base", "ours", "tests"))
        install(base, "pytest")
        install(ours, "--no-deps", str(ROOT))
        tests.mkdir()
        tests.joinpath("test_it.py").write_text("def test_nothing(): ...\n", encoding="utf-8")
        paths = ([base], [base, ours], [base])
        for path in paths:  # not counted: the first run of each writes what Python caches
            seconds(SESSION, tests, path)
        runs = [[seconds(SESSION, tests, path) for path in paths] for _ in range(rounds)]
        imports = [seconds(IMPORT, tests, [base, ours]) for _ in range(rounds)]
    print(f"an empty test, {rounds} rounds, Python {sys.version.split()[0]}; milliseconds")
    print(f"{'':32}{'lower quarter':>15}{'median':>10}{'upper quarter':>15}")
    costs = [more - (before + after) / 2 for before, more, after in runs]
    show("a run without the plugin", [before for before, _, _ in runs])
    show("the next one without it, less", [after - before for before, _, after in runs])
    show("a run with it, less without", costs)
    show("of that, importing its module", imports)
    print(f"an idle plugin costs {1000 * median(costs):.1f} ms; the limit is {1000 * MOST:.0f} ms")
    return int(median(costs) > MOST)


def install(folder: Path, *what: str) -> None:
    """Install into a folder of its own."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), *what]
    subprocess.run(command, check=True)  # noqa: S603 - this interpreter's pip


def seconds(program: str, tests: Path, path: list[Path]) -> float:
    """What a program that sees these folders alone has measured, run beside the tests."""
    command = [*ISOLATED, program, *map(str, path)]
    done = subprocess.run(command, cwd=tests, stdout=subprocess.PIPE, check=True)  # noqa: S603 - ours
    return float(done.stdout.split()[-1])


def show(what: str, figures: list[float]) -> None:
    """Print the quarters of what was measured."""
    low, middle, high = quantiles(figures, n=4)
    print(f"{what:32}{1000 * low:15.1f}{1000 * middle:10.1f}{1000 * high:15.1f}")


if __name__ == "__main__":
    raise SystemExit(main())
