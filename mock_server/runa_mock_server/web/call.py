"""One request on its way through the service."""

from collections.abc import Mapping
from typing import Protocol

from aiohttp import StreamReader
from aiohttp.web import BaseRequest

from runa_mock_server.base.redaction import RawHeaders
from runa_mock_server.contract.processing import Processing
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.faults import Fault
from runa_mock_server.server_state.journal import Outcome
from runa_mock_server.server_state.server_state import World
from runa_schemas.contract_data import ExecutionMode


class ForgottenError(Exception):
    """The call was held up, and the world that it came to was reset or replaced meanwhile."""


class Head(Protocol):
    """The head of a request, as aiohttp has read it."""

    @property
    def method(self) -> str:
        """The HTTP method."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; names in upper or lower case."""

    @property
    def raw_headers(self) -> RawHeaders:
        """Name and value of each header, as they came."""


class Call:
    """What is known of a request so far; whoever finds something out adds it.

    Args:
        world: the state of the server.
        head: the head of the request.
        target: the path and the query, as they came.
        content: the body, as it comes in.
        parameters: the variable parts of the path.

    Attributes:
        world: the state of the server.
        request: the HTTP request; there is none where a call is answered ``at_once``.
        method: the HTTP method.
        target: the path and the query, as they came.
        content: the body, as it comes in.
        parameters: the variable parts of the path.
        headers: the request's headers.
        raw_headers: the same, as they came.
        response_headers: headers to send with the answer, whatever it will be.
        faults: what went wrong with this request on purpose.
        account: the caller's account, set once the API key has been accepted.
        owner: whose journal the request goes into: the caller's, or that of the account whose
            payout link was opened; ``None`` for strangers.
        execution_mode: set by its check, for calls that place an order.
        idempotency_key: set by its check, for calls that place an order.
        processing: set by its check, for calls that place an order.
        body: the request body, once it has been read.
        fingerprint: that of the body, for calls that place an order.
        outcome: what came of a call that places an order.
        order_id: the order that was made, or shown again.
        kindnesses: the settings without which strict mode would refuse or ignore the request.
        accepted_at: the moment at which a call that places an order got to its key, microseconds
            since the epoch.
    """

    __slots__ = (
        "_journal",
        "accepted_at",
        "account",
        "body",
        "content",
        "execution_mode",
        "faults",
        "fingerprint",
        "headers",
        "idempotency_key",
        "kindnesses",
        "method",
        "order_id",
        "outcome",
        "owner",
        "parameters",
        "processing",
        "raw_headers",
        "request",
        "response_headers",
        "target",
        "world",
    )

    account: Account
    execution_mode: ExecutionMode
    idempotency_key: str
    processing: Processing | None
    request: BaseRequest

    def __init__(
        self,
        world: World,
        head: Head,
        target: str,
        content: StreamReader,
        parameters: Mapping[str, str],
    ) -> None:
        self.world = world
        self._journal = world.journal  # a new one is made at each reset
        self.method = head.method
        self.target = target
        self.content = content
        self.headers = head.headers
        self.raw_headers = head.raw_headers
        self.parameters = parameters
        self.response_headers: dict[str, str] = {}
        self.faults: tuple[Fault, ...] = ()
        self.owner: Account | None = None
        self.body: bytes | None = None
        self.fingerprint: str | None = None
        self.outcome: Outcome | None = None
        self.order_id: str | None = None
        self.accepted_at: int | None = None
        self.kindnesses: tuple[str, ...] = ()

    def check_remembered(self) -> None:
        """See whether the call still belongs to anything.

        Raises:
            ForgottenError: if its account, or everything, was reset or replaced.
        """
        world = self.world
        if self._journal is not world.journal or (
            self.owner is not None and not world.has(self.owner)
        ):
            raise ForgottenError

    def header(self, name: str) -> str | None:
        """The value of a request header, ``None`` where it is absent."""
        return self.headers.get(name)

    @property
    def wants_email(self) -> bool:
        """Whether ``X-Send-Email`` asks for mail."""
        wish = self.headers.get("X-Send-Email")
        return wish is not None and wish.lower() == "true"
