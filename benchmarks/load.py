"""Load: wrk with one thread, on a core of its own."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from tempfile import NamedTemporaryFile

from benchmarks.machine import ROOT, cores, on_core
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
        method: the HTTP method.
        path: path and query.
        headers: the headers that stay.
        body: the body; where it has ``orders.NUMBER``, each request has another.
        key_header: a header with another value in each request, or nothing.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    key_header: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of wrk came to.

    Attributes:
        requests: how many were answered.
        rate: how many a second.
        cpu: seconds on a core that the server took for each.
        p50: seconds until half of them were answered.
        p99: seconds until 99 of 100 were.
        worst: seconds until the last was.
    """

    requests: int
    rate: float
    cpu: float
    p50: float
    p99: float
    worst: float


def put(server: Server, request: Request, seconds: float, connections: int = CONNECTIONS) -> Run:
    """Send requests for some time.

    Raises:
        LoadError: if one is not answered, or with a status of 400 or more.
    """
    with NamedTemporaryFile("w", encoding="utf-8", suffix=".json") as body:
        body.write(request.body)
        body.flush()
        told = [f"run{next(_runs)}", request.method, request.path, request.key_header, body.name]
        told += [text for header in request.headers.items() for text in header]
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
        command += ["--timeout", "20s", "-s", str(SCRIPT), server.url, "--", *told]
        before = server.cpu_seconds()
        with on_core(cores()[1]):
            done = subprocess.run(  # noqa: S603 - the load generator
                command, capture_output=True, text=True, check=False
            )
        cpu = server.cpu_seconds() - before
    if done.returncode:
        raise LoadError(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    result = json.loads(done.stdout.splitlines()[-1])
    requests = result["requests"]
    if not requests:
        raise LoadError("no request was answered")
    if result["refused"] or result["broken"]:
        raise LoadError(
            f"of {requests} requests {result['refused']} were refused and {result['broken']} broke"
        )
    return Run(
        requests,
        requests / result["seconds"],
        cpu / requests,
        result["p50"],
        result["p99"],
        result["worst"],
    )


def alternate(
    contenders: Sequence[tuple[Server, Request]],
    rounds: int,
    seconds: float,
    connections: int = CONNECTIONS,
) -> list[list[Run]]:
    """Runs of each contender: in every round each comes once, so that drift favours nobody.

    A short run of each, which is not counted, comes first.
    """
    for server, request in contenders:
        put(server, request, 1, connections)
    played = [
        [put(server, request, seconds, connections) for server, request in contenders]
        for _ in range(rounds)
    ]
    return [list(runs) for runs in zip(*played, strict=True)]
