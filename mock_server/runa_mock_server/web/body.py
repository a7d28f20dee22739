"""The body of a request: no more of it is received, or unpacked, than it may have."""

import asyncio
import zlib
from io import BytesIO

from aiohttp import ClientPayloadError
from aiohttp.web import BaseRequest, RequestPayloadError

from runa_mock_server.base.errors import ApiError, quoted
from runa_mock_server.web.call import Call

BODY_SECONDS = 60.0
"""How long a body may take; a second longer for each MiB that it may have."""

_MIB = 1024 * 1024
_PIECE = 256 * 1024  # unpacked without a turn for others
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
        raise ApiError("bad_request", "The client hung up amid its request body.") from None
    except TimeoutError:
        raise ApiError("bad_request", "The request body did not arrive in time.") from None
    except (ClientPayloadError, RequestPayloadError):
        raise _misfit() from None
    if len(body) > limit:
        raise _too_large(limit)
    encoding = request.headers.get("Content-Encoding")
    return body if encoding is None or not body else await _unpacked(body, encoding.lower(), limit)


async def _received(request: BaseRequest, limit: int) -> bytes:
    """The body as it comes in, up to a little more than the limit."""
    async with asyncio.timeout(BODY_SECONDS + limit / _MIB):
        if request.headers.get("Expect", "").lower() == "100-continue":
            # Some versions of curl wait a second for this before they send a kilobyte.
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        body = BytesIO()  # its value is no copy
        while piece := await request.content.readany():
            body.write(piece)
            if body.tell() > limit:
                break
        return body.getvalue()


async def _unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without its content encoding; unpacked piece by piece, for it can be long."""
    unpacker = _unpacker(body, encoding)
    if unpacker is None:
        return body
    unpacked = BytesIO()
    view = memoryview(body)
    for start in range(0, len(view), _PIECE):
        packed: bytes | memoryview = view[start : start + _PIECE]
        while packed:
            try:
                unpacked.write(unpacker.decompress(packed, _PIECE))
            except zlib.error:
                raise _misfit() from None
            if unpacked.tell() > limit:
                raise _too_large(limit)
            if unpacker.unused_data:
                raise _misfit()
            packed = unpacker.unconsumed_tail
            if unpacked.tell() > _PIECE:
                await asyncio.sleep(0)
    unpacked.write(unpacker.flush())
    if unpacked.tell() > limit:
        raise _too_large(limit)
    if not unpacker.eof:
        raise _misfit()
    return unpacked.getvalue()


def _unpacker(body: bytes, encoding: str) -> "zlib._Decompress | None":
    """What unpacks a content encoding, ``None`` for one that packs nothing."""
    if encoding in _NOT_UNPACKED:
        raise ApiError(
            "bad_request",
            f"The Content-Encoding {quoted(encoding)} is not supported.",
            help_="Send the body with gzip or deflate, or as it is.",
        )
    if encoding not in _PACKED:
        return None
    deflate = _ZLIB if body[0] & 0xF == _ZLIB_METHOD else _DEFLATE  # some send the bare format
    return zlib.decompressobj(_GZIP if encoding == "gzip" else deflate)


def _misfit() -> ApiError:
    return ApiError("bad_request", "The request body does not fit its encoding.")


def _too_large(limit: int) -> ApiError:
    return ApiError("payload_too_large", f"The request body is larger than {limit} bytes.")
