"""Control of a mock server in another process, over HTTP."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING
from urllib.parse import quote

from runa_mock_server.control import running
from runa_mock_server.control.api import OPERATION_OF
from runa_mock_server.control.operation import ControlRequest
from runa_mock_server.control_client.client import ControlClient
from runa_mock_server.control_client.transport import Caller, Response

if TYPE_CHECKING:
    import requests

_TIMEOUT = 30
# To import 100,000 orders, or to read the effects of as many accounts, takes a minute.
_LONG_WORK = 600


class RemoteServer(ControlClient, AbstractContextManager["RemoteServer"]):
    """ControlClient a mock server in another process, or one account on it; ``connect`` returns it.

    Attributes:
        url: scheme, host and port of the server.
    """

    def __init__(self, url: str, session: "requests.Session", api_key: str | None = None) -> None:
        super().__init__(Caller(self._send, OPERATION_OF, api_key))
        self.url: str = url
        self._session = session

    @property
    def base_url(self) -> str:
        """The base URL for a client: ``url`` with ``/v2``."""
        return self.url + "/v2"

    def __exit__(self, *_: object) -> None:
        self.close()

    def account(self, api_key: str) -> "RemoteServer":
        """The controls of one account, on the same connections."""
        return RemoteServer(self.url, self._session, api_key)

    def close(self) -> None:
        """Close the connections; the server continues to run."""
        self._session.close()

    def shut_down(self) -> None:
        """Stop the server, if it was started with ``--allow-shutdown``."""
        self._call(running.shut_down)

    def _send(self, request: ControlRequest) -> Response:
        headers = {} if request.api_key is None else {"X-Api-Key": request.api_key.encode()}
        response = self._session.request(
            request.method,
            f"{self.url}/_mock{quote(request.path)}",
            params=dict(request.query),
            data=request.body,
            headers=headers,
            timeout=(_TIMEOUT, _LONG_WORK),
        )
        return Response(response.status_code, response.content)


def connect(url: str, *, token: str | None = None) -> RemoteServer:
    """Connect to a running mock server.

    Args:
        url: scheme, host and port, as ``runa-mock serve`` prints it; with or without ``/v2``.
        token: the ``--control-token`` of the server.

    Raises:
        ConnectionError: if no mock server answers at the URL.
    """
    import requests  # noqa: PLC0415 - a server needs no HTTP client

    session = requests.Session()
    session.trust_env = False  # a proxy must not come between a test and its mock server
    if token is not None:
        session.headers["X-Mock-Token"] = token
    server = RemoteServer(url.rstrip("/").removesuffix("/v2"), session)
    try:
        answer = session.get(f"{server.url}/_mock/health", timeout=_TIMEOUT)
        healthy = answer.status_code == requests.codes.ok and answer.json()["status"] == "ok"
    except (requests.RequestException, KeyError, TypeError, ValueError) as error:
        session.close()
        raise ConnectionError(f"no mock server answers at {server.url}: {error}") from None
    if not healthy:
        session.close()
        raise ConnectionError(f"the service at {server.url} is no mock server")
    return server
