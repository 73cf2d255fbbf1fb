"""Undoes the content codings of a body that streams by (RFC 9110, 8.4), within bounds that hold before bytes are made.

A kilobyte may stand for a gigabyte. So no step makes more than 8 KiB, and a body that grows out of proportion is given
up: the observer stops reading it, and the bytes pass as they came.
"""

from __future__ import annotations

from collections.abc import Iterator

from multidict import CIMultiDictProxy

from monitor.http.aiohttp_internals import BrotliDecompressor, ZLibDecompressor, ZSTDDecompressor

STEP_BYTES = 8 * 1024
AT_ONCE_BYTES = 16 * 1024 * 1024
FREE_BYTES = 64 * 1024 * 1024
MOST_TIMES = 16
MOST_CODINGS = 4
DEFLATE_IN_ZLIB = 8
NOTHING = frozenset({"", "identity"})

Codec = BrotliDecompressor | ZLibDecompressor | ZSTDDecompressor


class UndecodedError(ValueError):
    """The body is not read: its coding is unknown, or it grows out of proportion. It may be valid all the same."""


class BrokenCodingError(ValueError):
    """The bytes are not in the coding that was stated. Nobody can read them."""


class Inflater:
    """Undoes `codings`, the value of a `Content-Encoding`, for one body.

    One chunk yields at most `at_once` bytes, and the body `free` bytes plus 16 times what was fed. The inner layers of
    several codings count too.
    """

    def __init__(self, codings: str, at_once: int = AT_ONCE_BYTES, free: int = FREE_BYTES) -> None:
        named = [coding.strip() for coding in reversed(codings.lower().split(","))]
        self._codings = [coding for coding in named if coding not in NOTHING]
        self._at_once = at_once
        self._codecs: list[Codec] = []
        self._left_of_body = free
        self._left_at_once = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Decode the next bytes of the body, and yield pieces of 8 KiB or a little more.

        The pieces are made as they are taken. A caller that leaves some untaken must not feed more.

        Raises:
            UndecodedError: as the class says.
            BrokenCodingError: as the class says.
        """
        if len(self._codings) > MOST_CODINGS:
            raise UndecodedError("too many content codings")
        self._left_of_body += MOST_TIMES * len(chunk)
        self._left_at_once = self._at_once
        return self._through(0, chunk) if chunk else iter(())

    def _through(self, layer: int, data: bytes) -> Iterator[bytes]:
        if layer == len(self._codings):
            for start in range(0, len(data), STEP_BYTES):
                yield data[start : start + STEP_BYTES]
            return
        if layer == len(self._codecs):
            self._codecs.append(_codec(self._codings[layer], data))
        codec = self._codecs[layer]
        plain = _step(codec, data)
        while plain:
            self._spend(len(plain))
            yield from self._through(layer + 1, plain)
            plain = _step(codec, b"") if codec.data_available else b""

    def _spend(self, size: int) -> None:
        self._left_of_body -= size
        self._left_at_once -= size
        if self._left_of_body < 0 or self._left_at_once < 0:
            raise UndecodedError("the body grows out of proportion")


def content_codings(headers: CIMultiDictProxy[str]) -> str:
    """The content codings of a body, all header lines joined."""
    return ",".join(headers.getall("Content-Encoding", ()))


def _step(codec: Codec, data: bytes) -> bytes:
    try:
        return codec.decompress_sync(data, STEP_BYTES)
    except Exception as error:  # each codec has an error of its own
        raise BrokenCodingError("the body is not in its content coding") from error


def _codec(coding: str, data: bytes) -> Codec:
    match coding:
        case "gzip" | "x-gzip":
            return ZLibDecompressor("gzip")
        case "deflate":
            # Some senders omit the zlib wrapper (RFC 9110, 8.4.1.2).
            return ZLibDecompressor("deflate", suppress_deflate_header=data[0] & 0x0F != DEFLATE_IN_ZLIB)
        case "br":
            return BrotliDecompressor()
        case "zstd":
            return ZSTDDecompressor()
        case _:
            raise UndecodedError("an unknown content coding")
