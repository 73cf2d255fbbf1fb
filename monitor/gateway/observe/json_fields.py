"""Finds a few values in a JSON document that streams by, holding none of it.

A general JSON parser keeps every string until it ends, and the strings here are base64 of many megabytes. All that is
wanted are short strings at known places, so this scanner runs over everything else at the speed of a regular
expression. It reads JSON only as far as nesting and strings go; what is not JSON gives nothing.
"""

from __future__ import annotations

import re

import msgspec

from monitor.http.utf8 import Utf8

SCANNED_BYTES = 16 * 1024 * 1024
LONGEST_STRING = 1024
# A body made of brackets would cost a step a byte.
MOST_STEPS = 100_000
# Each of many tasks may bring megabytes of its own.
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
    """Looks for JSON strings at dotted paths, best first; `found` holds what has been seen of them.

    `wants_more` turns false when the best has been found, when the document cannot hold it any more, or when enough
    has been scanned.
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
        # The dotted way to the object we are in, None where nothing wanted can be.
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
        """Read one token, or what there is of it; give the position after it."""
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

    def _keep_rest(self, data: bytes, start: int) -> int:  # noqa: ARG002 - for who reads numbers
        """Run out of bytes outside of strings, which matter where numbers do."""
        return len(data)

    def _plain(self, data: bytes, start: int, end: int) -> None:
        """Pass what is neither string nor structure."""

    def _skip_string(self, data: bytes, position: int) -> int:
        end = _end(STRING_REST, data, position)
        if data[end : end + 1] == b"\\":
            self._rest = data[end:]
            return len(data)
        self._in_string = end == len(data)
        return end + 1

    def _string(self, data: bytes, start: int) -> int:
        """Read the string that begins at `start`, if it is a key or wanted; else step into it."""
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
        """A key, or the value of a wanted field."""
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
        """Enter a container; only an object on the way to a wanted field is looked into."""
        is_document = len(self._opened) == self._document_depth
        inner = "" if is_document else f"{self._way}{self._key}."
        leads = is_object and (is_document or (self._way is not None and inner in self._ways))
        self._opened.append(self._way)
        self._way = inner if leads else None
        self._awaits_key = leads


class ItemScanner(FieldScanner):
    """Looks for the fields in every object of an array, or in the one object that a document is; gives them in `items`.

    Besides strings it takes numbers and truths, as JSON writes them. Of a field whose name ends in `?` it holds `true`
    in place of any string that is not empty. Of an array it holds the first thousand objects.
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
    """The text of a JSON string; empty where it is broken."""
    try:
        return msgspec.json.decode(string, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
