"""Keeps as much of a reply's body as a decoder needs, within bounds, while the body passes.

A reply may be a short JSON document, a JSON document with megabytes of base64 in it, a stream of events, or a video. A
decoder wants the few hundred bytes that say what became of a task. There is one kind of copy for each:

- `ReplyCopy` keeps the chunks as they came and decompresses at the end. It costs nothing while the body passes, and
  suits replies that are small; one beyond 1 MiB is dropped, because half a document cannot be parsed.
- `CutCopy` suits replies that may hold media (`Route.cuts_reply`). It decompresses on the way and keeps only the
  beginning of each long string.
- `EventCopy` suits streams of events, which may last for minutes. It keeps the first event and those that the
  provider's decoder asks for.

How strings are cut (`CutText`): JSON stays JSON. A string of up to 4,096 bytes stays whole. Of a longer one the first
300 characters stay, and the closing quote. The cut never splits an escape, a pair of escapes that make one
character, or a UTF-8 sequence. Text is looked through only once 64 KiB have come, so that small replies are kept as
they are: a long message must not hide how its task ended. A string may begin in one chunk and end a thousand chunks
later; between the two, only the fact that it is open is kept.

Two bounds hold for whatever is kept: 1 MiB, and 50,000 objects and arrays, since parsing one costs far more than its
bytes. A body beyond them is counted as unread, never as failed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from monitor.http.inflate import Inflater, UndecodedError
from monitor.http.utf8 import Utf8

KEPT_BYTES = 1024 * 1024
TOO_LARGE = "the body is too large to keep"
MOST_CONTAINERS = 50_000
STEP_BYTES = 64 * 1024
LONGEST_STRING = 4096
IN_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
STRINGS = re.compile(rb'(?:[^"]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
BEGINNING = re.compile(rb'"(?:[^"\\]|(?:\\u[Dd][89ABab]..)?\\u[0-9A-Fa-f]{4}|\\[^u]){0,300}', re.DOTALL)
EVENT_BYTES = 64 * 1024
# A short line costs as much as a long one, so that an event stream may hold fewer bytes than another body.
EVENTS_AT_ONCE_BYTES = 4 * 1024 * 1024
FREE_EVENTS_BYTES = 8 * 1024 * 1024
LINE_END = re.compile(rb"\r\n|\r(?=.)|\n", re.DOTALL)


class ReplyCopy:
    """Keeps the chunks of one body as they passed."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> Iterator[None]:
        """Keep the next bytes, in one step."""
        self._size += len(chunk)
        if self._size <= KEPT_BYTES:
            self._chunks.append(chunk)
        else:
            self._chunks.clear()
        return iter(())

    def body(self, codings: str) -> bytes:
        """The whole body in UTF-8, all content codings undone.

        Raises:
            UndecodedError: the body is too large before or after decompression, its coding is unknown, or it has too
                many objects and arrays.
            BrokenCodingError: the body is not in its coding.
        """
        if self._size > KEPT_BYTES:
            raise UndecodedError(TOO_LARGE)
        body = b"".join(self._chunks)
        if codings:
            plain = bytearray()
            for piece in Inflater(codings).feed(body):
                plain += piece
                if len(plain) > KEPT_BYTES:
                    raise UndecodedError(TOO_LARGE)
            body = bytes(plain)
        return _bounded(Utf8().feed(body))


class CutText:
    """Keeps JSON that streams by, with only the beginning of each long string.

    `is_too_large` turns true once the text is beyond the bounds all the same; it is dropped then.
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
        """The text that was kept.

        Raises:
            UndecodedError: the text is too large although its strings are cut.
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
        """Keep the rest up to a string that has not ended, and the beginning of that string if it is long."""
        whole = _length(STRINGS, self._rest)
        self._kept += STRING.sub(_shortened, self._rest[:whole])
        del self._rest[:whole]
        if len(self._rest) > LONGEST_STRING:
            self._kept += self._rest[: _length(BEGINNING, self._rest)]
            del self._rest[:1]
            self._in_long_string = True
            self._skip()

    def _skip(self) -> None:
        """Drop the next part of a long string."""
        del self._rest[: _length(IN_STRING, self._rest)]
        if self._rest.startswith(b'"'):
            self._kept += b'"'
            del self._rest[:1]
            self._in_long_string = False


class CutCopy:
    """Keeps a body with its long strings cut, decompressed while it passes."""

    def __init__(self, codings: str) -> None:
        self._plain = Inflater(codings)
        self._text = CutText()

    def add(self, chunk: bytes) -> Iterator[None]:
        """Take the next bytes in short steps.

        Raises:
            UndecodedError, BrokenCodingError: as `Inflater.feed`.
        """
        for plain in self._plain.feed(chunk):
            self._text.add(plain)
            yield

    def body(self) -> bytes:
        """The whole body.

        Raises:
            UndecodedError: the body is too large although its strings are cut.
        """
        return self._text.text()


class EventCopy:
    """Keeps the first event of a stream and those for which `keeps` is true; `body` has one line of data for each."""

    def __init__(self, codings: str, keeps: Callable[[bytes], bool]) -> None:
        self._plain = Inflater(codings, EVENTS_AT_ONCE_BYTES, FREE_EVENTS_BYTES)
        self._utf8 = Utf8()
        self._keeps = keeps
        self._rest = b""
        self._kept: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> Iterator[None]:
        """Take the next bytes in short steps. A line that has not ended waits for its rest.

        Raises:
            UndecodedError, BrokenCodingError: as `Inflater.feed`.
        """
        for plain in self._plain.feed(chunk):
            *lines, self._rest = LINE_END.split(self._rest + self._utf8.feed(plain))
            self._rest = self._rest[:EVENT_BYTES]
            for line in lines:
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
