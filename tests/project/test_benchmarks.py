"""The programs of the benchmarks work. Nothing is timed here."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from runa_mock_server import MockServer

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(sys.platform != "linux", reason="the benchmarks need Linux"),
]

ROOT = Path(__file__).parents[2]
needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="needs wrk")
TEMPLATE = json.dumps(
    {
        "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "USD"},
        "description": "order <NUMBER>",
        "items": [
            {
                "face_value": "<VALUE>",
                "distribution_method": {
                    "type": "EMAIL",
                    "email_address": f"person-<NUMBER>-{place}@example.com",
                },
                "products": {"type": "SINGLE", "value": "1800FL-US"},
            }
            for place in range(2)
        ],
    }
).replace('"<VALUE>"', "<VALUE>")
HEADERS = {"X-Api-Key": "XX-load.key", "Content-Type": "application/json"}
ORDERS = 40

Completed = subprocess.CompletedProcess[str]


def run(*command: str, told: str = "", environment: dict[str, str] | None = None) -> Completed:
    """A program, run from the root without coverage."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    return subprocess.run(  # noqa: S603 - our own
        command,
        cwd=ROOT,
        env={**inherited, **(environment or {})},
        input=told,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def python(*arguments: str, **more: Any) -> Completed:
    """A module or a file, run by this interpreter."""
    return run(sys.executable, *arguments, **more)


def bodies(server: MockServer) -> list[dict[str, Any]]:
    """The bodies of the requests that a server was sent."""
    return [json.loads(entry.request_body) for entry in server.journal]


def all_differ(sent: Sequence[dict[str, Any]]) -> bool:
    """Whether no two bodies share a description, an address or, on one place, a face value."""
    columns = [
        {body["description"] for body in sent},
        *({body["items"][n]["face_value"] for body in sent} for n in range(2)),
        *(
            {body["items"][n]["distribution_method"]["email_address"] for body in sent}
            for n in range(2)
        ),
    ]
    return all(len(values) == len(sent) for values in columns)


@pytest.mark.parametrize("rate", [0, 2_000])
def test_paced_load_sends_every_order_with_another_body(rate: int) -> None:
    """The load generator places as many orders as it is told to, whose bodies all differ."""
    with MockServer() as server:
        task = {
            "port": int(server.url.rpartition(":")[2]),
            "method": "POST",
            "path": "/v2/order",
            "headers": HEADERS,
            "body": TEMPLATE,
            "key_header": "X-Idempotency-Key",
            "run": "r",
            "connections": 4,
            "rate": rate,
            "requests": ORDERS,
        }
        done = python("-m", "benchmarks.paced", told=json.dumps(task))
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        sent = bodies(server)
    assert (told["requests"], told["refused"], told["broken"]) == (ORDERS, 0, 0)
    assert 0 < told["p50"] <= told["p99"]
    assert len(sent) == ORDERS
    assert all_differ(sent)


def test_a_refused_request_is_counted() -> None:
    """A status of 400 or more is no success."""
    with MockServer() as server:
        task = {
            "port": int(server.url.rpartition(":")[2]),
            "method": "GET",
            "path": "/v2/order/none",
            "headers": HEADERS,
            "body": "",
            "key_header": "",
            "run": "r",
            "connections": 2,
            "rate": 0,
            "requests": 10,
        }
        done = python("-m", "benchmarks.paced", told=json.dumps(task))
    assert json.loads(done.stdout)["refused"] == 10


@needs_wrk
def test_wrk_sends_every_order_with_another_body(tmp_path: Path) -> None:
    """The script of wrk replaces the marks as the other load generator does."""
    body = tmp_path / "body.json"
    body.write_text(TEMPLATE, encoding="utf-8")
    with MockServer() as server:
        headers = [text for header in HEADERS.items() for text in header]
        done = run(
            *("wrk", "-t1", "-c1", "-d1s", "-s", "benchmarks/load.lua", server.url, "--"),
            *("r", "POST", "/v2/order", "X-Idempotency-Key", str(body), *headers),
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout.splitlines()[-1])
        first = server.journal[0]
    assert told["requests"] > 0
    assert (told["refused"], told["broken"]) == (0, 0)
    program = (
        "import sys; from benchmarks.bodies import written; "
        "print(written(sys.stdin.read(), 'r', int(sys.argv[1])))"
    )
    expected = python("-c", program, str(first.idempotency_key)[2:], told=TEMPLATE)
    assert json.loads(first.request_body) == json.loads(expected.stdout)


@needs_wrk
@pytest.mark.parametrize(
    ("part", "measures"),
    [
        ("orders", {"differ", "paced", "same", "items"}),
        ("reads", {"read", "replay"}),
        ("clients", set()),
        ("starting", {"serve", "in_process", "reset"}),
        ("stored", {"p99", "memory", "pages"}),
    ],
)
def test_a_part_measures_and_has_a_verdict(part: str, measures: set[str], tmp_path: Path) -> None:
    """Each part comes to figures and a table, and its goals to a verdict."""
    path = tmp_path / "results.json"
    done = python("-m", "benchmarks", "--quick", "--results", str(path), part)
    assert done.returncode == 0, done.stderr
    results = json.loads(path.read_text(encoding="utf-8"))
    (measured,) = results["runs"].values()
    found = measured["parts"][part]
    # A machine that is too busy to send at the rate has no figure for it.
    assert measures - {"paced"} <= found["measures"].keys() <= measures
    for figure in found["measures"].values():
        assert figure["low"] <= figure["value"] <= figure["high"]
        assert figure["value"] > 0
    assert found["problems"] == []
    assert found["tables"]
    for table in found["tables"]:
        assert {len(row) for row in table["rows"]} == {len(table["columns"])}
    reached = [row["verdict"] for row in results["goals"] if row["measured"] != "not measured"]
    assert len(reached) == len(found["measures"])
    assert "not measured" not in reached


def test_calls_are_counted_beside_the_recorded_ones() -> None:
    """Each recorded kind of request is counted again, with the files that an order goes through."""
    done = python("tools/hot_path.py", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["counts"].keys() == found["recorded"].keys()
    assert all(calls["own"] > 0 for calls in found["counts"].values())
    assert found["path"]["moves"] >= len(found["path"]["files"]) - 1 > 0


def test_an_unknown_part_is_refused_by_name() -> None:
    """A part that does not exist is named; nothing is measured."""
    done = python("-m", "benchmarks", "sped")
    assert done.returncode == 2
    assert "sped" in done.stderr
    assert done.stdout == ""


def test_a_missing_load_generator_is_named() -> None:
    """Without wrk nothing is measured, and the program that is missing is named."""
    done = python("-m", "benchmarks", "orders", environment={"PATH": ""})
    assert done.returncode == 1
    assert re.search(r"\bwrk\b", done.stderr)
    assert done.stdout == ""
