"""Keeps a copy of a reply's body for the decoder, within bounds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from monitor.http.inflate import Inflater, UndecodedError
from monitor.http.utf8 import Utf8

KEPT_BYTES = 1024 * 1024
TOO_LARGE = "the body is too large to keep"
# Each costs far more than its bytes.
MOST_CONTAINERS = 50_000
STEP_BYTES = 64 * 1024
LONGEST_STRING = 4096
IN_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
STRINGS = re.compile(rb'(?:[^"]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
# What is kept of a longer one: no escape is cut in two, nor the pair of them that some characters need.
BEGINNING = re.compile(rb'"(?:[^"\\]|(?:\\u[Dd][89ABab]..)?\\u[0-9A-Fa-f]{4}|\\[^u]){0,300}', re.DOTALL)
EVENT_BYTES = 64 * 1024
# Lines cost more than bytes do.
EVENTS_AT_ONCE_BYTES = 4 * 1024 * 1024
FREE_EVENTS_BYTES = 8 * 1024 * 1024
LINE_END = re.compile(rb"\r\n|\r(?=.)|\n", re.DOTALL)


class ReplyCopy:
    """The chunks of one body as they passed, dropped once they are more than is kept."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> Iterator[None]:
        """Remember the next bytes, in one step."""
        self._size += len(chunk)
        if self._size <= KEPT_BYTES:
            self._chunks.append(chunk)
        else:
            self._chunks.clear()
        return iter(())

    def body(self, codings: str) -> bytes:
        """The whole body with every content coding undone, in UTF-8.

        Raises:
            UndecodedError: it is too large, before or after decompression, or its coding is not known, or it consists
                of too many objects and arrays.
            BrokenCodingError: it is not in its coding.
        """
        if self._size > KEPT_BYTES:
            raise UndecodedError(TOO_LARGE)
        body = bytearray()
        for plain in Inflater(codings).feed(b"".join(self._chunks)):
            body += plain
            if len(body) > KEPT_BYTES:
                raise UndecodedError(TOO_LARGE)
        return _bounded(Utf8().feed(bytes(body)))


class CutText:
    """JSON that streams by, of each long string only its beginning: media in base64, and prose. It stays JSON.

    What is small is kept as it comes; of the rest, 64 KiB at a time are looked through for strings. What is too large
    nevertheless, as `is_too_large` tells, is dropped.
    """

    def __init__(self) -> None:
        self._utf8 = Utf8()
        self._kept = bytearray()
        self._rest = bytearray()
        self._in_long_string = False
        self.is_too_large = False

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        if not self.is_too_large:
            self._rest += self._utf8.feed(chunk)
        if len(self._rest) > STEP_BYTES:
            self._cut()

    def text(self) -> bytes:
        """What is kept, less characters that a cut has split.

        Raises:
            UndecodedError: it is too large nevertheless.
        """
        if self._kept:
            self._cut()
        if self.is_too_large:
            raise UndecodedError(TOO_LARGE)
        return _bounded((self._kept + self._rest).decode("utf-8", "ignore").encode())

    def _cut(self) -> None:
        if self._in_long_string:
            self._skip()
        if not self._in_long_string:
            self._sift()
        if len(self._kept) > KEPT_BYTES:
            self._kept.clear()
            self._rest.clear()
            self.is_too_large = True

    def _sift(self) -> None:
        """Keep what is wanted of the rest, but for a short string that has not ended."""
        whole = _length(STRINGS, self._rest)
        self._kept += STRING.sub(_shortened, self._rest[:whole])
        del self._rest[:whole]
        if len(self._rest) > LONGEST_STRING:
            self._kept += self._rest[: _length(BEGINNING, self._rest)]
            del self._rest[:1]
            self._in_long_string = True
            self._skip()

    def _skip(self) -> None:
        """Drop what there is of a long string."""
        del self._rest[: _length(IN_STRING, self._rest)]
        if self._rest.startswith(b'"'):
            self._kept += b'"'
            del self._rest[:1]
            self._in_long_string = False


class CutCopy:
    """A body with its long strings cut, kept as it passes; decompressed on the way, so that it never is as large."""

    def __init__(self, codings: str) -> None:
        self._plain = Inflater(codings)
        self._text = CutText()

    def add(self, chunk: bytes) -> Iterator[None]:
        """Take the next bytes, in short steps.

        Raises:
            UndecodedError, BrokenCodingError: as `Inflater.feed`.
        """
        for plain in self._plain.feed(chunk):
            self._text.add(plain)
            yield

    def body(self) -> bytes:
        """The whole body.

        Raises:
            UndecodedError: it is too large nevertheless.
        """
        return self._text.text()


class EventCopy:
    """The first event of a stream, and those that `keeps` says are worth it; `body` has a line of data for each."""

    def __init__(self, codings: str, keeps: Callable[[bytes], bool]) -> None:
        self._plain = Inflater(codings, EVENTS_AT_ONCE_BYTES, FREE_EVENTS_BYTES)
        self._utf8 = Utf8()
        self._keeps = keeps
        self._rest = b""
        self._kept: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> Iterator[None]:
        """Take the next bytes, in short steps; half a line waits for its other half.

        Raises:
            UndecodedError, BrokenCodingError: as `Inflater.feed`.
        """
        for plain in self._plain.feed(chunk):
            *lines, self._rest = LINE_END.split(self._rest + self._utf8.feed(plain))
            self._rest = self._rest[:EVENT_BYTES]
            for line in lines:
                # Lines may be as short as their ends.
                if line.startswith(b"data"):
                    self._line(line)
            yield

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


def _bounded(body: bytes) -> bytes:
    if body.count(b"{") + body.count(b"[") > MOST_CONTAINERS:
        raise UndecodedError("too many objects and arrays to decode")
    return body


def _shortened(string: re.Match[bytes]) -> bytes:
    whole = string[0]
    return whole if len(whole) <= LONGEST_STRING else whole[: _length(BEGINNING, whole)] + b'"'


def _length(pattern: re.Pattern[bytes], data: bytes | bytearray) -> int:
    match = pattern.match(data)
    return match.end() if match else 0
