"""The body of a request."""

from aiohttp import ClientPayloadError, StreamReader
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web import BaseRequest, RequestPayloadError

from runa_mock_server.base.errors import ApiError
from runa_mock_server.web.call import Call


async def read_body(call: Call) -> bytes:
    """The whole body; read once, for the call keeps it.

    Raises:
        ApiError: as ``read_limited`` does.
    """
    if call.body is None:
        content = call.content
        # Asked here already, for a call that is answered at once has no request.
        whole = is_whole(content, call.world.settings.max_body_bytes)
        call.body = content.read_nowait() if whole else await read_limited(call.request)
    return call.body


def is_whole(content: StreamReader, limit: int) -> bool:
    """Whether a body came together with the headers, as most do, and is not too large."""
    if content is EMPTY_PAYLOAD:
        return True
    return content.is_eof() and content.exception() is None and content.total_bytes <= limit


async def read_limited(request: BaseRequest) -> bytes:
    """The whole body of a request.

    Raises:
        ApiError: ``payload_too_large`` beyond the limit, without reading on; ``bad_request`` for
            a broken transfer or content encoding.
    """
    limit = request.client_max_size
    content = request.content
    if is_whole(content, limit):
        return content.read_nowait()
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    try:
        if request.headers.get("Expect", "").lower() == "100-continue":
            # Some versions of curl wait a second for this before they send a kilobyte.
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        # aiohttp's own reading refuses, in some versions, a body of just the size of the limit.
        body = bytearray()
        while piece := await content.readany():
            body += piece
            if len(body) > limit:
                raise _too_large(limit)
        return bytes(body)
    except ConnectionResetError:  # nobody will read this, but the log should not call it a defect
        raise ApiError("bad_request", "The client hung up amid its request body.") from None
    except (ClientPayloadError, RequestPayloadError):
        raise ApiError("bad_request", "The request body does not fit its encoding.") from None


def _too_large(limit: int) -> ApiError:
    return ApiError("payload_too_large", f"The request body is larger than {limit} bytes.")
