"""Control of a mock server, or of one account on it."""

from collections.abc import Mapping
from typing import Any, Literal, Unpack, get_args

from runa_mock_server.config.settings import Settings, make_settings
from runa_mock_server.control import coverage, records, running, states, traffic
from runa_mock_server.control.coverage import CoverageResult
from runa_mock_server.control_client.clock import ClockControl
from runa_mock_server.control_client.emails import EmailsControl
from runa_mock_server.control_client.faults import FaultsControl
from runa_mock_server.control_client.journal import JournalControl
from runa_mock_server.control_client.keywords import SettingsChanges
from runa_mock_server.control_client.orders import OrdersControl
from runa_mock_server.control_client.products import ProductsControl
from runa_mock_server.control_client.timeline import counted, effects_timeline
from runa_mock_server.control_client.transport import Caller, Part
from runa_mock_server.control_client.webhooks import WebhooksControl
from runa_mock_server.server_state.effects import DEFAULT_WINDOW, Effects

Repeats = Literal["allow", "forbid"]
"""What ``assert_exactly_once`` does about repeated bodies."""


class ControlClient(Part):
    """ControlClient a mock server, or one account on it.

    Every method raises ``ControlRefusedError`` if the server refuses the request; the error names
    the field and the reason, and nothing was changed.

    Attributes:
        api_key: the API key of the account; ``None`` for the whole server.
        clock: the clock.
        faults: fault injection.
        journal: the requests.
        orders: the orders.
        emails: the emails that orders cause.
        products: the products, which are the same for every account.
        webhooks: the webhook endpoints and messages.
    """

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self.api_key: str | None = caller.api_key
        self.clock = ClockControl(caller)
        self.faults = FaultsControl(caller)
        self.journal = JournalControl(caller)
        self.orders = OrdersControl(caller)
        self.emails = EmailsControl(caller)
        self.products = ProductsControl(caller)
        self.webhooks = WebhooksControl(caller)

    def account(self, api_key: str) -> "ControlClient":
        """The controls of one account. A new API key creates the account on its first use."""
        return ControlClient(self._caller.for_account(api_key))

    @property
    def settings(self) -> Settings:
        """The settings of the account or the server, without API keys and the control token."""
        values = self._call(running.read_settings).settings
        return make_settings(**{name: v for name, v in values.items() if name != "api_keys"})

    def configure(self, **changes: Unpack[SettingsChanges]) -> None:
        """Change settings of the account, or of every account, at run time."""
        self._call(running.change_settings, changes)

    def effects(
        self, idempotency_key: str | None = None, *, window: float = DEFAULT_WINDOW
    ) -> Effects:
        """The effects of the requests, grouped by idempotency key.

        Args:
            idempotency_key: only this key.
            window: seconds within which orders with equal bodies and different keys are
                compared: ``duplicated`` if the answer to the earlier one did not reach the
                client, else ``repeated``; 0 compares none.
        """
        query = {"idempotency_key": idempotency_key, "window": window}
        return self._call(records.read_effects, query=query)

    def assert_exactly_once(
        self,
        idempotency_key: str | None = None,
        *,
        window: float = DEFAULT_WINDOW,
        repeats: Repeats = "allow",
    ) -> None:
        """Assert that each idempotency key created exactly one order.

        Args:
            idempotency_key: check only this key; by default every key, and at least one order.
            window: as for ``effects``.
            repeats: ``forbid`` also refuses equal bodies under different keys within the window
                where the answer to the earlier order reached the client.

        Raises:
            AssertionError: with the timeline of every attempt.
            ValueError: if ``repeats`` is neither ``allow`` nor ``forbid``.
        """
        __tracebackhide__ = True  # pytest then shows the line of the test
        if repeats not in get_args(Repeats):
            raise ValueError(f"repeats: must be 'allow' or 'forbid', not {repeats!r}")
        effects = self.effects(idempotency_key, window=window)
        if effects.verdict != "exactly_once":
            problem = "not exactly once, but"
        elif effects.repeated and repeats == "forbid":
            problem = f"the same body was ordered by {counted(len(effects.repeated), 'key')},"
        else:
            return
        raise AssertionError(
            f"{problem} {effects_timeline(effects)}\n"
            f"Checked with window={window:g} (seconds; 0 compares no bodies) and "
            f"repeats={repeats!r} ('allow' or 'forbid' equal bodies where the answer to the "
            "earlier order reached the client)."
        )

    def coverage(self) -> CoverageResult:
        """What the requests have met of the contract, with the request that met each first.

        The coverage of the server outlives resets; that of an account is worked out from the
        requests that its journal holds.
        """
        return self._call(coverage.read_coverage)

    def traffic(self) -> list[dict[str, Any]]:
        """The requests and deliveries as records for ``runa-mock report``, as far as kept."""
        return self._call(traffic.read_traffic).records

    def clear_coverage(self) -> None:
        """Forget the coverage of the server."""
        self._call(coverage.clear_coverage)

    def export_state(self) -> dict[str, Any]:
        """The account as one JSON document, for ``import_state``."""
        document: dict[str, Any] = self._caller.document(states.read_state)
        return document

    def export_lines(self) -> bytes:
        """The account as JSON Lines, for ``import_state``: to be preferred for many orders.

        Returns:
            UTF-8 text: a line with what is short, a line for each order and other entry, and a
            line that says how many lines there are.
        """
        return self._caller.content(states.read_state, query={"format": "lines"})

    def import_state(self, state: Mapping[str, Any] | bytes) -> None:
        """Replace the account by an exported one: the same requests get the same answers.

        Args:
            state: what ``export_state`` or ``export_lines`` returned.
        """
        content = state if isinstance(state, bytes) else dict(state)
        self._call(states.put_state, content)

    def reset(self) -> None:
        """Return to the start: no orders, no faults, the initial settings and clock."""
        self._call(running.reset)
