"""Keeps a copy of a reply's body for the decoder, within bounds."""

from __future__ import annotations

from aiohttp.compression_utils import BrotliDecompressor, ZLibDecompressor, ZSTDDecompressor

KEPT_BYTES = 1024 * 1024
DEFLATE_IN_ZLIB = 8


class ReplyCopy:
    """The chunks of one body as they passed, dropped once they are more than is kept."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Remember the next bytes."""
        self._size += len(chunk)
        if self._size <= KEPT_BYTES:
            self._chunks.append(chunk)
        else:
            self._chunks.clear()

    def body(self, codings: str) -> bytes:
        """The whole body with every content coding undone.

        Raises:
            ValueError: it is too large, before or after decompression.
            Exception: what the codec says of broken data, or `RuntimeError` where the codec is not installed.
        """
        if self._size > KEPT_BYTES:
            raise ValueError("the body is too large to keep")
        body = b"".join(self._chunks)
        for coding in reversed(codings.lower().split(",")):
            body = decompress(body, coding.strip())
        return body


def decompress(data: bytes, coding: str) -> bytes:
    """`data` with one content coding undone, never growing beyond what is kept."""
    if not data or coding in {"", "identity"}:
        return data
    plain = _decompressor(coding, data).decompress_sync(data, KEPT_BYTES + 1)
    if len(plain) > KEPT_BYTES:
        raise ValueError("the body is too large to keep")
    return plain


def _decompressor(coding: str, data: bytes) -> BrotliDecompressor | ZLibDecompressor | ZSTDDecompressor:
    match coding:
        case "gzip" | "x-gzip":
            return ZLibDecompressor("gzip")
        case "deflate":
            # Some servers leave the zlib wrapper out (RFC 9110, 8.4.1.2).
            return ZLibDecompressor("deflate", suppress_deflate_header=data[0] & 0x0F != DEFLATE_IN_ZLIB)
        case "br":
            return BrotliDecompressor()
        case "zstd":
            return ZSTDDecompressor()
        case _:
            raise ValueError("unknown content coding")
