"""What is sent and what comes back, as data."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

from runa_client import decode_json
from runa_conformance._failures import MismatchError

API_KEY_HEADER = "X-Api-Key"

TOO_MANY = 429
_FIRST_SUCCESS, _FIRST_REDIRECT, _FIRST_ERROR = 200, 300, 400
_LONGEST_CURL_BODY = 1000


class Key(Enum):
    """The API keys that a run was given, so that requests can name them without holding them."""

    OWN = "[API key]"
    OTHER = "[other API key]"

    @property
    def variable(self) -> str:
        """The variable of the environment that has it."""
        return "RUNA_API_KEY" if self is Key.OWN else "RUNA_OTHER_API_KEY"


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent.

    Attributes:
        method: the HTTP method.
        target: path and query below the base URL, or a whole URL: a payout link, a secret.
        headers: without the API key.
        body: the bytes, if there are any.
        key: the API key: one of the run's, a made-up one, or none.
        until_ended: whether it is sent again until the order that it reads has ended.
        is_patient: whether it waits and is sent again after a 429.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    key: Key | str | None = Key.OWN
    until_ended: bool = False
    is_patient: bool = True

    @property
    def is_link(self) -> bool:
        """Whether it goes to a payout link and not to the API."""
        return "://" in self.target

    @property
    def path(self) -> str:
        """The target without its query; of a link nothing but that it is one."""
        return "payout link" if self.is_link else self.target.partition("?")[0]

    @property
    def places_order(self) -> bool:
        """Whether it is a ``POST /order``."""
        return self.method == "POST" and self.path.rstrip("/") == "/order"

    @property
    def curl(self) -> str:
        """A shell command that sends it; base URL and API keys are variables of the environment.

        A body that is no short text is named as a file.
        """
        words = ["curl", "-i"]
        if self.method != "GET":
            words += ["-X", self.method]
        if self.is_link:
            words.append('"$PAYOUT_LINK"')
        else:
            words.append(f'"$RUNA_BASE_URL"{shlex.quote(self.target)}')
        if isinstance(self.key, Key):
            words += ["-H", f'"{API_KEY_HEADER}: ${self.key.variable}"']
        elif self.key is not None:
            words += ["-H", shlex.quote(f"{API_KEY_HEADER}: {self.key}")]
        for name, value in self.headers.items():
            words += ["-H", shlex.quote(f"{name}: {value}" if value else f"{name};")]
        return " ".join([*words, *self._curl_body()])

    def _curl_body(self) -> list[str]:
        if self.body is None:
            return []
        try:
            text = self.body.decode()
        except UnicodeDecodeError:
            text = ""
        if not text.isprintable() or not 0 < len(text) <= _LONGEST_CURL_BODY:
            return ["--data-binary", f"@body  # {len(self.body)} bytes"]
        return ["--data-binary", shlex.quote(text)]

    def __str__(self) -> str:
        _, mark, query = self.target.partition("?")
        return f"{self.method} {self.path}{mark}{query}"


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        request: what it answers.
        status: the HTTP status.
        headers: names in lower case.
        body: the bytes.
    """

    request: Request
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether its status is one of success."""
        return _FIRST_SUCCESS <= self.status < _FIRST_REDIRECT

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @cached_property
    def document(self) -> Any:
        """The body as JSON, fractions as ``Decimal``.

        Raises:
            MismatchError: it is no JSON.
        """
        try:
            return decode_json(self.body)
        except ValueError as error:
            told = f"{self.request}: answered {self.status} with a body that is no JSON"
            raise MismatchError(f"{told}: {error}") from None

    @property
    def error_type(self) -> str | None:
        """The ``type`` in the body of an error, ``None`` where there is none."""
        if self.status < _FIRST_ERROR:
            return None
        try:
            found = self.document
        except MismatchError:
            return None
        kind = found.get("type") if isinstance(found, dict) else None
        return kind if isinstance(kind, str) else None

    @property
    def kind(self) -> str:
        """Which path it is of, without its query, and how it was answered."""
        request, error = self.request, self.error_type
        return (
            f"{request.method} {request.path}: answered {self.status}"
            f"{f' {ascii(error)[1:-1]}' if error else ''}"
        )

    def __str__(self) -> str:
        kind = self.error_type
        return f"{self.request}: answered {self.status}{f' {ascii(kind)[1:-1]}' if kind else ''}"
