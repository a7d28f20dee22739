"""One request on its way through the service."""

from collections.abc import Mapping

from aiohttp.web import BaseRequest

from runa_mock_server.access import ExecutionMode
from runa_mock_server.faults import Fault
from runa_mock_server.journal import Outcome
from runa_mock_server.processing import Processing
from runa_mock_server.world import Account, World


class ForgottenError(Exception):
    """The call was held up, and the world that it came to was reset or replaced meanwhile."""


class Call:
    """What is known of a request so far; whoever finds something out adds it.

    Attributes:
        world: the state of the server.
        request: the HTTP request.
        parameters: the variable parts of the path.
        headers: the request's headers.
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
    """

    __slots__ = (
        "_journal",
        "account",
        "body",
        "execution_mode",
        "faults",
        "fingerprint",
        "headers",
        "idempotency_key",
        "order_id",
        "outcome",
        "owner",
        "parameters",
        "processing",
        "request",
        "response_headers",
        "world",
    )

    account: Account
    execution_mode: ExecutionMode
    idempotency_key: str
    processing: Processing | None

    def __init__(self, world: World, request: BaseRequest, parameters: Mapping[str, str]) -> None:
        self.world = world
        self._journal = world.journal  # a new one is made at each reset
        self.request = request
        self.headers = request.headers
        self.parameters = parameters
        self.response_headers: dict[str, str] = {}
        self.faults: tuple[Fault, ...] = ()
        self.owner: Account | None = None
        self.body: bytes | None = None
        self.fingerprint: bytes | None = None
        self.outcome: Outcome | None = None
        self.order_id: str | None = None

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
        return (self.header("X-Send-Email") or "").lower() == "true"
