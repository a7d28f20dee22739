"""One POST to an endpoint that may answer as badly as it likes."""

from dataclasses import dataclass

import aiohttp

from runa_mock_server._version import __version__
from runa_mock_server.delivery.lookup import Resolver
from runa_mock_server.webhooks.messages import RESPONSE_LIMIT

_LONGEST_REASON = 200


@dataclass(slots=True)
class Answer:
    """What an endpoint has done so far.

    Attributes:
        status: what it answered, ``None`` if nothing.
        body: the first kilobyte of that.
        error: why there is no answer.
    """

    status: int | None = None
    body: bytes = b""
    error: str | None = None


class Poster:
    """Sends POSTs, each on a connection of its own.

    One that is kept and then closed by the receiver would look as if he had failed.
    """

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def send(self, url: str, body: bytes, headers: dict[str, str], answer: Answer) -> None:
        """Send a body, and fill in the answer bit by bit: whoever gives up keeps what has come.

        A status counts once it is there, whatever becomes of the body behind it (inferred).
        """
        sent = {**headers, "Content-Type": "application/json", "Connection": "close"}
        try:
            async with self._opened().post(
                url, data=body, headers=sent, allow_redirects=False
            ) as response:
                answer.status = response.status
                await _read_beginning(response, answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a failed attempt
            if answer.status is None:
                answer.error = _reason(error)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, force_close=True, resolver=Resolver()),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                headers={"User-Agent": f"runa-mock/{__version__}", "Accept-Encoding": "identity"},
                auto_decompress=False,  # a kilobyte can unpack to a gigabyte
                trust_env=False,
            )
        return self._session


async def _read_beginning(response: aiohttp.ClientResponse, answer: Answer) -> None:
    """Read the first kilobyte of an answer, and no more."""
    while len(answer.body) < RESPONSE_LIMIT:
        piece = await response.content.read(RESPONSE_LIMIT - len(answer.body))
        if not piece:
            return
        answer.body += piece
    response.close()  # or it would be read to the end


def _reason(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:_LONGEST_REASON]
