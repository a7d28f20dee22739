"""The commands of the documents run: each page's shell blocks, in order, in a folder of their own.

A page's commands find the page's titled blocks as files. These differ from a user's computer:

- ``runa-mock serve`` returns once the server answers, and ends with the page. Ports are free ones.
- The real playground is a mock server.
- ``pip install`` only checks that the extras exist, and ``make`` only that the targets do.
- ``check-client`` runs the scenario ``clean`` alone, which takes seconds instead of minutes.
- Programs of the reader (``shop.py``, ``npm test``, ...) are stand-ins that place an order.
"""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from runa_mock_server import MockServer
from runa_mock_server.config.flags import DEFAULT_PORT
from support.documents import ROOT, RUN, Block

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash"),
]

BASH = shutil.which("bash") or ""
PORTS = (str(DEFAULT_PORT), "8000", "8080")
"""The ports of the documents: the mock server, a reader's program, another server."""

LIMIT = 120  # seconds; a page that takes longer hangs, and is killed
PROGRAMS = {"curl", "jq", "make", "node"}
PAGES = sorted({block.document for block in RUN if block.language == "sh"})
SHOP = """\
import os
import sys

from runa_client import RunaClient, item, single

url = os.environ.get("RUNA_BASE_URL", "http://127.0.0.1:8484/v2")
with RunaClient(url, os.environ.get("RUNA_API_KEY", "XX-shop.secret")) as client:
    receipt = client.create_order([item(10, products=single("1800FL-US"))], currency="USD")
    order = client.wait_for_order(receipt)
sys.exit(order.status != "COMPLETED")
"""
RUNA_MOCK = """\
#!/bin/bash
command=$1
shift
case $command in
serve)
    [ ! -e .server ] || kill "$(cat .server)"
    ready=$(mktemp -u "$PWD/.ready.XXXXXX")
    "$PYTHON" -m runa_mock_server serve --ready-file "$ready" "$@" &
    echo $! >.server
    until [ -s "$ready" ]; do
        kill -0 "$(cat .server)" || exit 1
        sleep 0.05
    done
    exit 0 ;;
check-client) exec "$PYTHON" -m runa_mock_server check-client --select clean "$@" ;;
trigger) exec "$PYTHON" -m runa_mock_server trigger --url "http://127.0.0.1:$RUNA_MOCK_PORT" "$@" ;;
*) exec "$PYTHON" -m runa_mock_server $command "$@" ;;
esac
"""
PIP = """\
#!/bin/bash
[ "$1" = install ] || exit 2
shift
for wanted in "$@"; do
    case $wanted in *\\[*)
        extra=${wanted#*[}
        grep -q "^${extra%%]*} = \\[" "$ROOT/pyproject.toml" || exit 3 ;;
    esac
done
"""
MAKE = """\
#!/bin/bash
PATH=$REAL_PATH
unset MAKEFLAGS
exec make -C "$ROOT" -n "$@" >/dev/null
"""
STAND_INS = {
    "runa-mock": RUNA_MOCK,
    "pip": PIP,
    "make": MAKE,
    "python": '#!/bin/bash\nexec "$PYTHON" "$@"\n',
    "pytest": '#!/bin/bash\nexec "$PYTHON" -m pytest -p runa_pytest -p no:cacheprovider "$@"\n',
    "npm": '#!/bin/bash\nexec "$PYTHON" shop.py\n',
}


def write(path: Path, text: str, *, executable: bool = False) -> None:
    """A file of a reader's folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    if executable:
        path.chmod(path.stat().st_mode | stat.S_IXUSR)


def fill(path: Path, page: list[Block], replacement: dict[str, str]) -> None:
    """Write what a reader of the page has in the folder."""
    for name, script in STAND_INS.items():
        write(path / "bin" / name, script, executable=True)
    write(path / "shop.py", replaced(SHOP, replacement))
    write(path / "shop", f"#!/bin/bash\nexec {sys.executable} shop.py\n", executable=True)
    for block in page:
        if block.title and block.language != "text":
            write(path / block.title, replaced(block.text, replacement))


def replacements(playground: MockServer) -> dict[str, str]:
    """What the tests write instead of what stands in a page: ports that are free, a mock server."""
    with ExitStack() as sockets:
        opened = [sockets.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in PORTS]
        free = [str(each.getsockname()[1]) for each in opened]
    return {"https://playground.runa.io": playground.url, **dict(zip(PORTS, free, strict=True))}


def replaced(text: str, replacement: dict[str, str]) -> str:
    """A text with the replacements; each stands alone, and not in a longer number."""
    for old, new in replacement.items():
        text = re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", new, text)
    return text


@pytest.mark.parametrize("document", PAGES)
def test_commands_of_a_page_run(document: str, tmp_path: Path) -> None:
    """Every command of a page succeeds, one after the other."""
    page = [block for block in RUN if block.document == document]
    script = "".join(block.text for block in page if block.language == "sh")
    for program in PROGRAMS & {*re.findall(r"\w+", script)}:
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}")
    output = tmp_path / "output"
    with MockServer() as playground, output.open("wb") as written:
        replacement = replacements(playground)
        fill(tmp_path, page, replacement)
        write(tmp_path / "page.sh", replaced(script, replacement))
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("RUNA_", "COV"))}
        running = subprocess.Popen(  # noqa: S603 - our documents
            [BASH, "-euxo", "pipefail", "page.sh"],
            cwd=tmp_path,
            env={
                **inherited,
                "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "REAL_PATH": os.environ["PATH"],
                "PYTHON": sys.executable,
                "ROOT": str(ROOT),
                "HOME": str(tmp_path),
                "RUNA_MOCK_PORT": replacement[PORTS[0]],
                "KEY": "XX-reader.secret",
            },
            stdout=written,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            status = running.wait(LIMIT)
        finally:
            with suppress(ProcessLookupError):  # the page left nothing running
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()
    assert status == 0, output.read_text(encoding="utf-8", errors="replace")[-4000:]
