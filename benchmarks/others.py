"""The other mock servers, and how each is installed, started and asked.

They are installed into folders of their own below the user's cache, when they are measured.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bare import COMPLETED
from benchmarks.bodies import KEY_HEADER, NUMBER, ONE_ITEM, ORDERING
from benchmarks.load import Request
from benchmarks.servers import Server, free_port
from runa_schemas import openapi

INSTALL = {"npm": "npm install", "pip": "pip install"}
"""How one installs from each registry, for those who read."""

_INSTALL_SECONDS = 300
_DONE = ".installed"
_JSON = {"Content-Type": "application/json"}
_ORDER = Request("POST", "/order", ORDERING, ONE_ITEM, KEY_HEADER)
_AWS = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=mock/20260101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=none",
    "Content-Type": "application/x-amz-json-1.0",
}
_TABLE = {
    "TableName": "orders",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
_ITEM = {"TableName": "orders", "Item": {"id": {"S": NUMBER}, "order": {"S": ONE_ITEM}}}


class PeerError(Exception):
    """A peer that cannot be measured; the message says why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another mock server.

    Attributes:
        name: what it is called.
        packages: what is installed.
        registry: ``npm`` or ``pip``.
        command: how it is started, with ``PORT``, ``ADMIN`` for another port, and
            ``BIN``, the folder of installed commands.
        does: what a request makes it do.
        request: the request.
        files: what it is given, by the name of the file.
        prepare: what it needs before the first request.
    """

    name: str
    packages: str
    registry: str
    command: str
    does: str
    request: Request
    files: Callable[[int], dict[str, object]] = lambda _: {}
    prepare: Callable[[Server], object] = lambda _: None


def _contract(_: int) -> dict[str, object]:
    return {"openapi.json": openapi("http://127.0.0.1/v2")}


def _imposters(port: int) -> dict[str, object]:
    answer = {"statusCode": 202, "headers": _JSON, "body": COMPLETED}
    predicate = {"equals": {"method": "POST", "path": "/order"}}
    stub = {"predicates": [predicate], "responses": [{"is": answer}]}
    return {"mb.json": {"imposters": [{"port": port, "protocol": "http", "stubs": [stub]}]}}


def _mapping(_: int) -> dict[str, object]:
    wanted = {"method": "POST", "url": "/order", "bodyPatterns": [{"matchesJsonPath": "$.items"}]}
    answer = {"status": 202, "headers": _JSON, "jsonBody": COMPLETED}
    return {"mappings/order.json": {"request": wanted, "response": answer}}


PEERS = (
    Peer(
        "Prism",
        "@stoplight/prism-cli",
        "npm",
        "BIN/prism mock -v silent -p PORT openapi.json",
        "validates the order by our OpenAPI document, answers its example",
        _ORDER,
        _contract,
    ),
    Peer(
        "Mockoon",
        "@mockoon/cli",
        "npm",
        "BIN/mockoon-cli start --disable-log-to-file -p PORT -d openapi.json",
        "answers the example of our OpenAPI document",
        Request("POST", "/v2/order", ORDERING, ONE_ITEM, KEY_HEADER),
        _contract,
    ),
    Peer(
        "WireMock",
        "wiremock",
        "npm",
        "BIN/wiremock --port PORT --root-dir . --max-request-journal-entries 10000",
        "matches the body by a JSON path, answers 900 fixed bytes",
        _ORDER,
        _mapping,
    ),
    Peer(
        "mountebank",
        "mountebank",
        "npm",
        "BIN/mb start --port ADMIN --localOnly --nologfile --loglevel error --configfile mb.json",
        "matches method and path, answers 900 fixed bytes",
        _ORDER,
        _imposters,
    ),
    Peer(
        "json-server",
        "json-server@0.17",
        "npm",
        "BIN/json-server --quiet --port PORT db.json",
        "stores the order in its file",
        Request("POST", "/orders", _JSON, ONE_ITEM),
        lambda _: {"db.json": {"orders": []}},
    ),
    Peer(
        "moto",
        "moto[server]",
        "pip",
        "BIN/moto_server -p PORT",
        "DynamoDB, `PutItem` of the order",
        Request(
            "POST", "/", {**_AWS, "X-Amz-Target": "DynamoDB_20120810.PutItem"}, json.dumps(_ITEM)
        ),
        prepare=lambda server: server.ask(
            "POST",
            "/",
            {**_AWS, "X-Amz-Target": "DynamoDB_20120810.CreateTable"},
            json.dumps(_TABLE).encode(),
        ),
    ),
    Peer(
        "localstripe",
        "localstripe",
        "pip",
        "BIN/localstripe --from-scratch --port PORT",
        "creates a customer",
        Request(
            "POST",
            "/v1/customers",
            {
                "Authorization": "Bearer sk_test_12345",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            f"email={NUMBER}%40example.com",
            "Idempotency-Key",
        ),
    ),
)


def _folder(peer: Peer) -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache, "runa-mock-bench", peer.name.lower())


def installed(peer: Peer) -> str:
    """Install a peer unless it is there; its version.

    Raises:
        PeerError: if that does not succeed.
    """
    folder = _folder(peer)
    if not (folder / _DONE).exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if peer.registry == "npm":
            _run("npm", "install", "--prefix", str(folder), peer.packages)
        else:
            _run(sys.executable, "-m", "venv", str(folder))
            _run(str(folder / "bin" / "pip"), "install", "--quiet", peer.packages)
        (folder / _DONE).touch()
    return _npm_version(folder, peer) if peer.registry == "npm" else _pip_version(folder, peer)


def _npm_version(folder: Path, peer: Peer) -> str:
    name = re.sub(r"(?<=.)@.*", "", peer.packages)
    package = folder / "node_modules" / name / "package.json"
    return str(json.loads(package.read_text(encoding="utf-8"))["version"])


def _pip_version(folder: Path, peer: Peer) -> str:
    name = peer.packages.partition("[")[0]
    program = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
    return _run(str(folder / "bin" / "python"), "-c", program, name).strip()


def _run(*command: str) -> str:
    """What a command writes.

    Raises:
        PeerError: if it is not there, takes too long or fails.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the ordinary package managers
            command, capture_output=True, text=True, check=False, timeout=_INSTALL_SECONDS
        )
    except FileNotFoundError:
        raise PeerError(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise PeerError(f"its installation took more than {_INSTALL_SECONDS} s") from None
    if done.returncode:
        raise PeerError(f"it does not install: {' '.join(done.stderr.split())[-200:]}")
    return done.stdout


def started(peer: Peer, stack: ExitStack) -> Server:
    """The installed peer, ready for requests, until the stack is left.

    Raises:
        ServerError: if it does not start.
    """
    folder, port = Path(stack.enter_context(TemporaryDirectory())), free_port()
    for name, document in peer.files(port).items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document), encoding="utf-8")
    binaries = _folder(peer) / ("node_modules/.bin" if peer.registry == "npm" else "bin")
    fillings = {"PORT": port, "ADMIN": free_port(), "BIN": binaries}
    words = re.sub("PORT|ADMIN|BIN", lambda word: str(fillings[word[0]]), peer.command).split()
    server = stack.enter_context(Server(words, port, ready="/", folder=folder))
    peer.prepare(server)
    return server
