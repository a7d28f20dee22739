"""Exchanges that were recorded: read to be replayed.

A recording is a directory with ``recording.json``, which says what was recorded when, and a file
for each exchange.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlsplit

from runa_client import decode_json, encode_json
from runa_conformance._failures import TargetError
from runa_conformance._messages import API_KEY_HEADER, Key, Request
from runa_schemas.contract_data import ProfileName

INDEX: Final = "recording.json"
FORMAT: Final = 1
PLACEHOLDER: Final = "payout-token-"
"""How the placeholder of a payout link's token begins."""

_PAGING = {"limit", "after", "before"}
_OK = 200


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, as they were recorded.

    Attributes:
        name: the name of its file.
        check: the name of the check that sent it.
        places_orders: whether that check may place orders.
        request: what was sent, its keys and links being placeholders.
        status: the HTTP status.
        headers: the headers that matter, names in lower case.
        document: the body as JSON, text where it is none, ``None`` for a page.
    """

    name: str
    check: str
    places_orders: bool
    request: Request
    status: int
    headers: Mapping[str, str]
    document: Any


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded.

    Attributes:
        base_url: where.
        profile: the environment.
        recorded_at: when, UTC.
        results: how each check ended.
        exchanges: in the order in which they were made.
    """

    base_url: str
    profile: ProfileName
    recorded_at: datetime
    results: Mapping[str, str]
    exchanges: tuple[Exchange, ...]

    def catalogue(self) -> bytes | None:
        """The products as one page, if the catalogue was read to its end."""
        products: dict[str, Any] = {}
        is_whole = False
        for exchange in self.exchanges:
            parts = urlsplit(exchange.request.target)
            is_page = parts.path == "/product" and parse_qs(parts.query).keys() <= _PAGING
            if is_page and exchange.status == _OK:
                found = exchange.document["catalog"]
                products |= {product["code"]: product for product in found}
                is_whole = is_whole or not found
        return encode_json({"catalog": [*products.values()]}) if is_whole and products else None

    def balances(self) -> Mapping[str, str]:
        """The balances at the beginning, none if they were not read."""
        for exchange in self.exchanges:
            if exchange.request.target == "/balance" and exchange.status == _OK:
                return {entry["currency"]: entry["balance"] for entry in exchange.document}
        return {}


def read_recording(directory: Path) -> Recording:
    """Read what a ``Recorder`` wrote.

    Raises:
        TargetError: naming the file that is missing or cannot be read.
    """
    index = _load(directory / INDEX)
    files = sorted(path for path in directory.glob("*.json") if path.name != INDEX)
    try:
        if index["format"] != FORMAT:
            raise TargetError(f"{directory / INDEX}: format {index['format']!r} is not known")
        return Recording(
            base_url=str(index["base_url"]),
            profile=cast("ProfileName", index["profile"]),
            recorded_at=datetime.fromisoformat(index["recorded_at"]),
            results=dict(index["results"]),
            exchanges=tuple(_exchange(path) for path in files),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TargetError(f"{directory / INDEX} is no recording: {error}") from None


def _exchange(path: Path) -> Exchange:
    fixture = _load(path)
    try:
        sent, got = fixture["request"], fixture["answer"]
        headers = dict(sent["headers"])
        key = headers.pop(API_KEY_HEADER, None)
        known = {placeholder.value: placeholder for placeholder in Key}
        return Exchange(
            name=path.name,
            check=fixture["check"],
            places_orders=fixture["places_orders"],
            request=Request(
                method=sent["method"],
                target=sent["target"],
                headers=headers,
                body=_body(sent),
                key=known.get(key, key),
                until_ended=sent["until_ended"],
            ),
            status=got["status"],
            headers=got["headers"],
            document=got.get("json", got.get("text")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TargetError(f"{path} is no recorded exchange: {error!r}") from None


def _body(sent: Mapping[str, Any]) -> bytes | None:
    if "json" in sent:
        return encode_json(sent["json"])
    text = sent.get("text")
    return None if text is None else text.encode(errors="surrogateescape")


def _load(path: Path) -> Any:
    try:
        return decode_json(path.read_bytes())
    except OSError as error:
        raise TargetError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise TargetError(f"{path} is no JSON: {error}") from None
