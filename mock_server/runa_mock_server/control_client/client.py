"""The control API from Python: the same for a server in this process and for one elsewhere."""

from collections.abc import Mapping
from typing import Any

from runa_mock_server.config.settings import Settings, make_settings
from runa_mock_server.control.models import SettingsResult
from runa_mock_server.control_client.effects_text import story
from runa_mock_server.control_client.emails import EmailsControl
from runa_mock_server.control_client.handles import (
    ClockControl,
    FaultsControl,
    JournalControl,
    OrdersControl,
)
from runa_mock_server.control_client.products import ProductsControl
from runa_mock_server.control_client.transport import Channel, Send
from runa_mock_server.control_client.webhooks import WebhooksControl
from runa_mock_server.server_state.effects import DEFAULT_WINDOW, Effects


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
        products: what can be ordered; always the whole server's.
        webhooks: who is told of its events, and what was sent.
    """

    def __init__(self, send: Send, api_key: str | None = None) -> None:
        self._channel = channel = Channel(send, api_key)
        self.api_key = api_key
        self.clock = ClockControl(channel)
        self.faults = FaultsControl(channel)
        self.journal = JournalControl(channel)
        self.orders = OrdersControl(channel)
        self.emails = EmailsControl(channel)
        self.products = ProductsControl(channel)
        self.webhooks = WebhooksControl(channel)

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
