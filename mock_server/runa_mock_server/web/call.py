"""One request on its way through the service."""

from collections.abc import Mapping

from aiohttp.web import BaseRequest

from runa_mock_server.access import ExecutionMode
from runa_mock_server.world import Account, World


class Call:
    """What is known of a request so far; each check adds what it finds.

    Attributes:
        world: the state of the server.
        request: the HTTP request.
        parameters: the variable parts of the path.
        response_headers: headers to send with the answer, whatever it will be.
        account: the caller's account, set once the API key has been accepted.
        execution_mode: set by its check, for calls that place an order.
        idempotency_key: set by its check, for calls that place an order.
    """

    __slots__ = (
        "account",
        "execution_mode",
        "idempotency_key",
        "parameters",
        "request",
        "response_headers",
        "world",
    )

    account: Account
    execution_mode: ExecutionMode
    idempotency_key: str

    def __init__(self, world: World, request: BaseRequest, parameters: Mapping[str, str]) -> None:
        self.world = world
        self.request = request
        self.parameters = parameters
        self.response_headers: dict[str, str] = {}

    def header(self, name: str) -> str | None:
        """The value of a request header, ``None`` where it is absent."""
        return self.request.headers.get(name)

    @property
    def wants_email(self) -> bool:
        """Whether ``X-Send-Email`` asks for mail."""
        return (self.header("X-Send-Email") or "").lower() == "true"
