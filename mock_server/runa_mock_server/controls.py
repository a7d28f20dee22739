"""The control API from Python: the same for a server in this process and for one elsewhere."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from pydantic import BaseModel

from runa_mock_server.control.models import (
    LONGEST_PAGE,
    ClockResult,
    EmailResult,
    EmailsResult,
    FaultResult,
    FaultsResult,
    JournalEntry,
    OrderDetail,
    OrdersResult,
    OrderSummary,
    RequestsResult,
    SettingsResult,
)
from runa_mock_server.control.problems import not_found
from runa_mock_server.effects import DEFAULT_WINDOW, Effects
from runa_mock_server.errors import quoted
from runa_mock_server.fault_spec import Kind, Place
from runa_mock_server.settings import Settings, make_settings
from runa_mock_server.story import story

M = TypeVar("M", bound=BaseModel)

_FIRST_REFUSAL = 400


class ControlRefusedError(ValueError):
    """The server will not do what was asked; nothing was changed.

    Attributes:
        status: the HTTP status.
        type: the kind of refusal.
        details: for each wrong field ``type``, ``message`` and ``location``.
    """

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        super().__init__(document["message"])
        self.status = status
        self.type: str = document["type"]
        self.details: list[dict[str, Any]] = document["details"]


class Reply(NamedTuple):
    """What the control API answered."""

    status: int
    body: bytes


Send = Callable[[str, str, Mapping[str, str], bytes, str | None], Reply]
"""Calls the control API: method, path below ``/_mock``, query, body, API key of the account."""


class Channel:
    """Calls the control API about one account, or about the whole server.

    Args:
        send: carries a call to the server.
        api_key: the account's key; ``None`` for the whole server.
    """

    def __init__(self, send: Send, api_key: str | None) -> None:
        self.send = send
        self._api_key = api_key

    def call(
        self, method: str, path: str, body: object = None, query: Mapping[str, object] | None = None
    ) -> Any:
        """The JSON document that a call is answered with.

        Raises:
            ControlRefusedError: if the server refuses.
        """
        parameters = {k: str(v) for k, v in (query or {}).items() if v is not None}
        sent = b"" if body is None else json.dumps(body, default=_plain).encode()
        reply = self.send(method, path, parameters, sent, self._api_key)
        document = json.loads(reply.body)
        if reply.status >= _FIRST_REFUSAL:
            raise ControlRefusedError(reply.status, document)
        return document

    def get(self, result: type[M], path: str, /, **query: object) -> M:
        """What a call that changes nothing is answered with."""
        return result.model_validate(self.call("GET", path, query=query))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    return str(value)


class ClockControl:
    """The time of an account, or of the server."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def now(self) -> datetime:
        """The present moment."""
        return self._channel.get(ClockResult, "/clock").now

    @property
    def speed(self) -> float:
        """Seconds for each second that passes; 0 while time stands still."""
        return self._channel.get(ClockResult, "/clock").speed

    def advance(self, by: float | timedelta | str) -> datetime:
        """Move ahead.

        Args:
            by: seconds, a timedelta, or an ISO 8601 duration such as ``P31D``.

        Returns:
            The moment that it is now.

        Raises:
            ControlRefusedError: if ``by`` is negative or no duration.
        """
        return self._change(advance=by)

    def set(self, to: datetime) -> datetime:
        """Move ahead to a moment, an aware datetime.

        Raises:
            ControlRefusedError: if it is in the past, or has no time zone.
        """
        return self._change(set=to)

    def freeze(self) -> datetime:
        """Let time stand still until it is moved, or runs again."""
        return self._change(freeze=True)

    def run(self, speed: float = 1) -> datetime:
        """Let time go on; ``speed`` 60 is a minute a second.

        Raises:
            ControlRefusedError: if the speed is not above 0, or beyond all bounds.
        """
        return self._change(speed=speed)

    def _change(self, **body: object) -> datetime:
        return ClockResult.model_validate(self._channel.call("PUT", "/clock", body)).now


class ArmedFault:
    """A fault that was armed; removed at the end of its ``with`` block, if there is one.

    Attributes:
        id: its name.
    """

    def __init__(self, channel: Channel, fault_id: str) -> None:
        self._channel = channel
        self.id = fault_id

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    def read(self) -> FaultResult:
        """How often it struck, and whether it still can."""
        return self._channel.get(FaultResult, f"/faults/{self.id}")

    @property
    def struck(self) -> int:
        """How many requests it hit."""
        return self.read().struck

    def remove(self) -> None:
        """Disarm it; what hangs because of it goes on."""
        self._channel.call("DELETE", f"/faults/{self.id}")


class FaultsControl:
    """What goes wrong on purpose, for an account or for everybody."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __iter__(self) -> Iterator[FaultResult]:
        return iter(self._channel.get(FaultsResult, "/faults").faults)

    def arm(self, kind: Kind, place: Place | None = None, **fields: Any) -> ArmedFault:
        """Have something go wrong from now on, once unless ``times`` says else.

        Args:
            kind: what goes wrong.
            place: where, relative to the moment at which an order is stored.
            **fields: any other field of ``FaultSpec``.

        Raises:
            ControlRefusedError: naming the field that does not fit.
        """
        where = {} if place is None else {"place": place}
        armed = self._channel.call("POST", "/faults", {"kind": kind, **where, **fields})
        return ArmedFault(self._channel, armed["id"])

    def clear(self) -> None:
        """Remove every fault; what hangs because of them goes on."""
        self._channel.call("DELETE", "/faults")


class JournalControl:
    """The requests of an account, or of everybody."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __iter__(self) -> Iterator[JournalEntry]:
        return iter(self.read().requests)

    def __len__(self) -> int:
        return self.read(limit=0).total

    def __getitem__(self, index: int) -> JournalEntry:
        """A request by its place: 0 is the oldest that is kept, -1 the latest."""
        return self.read(limit=LONGEST_PAGE).requests[index]

    def read(self, **filters: object) -> RequestsResult:
        """The requests that fit, oldest first, with counts.

        Args:
            **filters: any field of ``RequestQuery``: ``method``, ``path``, ``status``,
                ``idempotency_key``, ``outcome``, ``error_type``, ``fault``, ``after``, ``limit``.
        """
        return self._channel.get(RequestsResult, "/requests", **filters)


class OrdersControl:
    """The orders of an account, or of all, and what no caller of the service can do to them."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __iter__(self) -> Iterator[OrderSummary]:
        return iter(self.list(limit=10_000))

    def __len__(self) -> int:
        return self._channel.get(OrdersResult, "/orders", limit=1).total

    def list(self, status: str | None = None, limit: int = 100) -> list[OrderSummary]:
        """The newest orders, newest first."""
        return self._channel.get(OrdersResult, "/orders", status=status, limit=limit).orders

    def get(self, order_id: str) -> OrderDetail:
        """An order as it will be once it has ended, and when that is."""
        return self._channel.get(OrderDetail, _path_of(order_id))

    def complete(self, order_id: str) -> OrderDetail:
        """End an order now."""
        return self._change(order_id, status="COMPLETED")

    def fail(self, order_id: str, reason: str | None = None) -> OrderDetail:
        """End an order now as ``FAILED``."""
        return self._change(order_id, status="FAILED", reason=reason)

    def hold(self, order_id: str) -> OrderDetail:
        """Keep an order ``PROCESSING`` until it is told to end."""
        return self._change(order_id, status="PROCESSING")

    def cancel_payouts(self, order_id: str, item_id: str | None = None) -> OrderDetail:
        """Take back the active payouts of an order, or the one of an item."""
        return self._change(order_id, payout_status="CANCELLED", item_id=item_id)

    def expire_payouts(self, order_id: str, item_id: str | None = None) -> OrderDetail:
        """Let the active payouts of an order, or the one of an item, expire now."""
        return self._change(order_id, payout_status="EXPIRED", item_id=item_id)

    def _change(self, order_id: str, **fields: str | None) -> OrderDetail:
        body = {name: value for name, value in fields.items() if value is not None}
        return OrderDetail.model_validate(self._channel.call("PATCH", _path_of(order_id), body))


def _path_of(order_id: str) -> str:
    if not order_id or "/" in order_id or order_id in {".", ".."}:  # another path than an order's
        refusal = not_found("path", "order_id", f"there is no order {quoted(order_id)}")
        raise ControlRefusedError(refusal.status, refusal.document())
    return f"/orders/{order_id}"


class EmailsControl:
    """The mails that orders have caused; nothing is really sent."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __iter__(self) -> Iterator[EmailResult]:
        return iter(self.list())

    def list(self, to: str | None = None, order_id: str | None = None) -> list[EmailResult]:
        """The mails, in the order in which they leave."""
        return self._channel.get(EmailsResult, "/emails", to=to, order_id=order_id).emails


class Controls:
    """A hand on a mock server, or on one account of it.

    Args:
        send: carries a call to the control API.
        api_key: the account's key; ``None`` for the whole server.

    Attributes:
        api_key: the account's key; ``None`` for the whole server.
        clock: its time.
        faults: what goes wrong on purpose.
        journal: its requests.
        orders: its orders.
        emails: its mails.
    """

    def __init__(self, send: Send, api_key: str | None = None) -> None:
        self._channel = channel = Channel(send, api_key)
        self.api_key = api_key
        self.clock = ClockControl(channel)
        self.faults = FaultsControl(channel)
        self.journal = JournalControl(channel)
        self.orders = OrdersControl(channel)
        self.emails = EmailsControl(channel)

    def account(self, api_key: str) -> "Controls":
        """The same for one account; a key that was not used yet makes a new one.

        Raises:
            ControlRefusedError: when it is used, if the server does not accept the key.
        """
        return Controls(self._channel.send, api_key)

    @property
    def settings(self) -> Settings:
        """How the server behaves; API keys and the control token are left out."""
        values = self._channel.get(SettingsResult, "/settings").settings
        return make_settings(**{name: v for name, v in values.items() if name != "api_keys"})

    def configure(self, **changes: object) -> None:
        """Change settings from now on: ``processing``, ``rate_limit``, ``balances``, ...

        Raises:
            ControlRefusedError: naming each setting that cannot be changed so.
        """
        self._channel.call("PUT", "/settings", changes)

    def effects(
        self, idempotency_key: str | None = None, *, window: float = DEFAULT_WINDOW
    ) -> Effects:
        """What the requests have caused, key by key.

        Args:
            idempotency_key: only this key.
            window: seconds within which orders with the same body under different keys are
                suspected to be one purchase; 0 suspects none.
        """
        return self._channel.get(
            Effects, "/effects", idempotency_key=idempotency_key, window=window
        )

    def assert_exactly_once(
        self, idempotency_key: str | None = None, *, window: float = DEFAULT_WINDOW
    ) -> None:
        """Assert that what was ordered was ordered exactly once.

        Args:
            idempotency_key: look at this key alone; without it at every key, of which one at
                least must have ordered.
            window: as for ``effects``.

        Raises:
            AssertionError: telling the whole story, attempt by attempt.
        """
        effects = self.effects(idempotency_key, window=window)
        if effects.verdict != "exactly_once":
            raise AssertionError(f"not exactly once, but {story(effects)}")

    def export_state(self) -> dict[str, Any]:
        """The account as one JSON document, for ``import_state``.

        Raises:
            ControlRefusedError: if this is a server with several accounts, or none.
        """
        document: dict[str, Any] = self._channel.call("GET", "/state")
        return document

    def import_state(self, state: Mapping[str, Any]) -> None:
        """Have the account be as it was exported: the same requests get the same answers.

        Raises:
            ControlRefusedError: if the state does not fit, naming the part; nothing was changed.
        """
        self._channel.call("PUT", "/state", dict(state))

    def reset(self) -> None:
        """Return to the start: no orders, no faults, the first settings, the clock as it was."""
        self._channel.call("POST", "/reset")
