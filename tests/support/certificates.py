"""Certificates that nobody has signed, and receivers of webhooks that show them."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest


class Certificate(NamedTuple):
    """The files of a self-signed certificate for 127.0.0.1 and localhost."""

    certificate: Path
    key: Path


def certificate(directory: Path) -> Certificate:
    """Make a certificate with the system's openssl; skips the test where there is none."""
    made = Certificate(directory / "cert.pem", directory / "key.pem")
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("nothing here makes certificates")
    names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subject = ["-subj", "/CN=localhost", "-days", "2", "-nodes", *names]
    files = ["-keyout", str(made.key), "-out", str(made.certificate)]
    subprocess.run(  # noqa: S603 - a program of the system, with arguments of ours
        [openssl, "req", "-x509", "-newkey", "rsa:2048", *files, *subject],
        check=True,
        capture_output=True,
    )
    return made


@contextmanager
def tls_receiver(files: Certificate, status_line: bytes) -> Iterator[str]:
    """A receiver that reads a POST and answers with some bytes; its URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)

    def answer(listener: socket.socket) -> None:
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            with (
                suppress(OSError),
                context.wrap_socket(connection, server_side=True) as secure,
            ):
                secure.recv(65_536)
                secure.sendall(status_line)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,), daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
