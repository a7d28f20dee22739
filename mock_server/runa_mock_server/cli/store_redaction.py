"""Redaction of stored records: a copy of a store that can be shown to others."""

import hashlib
import re
from typing import Any

import orjson

from runa_mock_server.base.redaction import SHORTEST_SECRET, KnownKeys, Redactor

_MAIL = re.compile(rb"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_SIGNING_SECRET = re.compile(rb"whsec_[A-Za-z0-9+/=]+")
_IDENTITY_SECRET = "secret"  # noqa: S105 - the name of a field


class RecordRedactor:
    """Takes API keys, secrets and mail addresses out of records, which can be carried out still.

    Equal ones are replaced by equal ones, so that accounts stay apart.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._known = KnownKeys()
        self._redactor = Redactor("", self._known)

    def record(self, data: bytes) -> bytes:
        """A record without secrets."""
        record = orjson.loads(data)
        return self.text(orjson.dumps(self._without_keys(record)))

    def text(self, data: bytes) -> bytes:
        """Any text without the secrets that are known by now."""
        data = _SIGNING_SECRET.sub(b"whsec_redacted", self._redactor.body(data))
        return _MAIL.sub(_other_address, data)

    def _without_keys(self, record: dict[str, Any]) -> dict[str, Any]:
        account = record.get("account")
        if isinstance(account, dict):
            account["key"] = self._name(account["key"])
            secret = account[_IDENTITY_SECRET]
            account[_IDENTITY_SECRET] = _digest(secret.encode())[: len(secret)]
        operation = record.get("operation")
        if isinstance(operation, dict) and operation["key"] is not None:
            operation["key"] = self._name(operation["key"])
        strike = record.get("strike")
        if isinstance(strike, dict) and strike["target"][0] is not None:
            strike["target"][0] = self._name(strike["target"][0])
        return record

    def _name(self, key: str) -> str:
        if key not in self._names:
            self._names[key] = f"redacted-{len(self._names) + 1}"
            if len(key) >= SHORTEST_SECRET:
                self._known.add(key)
        return self._names[key]


def _digest(secret: bytes) -> str:
    return hashlib.blake2b(secret).hexdigest()


def _other_address(found: "re.Match[bytes]") -> bytes:
    return b"%s@example.com" % _digest(found[0])[:12].encode()
