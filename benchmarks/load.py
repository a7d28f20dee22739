"""Load on a server: as much as it takes (wrk), at a rate, or a number of requests (`paced`)."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from tempfile import NamedTemporaryFile

from benchmarks.machine import ROOT, cores, on_core
from benchmarks.paced import Task
from benchmarks.servers import Server

CONNECTIONS = 32
SCRIPT = ROOT / "benchmarks" / "load.lua"
_runs = count(1)


class LoadError(Exception):
    """A run with errors, whose figures would mean nothing."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent again and again.

    Attributes:
        method: The HTTP method.
        path: Path and query.
        headers: The headers of every request.
        body: The body; with the marks of `bodies`, each request has another.
        key_header: A header with another value in each request, or nothing.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    key_header: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to.

    Attributes:
        requests: How many were answered.
        rate: How many a second.
        cpu: Seconds of CPU time that the server took for each.
        p50: Seconds until half of them were answered.
        p99: Seconds until 99 of 100 were.
    """

    requests: int
    rate: float
    cpu: float
    p50: float
    p99: float


def saturate(
    server: Server, request: Request, seconds: float, connections: int = CONNECTIONS
) -> Run:
    """Send requests as fast as they are answered, for some time; wrk with one thread.

    Raises:
        LoadError: If one is not answered, or with a status of 400 or more.
    """
    with NamedTemporaryFile("w", encoding="utf-8", suffix=".json") as body:
        body.write(request.body)
        body.flush()
        told = [_new_run(), request.method, request.path, request.key_header, body.name]
        told += [text for header in request.headers.items() for text in header]
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
        command += ["--timeout", "20s", "-s", str(SCRIPT), server.url, "--", *told]
        return _run(server, command)


def send(server: Server, request: Request, requests: int, rate: float = 0) -> Run:
    """Send a number of requests, at a rate (requests a second) if one is given.

    Raises:
        LoadError: If one is not answered, or with a status of 400 or more.
    """
    task = Task(
        server.port,
        **asdict(request),
        run=_new_run(),
        connections=CONNECTIONS,
        rate=rate,
        requests=requests,
    )
    return _run(server, [sys.executable, "-m", "benchmarks.paced"], json.dumps(asdict(task)))


def alternate(contenders: Sequence[Callable[[float], Run]], rounds: int) -> list[list[Run]]:
    """The runs of each contender: each comes once in every round, so that drift favours none.

    Args:
        contenders: Each makes one run; the argument is the share of its usual length.
        rounds: How many rounds count. Before several of them, a short one does not.
    """
    if rounds > 1:
        for contender in contenders:
            contender(0.25)
    played = [[contender(1) for contender in contenders] for _ in range(rounds)]
    return [list(runs) for runs in zip(*played, strict=True)]


def _new_run() -> str:
    return f"run{next(_runs)}"


def _run(server: Server, command: Sequence[str], told: str = "") -> Run:
    before = server.cpu_seconds()
    with on_core(cores()[1]):
        done = subprocess.run(  # noqa: S603 - a load generator
            command, input=told, capture_output=True, text=True, check=False, cwd=ROOT
        )
    cpu = server.cpu_seconds() - before
    if done.returncode:
        raise LoadError(f"the load failed: {(done.stderr or done.stdout).strip()[-300:]}")
    result = json.loads(done.stdout.splitlines()[-1])
    requests = result["requests"]
    if not requests:
        raise LoadError("no request was answered")
    if result["refused"] or result["broken"]:
        raise LoadError(
            f"of {requests} requests {result['refused']} were refused and {result['broken']} broke"
        )
    return Run(requests, requests / result["seconds"], cpu / requests, result["p50"], result["p99"])
