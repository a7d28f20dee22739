"""The body of a request: no more of it is received, or unpacked, than it may have."""

import asyncio
import zlib
from io import BytesIO

from aiohttp.web import BaseRequest
from multidict import istr

from runa_mock_server.base.errors import ApiError, quoted
from runa_mock_server.web.answers import ENCODING_RULE, misfit, too_large
from runa_mock_server.web.call import Call
from runa_mock_server.web.connection import connection_of

CONTENT_ENCODING = istr("Content-Encoding")
_GZIP, _ZLIB, _DEFLATE = 31, 15, -15  # zlib's names for the formats
_ZLIB_METHOD = 8
_PIECE = 256 * 1024  # unpacked without a turn for others
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
    body = await connection_of(request).receive(request, limit)
    encoding = request.headers.get(CONTENT_ENCODING)
    return body if encoding is None or not body else await _unpacked(body, encoding.lower(), limit)


async def _unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without its content encoding; unpacked piece by piece, for it can be long."""
    unpacker = _unpacker(body, encoding)
    if unpacker is None:
        return body
    unpacked = BytesIO()  # its value is no copy
    view = memoryview(body)
    for start in range(0, len(view), _PIECE):
        packed: bytes | memoryview = view[start : start + _PIECE]
        while packed:
            try:
                unpacked.write(unpacker.decompress(packed, _PIECE))
            except zlib.error:
                raise misfit() from None
            if unpacked.tell() > limit:
                raise too_large(limit)
            if unpacker.unused_data:
                raise misfit()
            packed = unpacker.unconsumed_tail
            if unpacked.tell() > _PIECE:
                await asyncio.sleep(0)
    unpacked.write(unpacker.flush())
    if unpacked.tell() > limit:
        raise too_large(limit)
    if not unpacker.eof:
        raise misfit()
    return unpacked.getvalue()


def _unpacker(body: bytes, encoding: str) -> "zlib._Decompress | None":
    """What unpacks a content encoding, ``None`` for one that packs nothing."""
    if encoding in _NOT_UNPACKED:
        raise ApiError(
            "bad_request",
            f"The Content-Encoding {quoted(encoding)} is not supported.",
            help_="Send the body with gzip or deflate, or as it is.",
            rule=ENCODING_RULE,
        )
    if encoding not in _PACKED:
        return None
    deflate = _ZLIB if body[0] & 0xF == _ZLIB_METHOD else _DEFLATE  # some send the bare format
    return zlib.decompressobj(_GZIP if encoding == "gzip" else deflate)
