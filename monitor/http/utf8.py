"""Turns JSON text into UTF-8, whatever encoding it was sent in."""

from __future__ import annotations

import json
from codecs import IncrementalDecoder, getincrementaldecoder

LONGEST_MARK = 4
MARKS = b"\0\xef\xfe\xff"


class Utf8:
    """Converts text that streams by to UTF-8 without a byte order mark.

    The first bytes of JSON show its encoding, so that no `charset` is needed (RFC 4627, 3): UTF-8, UTF-16 or UTF-32, in
    either byte order.
    """

    def __init__(self) -> None:
        self._head: bytes | None = b""
        self._decoder: IncrementalDecoder | None = None

    def feed(self, data: bytes) -> bytes:
        """Return the next bytes in UTF-8. The first few wait until the encoding is known."""
        if self._head is not None:
            data = self._begin(self._head + data)
        return data if self._decoder is None else self._decoder.decode(data).encode()

    def _begin(self, head: bytes) -> bytes:
        is_plain = len(head) > 1 and head[0] not in MARKS and head[1] != 0
        if not is_plain and len(head) < LONGEST_MARK:
            self._head = head
            return b""
        self._head = None
        encoding = "utf-8" if is_plain else json.detect_encoding(head)
        if encoding == "utf-8-sig":
            return head[3:]
        if encoding != "utf-8":
            self._decoder = getincrementaldecoder(encoding)("replace")
        return head
