"""A hand on a mock server in another process."""

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from runa_mock_server.control_client.client import Controls
from runa_mock_server.control_client.transport import Reply

if TYPE_CHECKING:
    import requests

_TIMEOUT = 30


class RemoteServer(Controls):
    """A server elsewhere, or one account of it: what ``connect`` gives.

    Attributes:
        url: its scheme, host and port.
    """

    def __init__(self, url: str, session: "requests.Session", api_key: str | None = None) -> None:
        super().__init__(self._send, api_key)
        self.url = url
        self._session = session

    @property
    def base_url(self) -> str:
        """What a client takes as its base URL: ``url`` with ``/v2``."""
        return self.url + "/v2"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def account(self, api_key: str) -> "RemoteServer":
        """The same for one account, on the same connections."""
        return RemoteServer(self.url, self._session, api_key)

    def close(self) -> None:
        """Close the connections; the server runs on."""
        self._session.close()

    def shut_down(self) -> None:
        """Stop the server, if it was started with ``--allow-shutdown``.

        Raises:
            ControlRefusedError: if it was not.
        """
        self._channel.call("POST", "/shutdown")

    def _send(
        self, method: str, path: str, query: Mapping[str, str], body: bytes, api_key: str | None
    ) -> Reply:
        headers = {} if api_key is None else {"X-Api-Key": api_key.encode()}
        response = self._session.request(
            method,
            f"{self.url}/_mock{quote(path)}",
            params=dict(query),
            data=body,
            headers=headers,
            timeout=_TIMEOUT,
        )
        return Reply(response.status_code, response.content)


def connect(url: str, *, token: str | None = None) -> RemoteServer:
    """A hand on a running mock server.

    Args:
        url: its scheme, host and port, as ``runa-mock serve`` prints it; ``/v2`` at the end is
            left out.
        token: what the server was started with as ``--control-token``.

    Raises:
        ConnectionError: if nothing answers there, or it is no mock server.
    """
    import requests  # noqa: PLC0415 - whoever serves needs no client

    session = requests.Session()
    session.trust_env = False  # a mock server is not behind a proxy
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
        raise ConnectionError(f"what answers at {server.url} is no mock server")
    return server
