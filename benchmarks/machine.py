"""The machine: what it is, its cores, and whether it has what the benchmarks need."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = ("aiohttp", "jiter", "orjson", "pydantic")


def lacking() -> str | None:
    """What the benchmarks need and do not find, and how to get it; ``None`` if all is there."""
    if not hasattr(os, "sched_setaffinity") or not Path("/proc/self/stat").exists():
        return "The benchmarks need Linux: they give each process a core, and read /proc."
    if shutil.which("wrk") is None:
        return (
            "The load generator wrk is missing. Debian, Ubuntu: apt-get install wrk; "
            "else https://github.com/wg/wrk"
        )
    return None


def cores() -> tuple[int, int]:
    """A core for servers and one for load; on a machine with one core they share it."""
    all_of_them = sorted(os.sched_getaffinity(0))
    return all_of_them[0], all_of_them[-1]


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Processes that are started inside the block stay on this core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def described() -> dict[str, str]:
    """What the figures depend on."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {sys.version.split()[0]}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
    }


def busy() -> float:
    """The load average of the last minute."""
    return os.getloadavg()[0]
