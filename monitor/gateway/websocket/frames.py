"""Reads WebSocket frames that stream by (RFC 6455, and RFC 7692 for compression), holding no message of them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

from monitor.http.inflate import FREE_BYTES, MOST_TIMES, STEP_BYTES, UndecodedError

CONTINUATION, CLOSE = 0x0, 0x8
FINAL, COMPRESSED, OTHER_RESERVED, MASKED = 0x80, 0x40, 0x30, 0x80
OPCODE, LENGTH = 0x0F, 0x7F
LENGTH_BYTES = {126: 2, 127: 8}
MASK_BYTES = 4
SMALLEST_HEAD = 2
MESSAGE_TAIL = b"\x00\x00\xff\xff"
DEFLATE = "permessage-deflate"


class FrameReader:
    """Shows the data of every message to `see`, piece by piece, and calls `end` after the last of them.

    `deflate` says that compression was agreed on, `fresh` that each message is compressed for itself. A message may
    inflate to 64 MiB and 16 times its bytes. `closing` turns true with a close frame.
    """

    def __init__(self, see: Callable[[bytes], None], end: Callable[[], None], *, deflate: bool, fresh: bool) -> None:
        self._see = see
        self._end = end
        self._deflate = deflate
        self._fresh = fresh
        self._head = bytearray()
        self._opcode = 0
        self._is_final = True
        self._is_compressed = False
        self._mask = b""
        self._read = 0
        self._left = 0
        self._inflater: zlib._Decompress | None = None
        self._room = 0
        self.closing = False

    def feed(self, data: bytes) -> Iterator[None]:
        """Read the next bytes of the connection, in short steps.

        Raises:
            ValueError: they are no frames that were agreed on.
            UndecodedError: a message grows out of proportion.
            zlib.error: they are compressed wrongly.
        """
        position = 0
        while position < len(data):
            if self._left:
                end = min(len(data), position + min(self._left, STEP_BYTES))
                yield from self._payload(data[position:end])
            else:
                end = position + self._missing()
                self._head += data[position:end]
                if not self._missing():
                    yield from self._begin()
            position = end
            yield

    def _missing(self) -> int:
        """How many bytes the frame's head still lacks, as far as can be told."""
        head = self._head
        if len(head) < SMALLEST_HEAD:
            return SMALLEST_HEAD - len(head)
        mask = MASK_BYTES if head[1] & MASKED else 0
        return SMALLEST_HEAD + LENGTH_BYTES.get(head[1] & LENGTH, 0) + mask - len(head)

    def _begin(self) -> Iterator[None]:
        """Take the frame's head; a frame without payload ends with it."""
        first, second = self._head[0], self._head[1]
        extended = LENGTH_BYTES.get(second & LENGTH, 0)
        start = SMALLEST_HEAD + extended
        self._left = int.from_bytes(self._head[SMALLEST_HEAD:start]) if extended else second & LENGTH
        self._mask = bytes(self._head[start:])
        self._head.clear()
        self._read = 0
        self._opcode, self._is_final = first & OPCODE, bool(first & FINAL)
        self.closing = self.closing or self._opcode == CLOSE
        if self._opcode < CLOSE and self._opcode != CONTINUATION:
            self._is_compressed = bool(first & COMPRESSED)
            self._room = FREE_BYTES
        if first & OTHER_RESERVED or (first & COMPRESSED and not self._deflate):
            raise ValueError("a frame of an extension that was not agreed on")
        if not self._left:
            yield from self._frame_ended()

    def _payload(self, data: bytes) -> Iterator[None]:
        self._left -= len(data)
        if self._opcode < CLOSE:
            plain = _unmasked(data, self._mask, self._read) if self._mask else data
            if self._is_compressed:
                yield from self._inflate(plain)
            else:
                self._see(plain)
        self._read += len(data)
        if not self._left:
            yield from self._frame_ended()

    def _frame_ended(self) -> Iterator[None]:
        """The frame is over, and with the last one of a message the message."""
        if self._opcode >= CLOSE or not self._is_final:
            return
        if self._is_compressed:
            yield from self._inflate(MESSAGE_TAIL)
            if self._fresh:
                self._inflater = None
        self._end()

    def _inflate(self, data: bytes) -> Iterator[None]:
        if self._inflater is None:
            self._inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        self._room += MOST_TIMES * len(data)
        plain = None
        while data or (plain and len(plain) == STEP_BYTES):
            plain = self._inflater.decompress(data, STEP_BYTES)
            self._room -= len(plain)
            if self._room < 0:
                raise UndecodedError("a message grows out of proportion")
            self._see(plain)
            data = self._inflater.unconsumed_tail
            yield


def agreed_compression(extensions: str) -> tuple[bool, frozenset[str]]:
    """Whether the vendor's `Sec-WebSocket-Extensions` agrees to compression, and the parameters.

    Raises:
        ValueError: it agrees to something else.
    """
    offers = [offer for offer in extensions.split(",") if offer.strip()]
    if not offers:
        return False, frozenset()
    name, *parameters = (part.strip() for part in offers[0].split(";"))
    if len(offers) > 1 or name != DEFLATE:
        raise ValueError("an extension that cannot be read")
    return True, frozenset(parameter.partition("=")[0].strip() for parameter in parameters)


def _unmasked(data: bytes, mask: bytes, offset: int) -> bytes:
    turn = offset % MASK_BYTES
    key = (mask[turn:] + mask[:turn]) * (len(data) // MASK_BYTES + 1)
    return (int.from_bytes(data, "little") ^ int.from_bytes(key[: len(data)], "little")).to_bytes(len(data), "little")
