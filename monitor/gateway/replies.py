"""Keeps a copy of a reply's body for the decoder, within bounds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from aiohttp.compression_utils import BrotliDecompressor, ZLibDecompressor, ZSTDDecompressor

KEPT_BYTES = 1024 * 1024
DEFLATE_IN_ZLIB = 8
STEP_BYTES = 64 * 1024
LONGEST_RUN = 4096
SHOWN_OF_RUN = 64
# What base64 and long words are made of, and no structure of JSON is.
RUN = re.compile(rb'[^"\\,:\[\]{}]{%d,}' % (LONGEST_RUN + 1))
STRUCTURE = (b'"', b"\\", b",", b":", b"[", b"]", b"{", b"}")
RUN_START = re.compile(rb'[^"\\,:\[\]{}]*+')
EVENT_BYTES = 64 * 1024
LINE_END = re.compile(rb"\r\n|\r(?=.)|\n", re.DOTALL)


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


class Shortener:
    """Cuts long runs of one string out of JSON that streams by: media in base64. What is left is still JSON."""

    def __init__(self) -> None:
        self._run = 0

    def cut(self, chunk: bytes) -> bytes:
        """What is kept of the next bytes."""
        start = 0
        if self._run > LONGEST_RUN:
            match = RUN_START.match(chunk)
            start = match.end() if match else 0
            self._run = self._run + len(chunk) if start == len(chunk) else 0
        rest = chunk[start:]
        if rest:
            tail = len(rest) - 1 - max(map(rest.rfind, STRUCTURE))
            self._run = self._run + tail if tail == len(rest) else tail
        return RUN.sub(lambda run: run[0][:SHOWN_OF_RUN], rest)


class CutCopy:
    """A body with its long strings cut, kept as it passes; decompressed on the way, so that it never is as large."""

    def __init__(self, codings: str) -> None:
        self._plain = Decompressor(codings)
        self._shortener = Shortener()
        self._kept = bytearray()

    def add(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            Exception: as `ReplyCopy.body`.
        """
        for plain in self._plain.feed(chunk):
            self._kept += self._shortener.cut(plain)
            if len(self._kept) > KEPT_BYTES:
                raise ValueError("the body is too large to keep")

    def body(self) -> bytes:
        """The whole body, less characters that a cut has split."""
        return bytes(self._kept).decode("utf-8", "ignore").encode()


class EventCopy:
    """The first event of a stream, and those that `keeps` says are worth it; `body` has a line of data for each."""

    def __init__(self, codings: str, keeps: Callable[[bytes], bool]) -> None:
        self._plain = Decompressor(codings)
        self._keeps = keeps
        self._rest = b""
        self._kept: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Take the next bytes; half a line waits for its other half.

        Raises:
            Exception: as `ReplyCopy.body`.
        """
        for plain in self._plain.feed(chunk):
            *lines, self._rest = LINE_END.split(self._rest + plain)
            self._rest = self._rest[:EVENT_BYTES]
            for line in lines:
                self._line(line)

    def body(self) -> bytes:
        """What was kept."""
        self._line(self._rest.rstrip(b"\r"))
        self._rest = b""
        return b"\n".join(self._kept)

    def _line(self, line: bytes) -> None:
        name, _, data = line.partition(b":")
        if name != b"data":
            return
        data = data.strip()
        if (not self._kept or self._keeps(data)) and self._size + len(data) <= KEPT_BYTES:
            self._kept.append(data)
            self._size += len(data)


class Decompressor:
    """Undoes the content codings of a body that streams by, in steps of 64 KiB."""

    def __init__(self, codings: str) -> None:
        named = [coding.strip() for coding in reversed(codings.lower().split(","))]
        self._codings = [coding for coding in named if coding not in {"", "identity"}]
        self._stages: list[BrotliDecompressor | ZLibDecompressor | ZSTDDecompressor] = []

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """What the next bytes say.

        Raises:
            Exception: what the codec says of broken data, or `RuntimeError` where the codec is not installed.
        """
        return self._through(0, chunk) if chunk else iter(())

    def _through(self, stage: int, data: bytes) -> Iterator[bytes]:
        if stage == len(self._codings):
            yield data
            return
        if stage == len(self._stages):
            self._stages.append(_decompressor(self._codings[stage], data))
        undo = self._stages[stage]
        plain = undo.decompress_sync(data, STEP_BYTES)
        while plain:
            yield from self._through(stage + 1, plain)
            plain = undo.decompress_sync(b"", STEP_BYTES) if undo.data_available else b""


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
