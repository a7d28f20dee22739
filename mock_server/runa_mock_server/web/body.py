"""The body of a request: no more of it is received, or unpacked, than it may have."""

import asyncio
import zlib

from aiohttp import ClientPayloadError
from aiohttp.web import BaseRequest, RequestPayloadError

from runa_mock_server.base.errors import ApiError, quoted
from runa_mock_server.web.call import Call

BODY_SECONDS = 60.0
"""How long a body may take; a second longer for each MiB that it may have."""

_MIB = 1024 * 1024
_ENCODING = "body-encoding"  # the rule
_GZIP, _ZLIB, _DEFLATE = 31, 15, -15  # zlib's names for the formats
_ZLIB_METHOD = 8
_PACKED = frozenset({"gzip", "deflate"})
_NOT_UNPACKED = frozenset({"br", "zstd", "compress"})


async def read_body(call: Call) -> bytes:
    """The whole body; read once, for the call keeps it.

    Raises:
        ApiError: as ``read_limited`` does.
    """
    body = call.body
    if body is None:
        limit = call.server_state.settings.max_body_bytes
        body = call.body = await read_limited(call.request, limit)
    return body


async def read_limited(request: BaseRequest, limit: int) -> bytes:
    """The whole body of a request, unpacked.

    Args:
        request: the request.
        limit: the bytes that it may have.

    Raises:
        ApiError: ``payload_too_large`` beyond the limit, without reading on; ``bad_request`` for
            a broken transfer or content encoding, and for a body that does not arrive.
    """
    content = request.content
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    try:
        body = content.read_nowait() if content.is_eof() else await _received(request, limit)
    except ConnectionResetError:  # nobody will read this, but the log should not call it a defect
        raise ApiError(
            "bad_request", "The client hung up amid its request body.", rule=_ENCODING
        ) from None
    except TimeoutError:
        raise ApiError(
            "bad_request", "The request body did not arrive in time.", rule=_ENCODING
        ) from None
    except (ClientPayloadError, RequestPayloadError):
        raise _misfit() from None
    if len(body) > limit:
        raise _too_large(limit)
    encoding = request.headers.get("Content-Encoding")
    return body if encoding is None or not body else _unpacked(body, encoding.lower(), limit)


async def _received(request: BaseRequest, limit: int) -> bytes:
    """The body as it comes in, up to a little more than the limit."""
    async with asyncio.timeout(BODY_SECONDS + limit / _MIB):
        if request.headers.get("Expect", "").lower() == "100-continue":
            # Some versions of curl wait a second for this before they send a kilobyte.
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        body = bytearray()
        while piece := await request.content.readany():
            body += piece
            if len(body) > limit:
                break
        return bytes(body)


def _unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    if encoding in _NOT_UNPACKED:
        raise ApiError(
            "bad_request",
            f"The Content-Encoding {quoted(encoding)} is not supported.",
            help_="Send the body with gzip or deflate, or as it is.",
            rule=_ENCODING,
        )
    if encoding not in _PACKED:
        return body
    deflate = _ZLIB if body[0] & 0xF == _ZLIB_METHOD else _DEFLATE  # some send the bare format
    unpacker = zlib.decompressobj(_GZIP if encoding == "gzip" else deflate)
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise _misfit() from None
    if len(unpacked) > limit:
        raise _too_large(limit)
    if not unpacker.eof or unpacker.unused_data:
        raise _misfit()
    return unpacked


def _misfit() -> ApiError:
    return ApiError("bad_request", "The request body does not fit its encoding.", rule=_ENCODING)


def _too_large(limit: int) -> ApiError:
    reason = f"The request body is larger than {limit} bytes."
    return ApiError("payload_too_large", reason, rule="body-size")
