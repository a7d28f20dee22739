"""One request on its way through the service, and the operation that it is for."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp.web import BaseRequest
from multidict import CIMultiDictProxy

from runa_mock_server.base.redaction import Redactor
from runa_mock_server.contract.processing import Processing
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.entry import Outcome
from runa_mock_server.server_state.faults import Fault
from runa_mock_server.server_state.journal import Journal
from runa_mock_server.server_state.server_state import ServerState
from runa_schemas.contract_data import ExecutionMode


class ForgottenError(Exception):
    """The call was held up, and its account or the server was reset meanwhile."""


Check = Callable[["Call"], None]
"""Looks at the headers of a request; raises if it refuses."""

Handler = Callable[["Call"], Awaitable[Answer]]
"""Does the work of an operation."""


@dataclass(frozen=True, slots=True)
class Route:
    """One operation.

    Attributes:
        method: the HTTP method.
        path: the path, variable parts in braces: ``/v2/order/{order_id}``.
        checks: the header checks, in the order in which they answer.
        handler: does the work.
    """

    method: str
    path: str
    checks: tuple[Check, ...]
    handler: Handler


@dataclass(eq=False)  # without slots: what is not found out costs nothing to set
class Call:
    """What is known of a request so far; each step adds what it finds out.

    Attributes:
        server_state: the state of the server.
        request: the HTTP request.
        route: its route: the checks and the handler.
        parameters: the variable parts of the path.
        method: the HTTP method.
        target: the path and the query, as they came.
        headers: the request's headers.
        first_journal: the server's journal when the call began; a new one is made at each reset.
        response_headers: headers to send with the answer, whatever it will be.
        faults: the faults that hit this request.
        account: the caller's account, set once the API key has been accepted.
        owner: whose journal the request goes into: the caller's, or that of the account whose
            payout link was opened; ``None`` for callers without an account.
        execution_mode: set by its check, for calls that place an order.
        idempotency_key: set by its check, for calls that place an order.
        processing: set by its check, for calls that place an order.
        body: the request body, once it has been read.
        fingerprint: that of the body, for calls that place an order.
        outcome: what came of a call that places an order.
        order_id: the order that was made, or shown again.
        orders_before: how many orders the account had when a call that a fault held up came.
        kindnesses: the settings without which strict mode would refuse or ignore the request.
        accepted_at: when a call that places an order got to its key, microseconds since the
            epoch.
        number: in the journal, once it has one.
        answer: what the service answers, once that is known.
        status: the status that the client gets to see; ``None`` while there is none, and if the
            connection ends without one.
    """

    server_state: ServerState
    request: BaseRequest
    route: Route
    parameters: Mapping[str, str]
    method: str
    target: str
    headers: CIMultiDictProxy[str]
    first_journal: Journal
    response_headers: dict[str, str] = field(default_factory=dict, init=False)
    faults: tuple[Fault, ...] = field(default=(), init=False)
    account: Account = field(init=False)
    owner: Account | None = field(default=None, init=False)
    execution_mode: ExecutionMode = field(init=False)
    idempotency_key: str = field(init=False)
    processing: Processing | None = field(init=False)
    body: bytes | None = field(default=None, init=False)
    fingerprint: str | None = field(default=None, init=False)
    outcome: Outcome | None = field(default=None, init=False)
    order_id: str | None = field(default=None, init=False)
    orders_before: int | None = field(default=None, init=False)
    kindnesses: tuple[str, ...] = field(default=(), init=False)
    accepted_at: int | None = field(default=None, init=False)
    number: int | None = field(default=None, init=False)
    answer: Answer | None = field(default=None, init=False)
    status: int | None = field(default=None, init=False)

    def begin_again(self) -> None:
        """Forget what was decided on what had changed meanwhile."""
        self.journal.withdraw(self.number or 0)
        self.outcome = self.order_id = self.fingerprint = self.accepted_at = None
        self.kindnesses = ()

    @property
    def is_remembered(self) -> bool:
        """Whether neither its account nor everything was reset or replaced since it came."""
        return self.first_journal is self.server_state.journal and (
            self.owner is None or self.server_state.has(self.owner)
        )

    def check_remembered(self) -> None:
        """See whether the call still belongs to anything.

        Raises:
            ForgottenError: if its account, or everything, was reset or replaced.
        """
        if not self.is_remembered:
            raise ForgottenError

    @property
    def payout_url(self) -> str:
        """What payout links in the answer begin with: they open where the client is (inferred)."""
        return self.server_state.payout_url_at(self.headers.get("Host"))

    def note_delivery(self, *, reached: bool) -> None:
        """Note whether the answer that shows an order has reached the client.

        A replay that reaches the client makes up for a first answer that did not; one that is
        lost takes nothing back.

        Args:
            reached: whether the client got all of it, with status 2xx.
        """
        if self.owner is None or self.order_id is None:
            return
        undelivered = self.owner.undelivered
        if reached:
            if undelivered:
                undelivered.pop(self.order_id, None)
        elif self.outcome == "created":
            before = self.orders_before
            if before is None:
                before = self.owner.state.count_before(self.order_id)
            undelivered[self.order_id] = before

    def note_arrival(self) -> None:
        """Note how many orders there are before a fault holds the call up.

        The client can give it up and order again meanwhile: the later order is then made first.
        """
        if self.owner is not None and self.orders_before is None:
            self.orders_before = self.owner.state.order_count

    @property
    def journal(self) -> Journal:
        """The journal that the call goes into."""
        return self.server_state.journal if self.owner is None else self.owner.journal

    @property
    def redactor(self) -> Redactor:
        """What takes API keys out of what is shown of the call."""
        if self.owner is not None:
            return self.owner.redactor
        return Redactor(self.headers.get("X-Api-Key", ""), self.server_state.known_keys)
