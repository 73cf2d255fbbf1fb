"""Finds a few values in a JSON document that streams by, and holds nothing else of it.

A general JSON parser keeps each string until it ends, and strings here may be many megabytes of base64. The wanted
values are short strings at known places, so the scanner runs over everything else at the speed of a regular expression.
It understands only nesting and strings. A document that is not JSON yields nothing.
"""

from __future__ import annotations

import re

import msgspec

from monitor.http.utf8 import Utf8

SCANNED_BYTES = 16 * 1024 * 1024
LONGEST_STRING = 1024
# Each byte of a body of brackets costs a step.
MOST_STEPS = 100_000
# A message may carry many tasks, each with megabytes of media.
SCANNED_ITEM_BYTES = 256 * 1024 * 1024
LONGEST_ITEM_STRING = 256
MOST_ITEMS = 1000
MOST_ITEM_STEPS = 300_000
PRESENCE = "?"

WHITESPACE = b" \t\r\n"
QUOTE, COMMA, OPEN_OBJECT, OPEN_ARRAY = b'",{['
SCALAR = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*(-?[0-9][0-9.eE+-]{0,30}|true|false)[ \t\r\n]*")
STRING_REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
TO_TOKEN = re.compile(rb'[^"{}\[\],]*+')
TO_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)


class FieldScanner:
    """Looks for JSON strings at dotted paths, best first. `found` holds those seen so far.

    `wants_more` turns false once the best is found, the document cannot hold it any more, or enough is scanned.
    """

    longest_string = LONGEST_STRING

    def __init__(self, fields: tuple[str, ...]) -> None:
        self._fields = frozenset(fields)
        self._best = fields[0]
        self._ways = frozenset(field[: dot + 1] for field in fields for dot, char in enumerate(field) if char == ".")
        self.found: dict[str, str] = {}
        self.wants_more = True
        self._utf8 = Utf8()
        self._unscanned = SCANNED_BYTES
        self._steps = MOST_STEPS
        self._rest = b""
        self._opened: list[str | None] = []
        # The dotted path to the present object, None if nothing wanted can be in it.
        self._way: str | None = None
        self._key = ""
        self._awaits_key = False
        self._in_string = False
        self._roots = frozenset({b"", b"{"})
        self._document_depth = 0

    def feed(self, chunk: bytes) -> None:
        """Scan the next bytes of the document."""
        chunk = self._utf8.feed(chunk)
        data = self._rest + chunk[: self._unscanned]
        self._unscanned -= len(chunk)
        self._rest = b""
        position = 0
        if not self._opened:
            data = data.lstrip(WHITESPACE)
            self.wants_more = data[:1] in self._roots
        while position < len(data) and self.wants_more:
            position = self._step(data, position)
            self._steps -= 1
            self.wants_more &= self._steps > 0
        self.wants_more &= self._unscanned > 0

    def _step(self, data: bytes, start: int) -> int:
        """Read one token, or the part of it that has come, and return the position after it."""
        if self._in_string:
            return self._skip_string(data, start)
        position = _end(TO_BRACKET if self._way is None else TO_TOKEN, data, start)
        if position == len(data):
            return self._keep_rest(data, start)
        self._plain(data, start, position)
        token = data[position]
        if token == QUOTE:
            return self._string(data, position + 1)
        self._structure(token)
        return position + 1

    def _keep_rest(self, data: bytes, start: int) -> int:  # noqa: ARG002 - a subclass reads numbers
        """Skip the rest, which holds no string."""
        return len(data)

    def _plain(self, data: bytes, start: int, end: int) -> None:
        """Skip bytes that are neither string nor structure."""

    def _skip_string(self, data: bytes, position: int) -> int:
        end = _end(STRING_REST, data, position)
        if data[end : end + 1] == b"\\":
            self._rest = data[end:]
            return len(data)
        self._in_string = end == len(data)
        return end + 1

    def _string(self, data: bytes, start: int) -> int:
        """Read the string that begins at `start` if it is a key or wanted; else begin to skip it."""
        if not self._awaits_key and not self._is_wanted():
            self._in_string = True
            return start
        end = _end(STRING_REST, data, start)
        if end - start > self.longest_string:
            self._take("")
            self._in_string = True
            return start
        if data[end : end + 1] != b'"':
            self._rest = data[start - 1 :]
            return len(data)
        self._take(_decoded(data[start - 1 : end + 1]))
        return end + 1

    def _is_wanted(self) -> bool:
        return self._way is not None and self._way + self._key in self._fields

    def _take(self, text: str) -> None:
        """Take a key, or the value of a wanted field."""
        if self._awaits_key:
            self._key = "" if "." in text else text
            self._awaits_key = False
        elif text and self._way is not None:
            self.found[self._way + self._key] = text
            self.wants_more = self._best not in self.found

    def _structure(self, token: int) -> None:
        if token == COMMA:
            self._awaits_key = self._way is not None
        elif token in {OPEN_OBJECT, OPEN_ARRAY}:
            self._open(is_object=token == OPEN_OBJECT)
        else:
            self._way = self._opened.pop()
            self._awaits_key = False
            self.wants_more = bool(self._opened)

    def _open(self, *, is_object: bool) -> None:
        """Enter a container. Only an object on the path to a wanted field is looked into."""
        is_document = len(self._opened) == self._document_depth
        inner = "" if is_document else f"{self._way}{self._key}."
        leads = is_object and (is_document or (self._way is not None and inner in self._ways))
        self._opened.append(self._way)
        self._way = inner if leads else None
        self._awaits_key = leads


class ItemScanner(FieldScanner):
    """Looks for the fields in each object of an array, or in a document that is one object. `items` holds them.

    It takes numbers and booleans too, as JSON writes them. For a field whose name ends in `?` it holds `true` instead
    of any non-empty string. It reads the first thousand objects of an array.
    """

    longest_string = LONGEST_ITEM_STRING

    def __init__(self, fields: tuple[str, ...]) -> None:
        super().__init__(tuple(field.removesuffix(PRESENCE) for field in fields))
        self._secret = frozenset(field.removesuffix(PRESENCE) for field in fields if field.endswith(PRESENCE))
        self.items: list[dict[str, str]] = []
        self._roots = frozenset({b"", b"{", b"["})
        self._unscanned = SCANNED_ITEM_BYTES
        self._steps = MOST_ITEM_STEPS

    def _keep_rest(self, data: bytes, start: int) -> int:
        if self._way is not None and not self._awaits_key and len(data) - start <= LONGEST_ITEM_STRING:
            self._rest = data[start:]
        return len(data)

    def _plain(self, data: bytes, start: int, end: int) -> None:
        if start < end and not self._awaits_key and self._is_wanted():
            scalar = SCALAR.fullmatch(data, start, end)
            if scalar:
                self._take(scalar[1].decode())

    def _string(self, data: bytes, start: int) -> int:
        is_secret = not self._awaits_key and self._way is not None and self._way + self._key in self._secret
        if not is_secret:
            return super()._string(data, start)
        if start == len(data):
            self._rest = data[start - 1 :]
            return start
        if data[start] != QUOTE:
            self._take("true")
        self._in_string = True
        return start

    def _take(self, text: str) -> None:
        super()._take(text)
        self.wants_more = True

    def _open(self, *, is_object: bool) -> None:
        if not self._opened:
            self._document_depth = 0 if is_object else 1
        if is_object and len(self._opened) == self._document_depth:
            self.found = {}
            self.items.append(self.found)
            self.wants_more = len(self.items) < MOST_ITEMS
        super()._open(is_object=is_object)


def _end(pattern: re.Pattern[bytes], data: bytes, position: int) -> int:
    match = pattern.match(data, position)
    return match.end() if match else position


def _decoded(string: bytes) -> str:
    """The text of a JSON string, empty if it is malformed."""
    try:
        return msgspec.json.decode(string, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
