"""Control of orders."""

from collections.abc import Iterator

from runa_mock_server.control import orders
from runa_mock_server.control.models import LONGEST_PAGE, OrderDetail, OrderSummary, Status
from runa_mock_server.control_client.transport import Part, given


class OrdersControl(Part):
    """The orders of an account, or of all accounts. Iterating reads the newest 10000."""

    def __iter__(self) -> Iterator[OrderSummary]:
        return iter(self.list(limit=LONGEST_PAGE))

    def __len__(self) -> int:
        return self._call(orders.list_orders, query={"limit": 1}).total

    def list(self, status: Status | None = None, limit: int = 100) -> list[OrderSummary]:
        """The newest orders with a status, newest first; at most ``limit``."""
        return self._call(orders.list_orders, query={"status": status, "limit": limit}).orders

    def get(self, order_id: str) -> OrderDetail:
        """An order, with the document that it has once it has ended."""
        return self._call(orders.read_order, order_id=order_id)

    def complete(self, order_id: str) -> OrderDetail:
        """End an order now as ``COMPLETED``."""
        return self._change(order_id, status="COMPLETED")

    def fail(self, order_id: str, reason: str | None = None) -> OrderDetail:
        """End an order now as ``FAILED``."""
        return self._change(order_id, status="FAILED", reason=reason)

    def hold(self, order_id: str) -> OrderDetail:
        """Keep an order ``PROCESSING`` until ``complete`` or ``fail`` is called."""
        return self._change(order_id, status="PROCESSING")

    def cancel_payouts(self, order_id: str, item_id: str | None = None) -> OrderDetail:
        """Cancel the active payouts of an order, or the payout of one item."""
        return self._change(order_id, payout_status="CANCELLED", item_id=item_id)

    def expire_payouts(self, order_id: str, item_id: str | None = None) -> OrderDetail:
        """Expire the active payouts of an order, or the payout of one item."""
        return self._change(order_id, payout_status="EXPIRED", item_id=item_id)

    def _change(self, order_id: str, **fields: str | None) -> OrderDetail:
        return self._call(orders.change_order, given(**fields), order_id=order_id)
