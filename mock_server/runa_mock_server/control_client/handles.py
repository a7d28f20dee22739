"""The parts of a hand on a mock server: clock, faults, journal, orders."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from runa_mock_server.control.models import (
    LONGEST_PAGE,
    ClockResult,
    FaultResult,
    FaultsResult,
    JournalEntry,
    OrderDetail,
    OrdersResult,
    OrderSummary,
    RequestsResult,
)
from runa_mock_server.control_client.transport import Channel, path_of
from runa_mock_server.server_state.fault_spec import Kind, Place


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
        return self._channel.get(OrderDetail, path_of("order", order_id))

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
        return OrderDetail.model_validate(
            self._channel.call("PATCH", path_of("order", order_id), body)
        )
