"""Reads WebSocket frames as they stream by (RFC 6455, and RFC 7692 for compression), and holds no message.

A frame is a head of 2 to 14 bytes and a payload. The head says whether the frame is the last of its message, whether
the message is compressed, how long the payload is and with which four bytes it is masked. A client masks its frames, a
server does not. Control frames (close, ping, pong) may stand between the frames of a message.

`FrameReader` keeps only the bytes of an unfinished head; payloads leave it in pieces of 8 KiB, so that neither a
message of a gigabyte nor one compressed a thousandfold costs memory or a long step. A compressed message ends with four
bytes that its sender left out. Unless a side promised to start each message with an empty window, one message may refer
to the text of those before it, so that one inflater serves them all: a message that cannot be inflated makes the rest
of that direction unreadable.

The reader does not check what it does not need, such as UTF-8 or the shortest form of a length: the peer decides what
is wrong, and the bytes pass either way.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

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
    """Reads the frames of one direction.

    `deflate` says that the handshake agreed on compression, `fresh` that each message is compressed for itself. A
    message may inflate to 64 MiB and 16 times its bytes. `closing` turns true with a close frame.
    """

    def __init__(self, *, deflate: bool, fresh: bool) -> None:
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

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """Read the next bytes of the connection in short steps.

        Each step yields a piece of the present message, which may be empty, or None when the message is complete.

        Raises:
            ValueError: the bytes are not frames that were agreed on.
            UndecodedError: a message grows out of proportion.
            zlib.error: a message is not compressed as it says.
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
                yield b""
            position = end

    def _missing(self) -> int:
        """How many bytes the head is known to lack."""
        head = self._head
        if len(head) < SMALLEST_HEAD:
            return SMALLEST_HEAD - len(head)
        mask = MASK_BYTES if head[1] & MASKED else 0
        return SMALLEST_HEAD + LENGTH_BYTES.get(head[1] & LENGTH, 0) + mask - len(head)

    def _begin(self) -> Iterator[bytes | None]:
        """Take the complete head. A frame without payload ends with it."""
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

    def _payload(self, data: bytes) -> Iterator[bytes | None]:
        self._left -= len(data)
        if self._opcode >= CLOSE:
            yield b""
        else:
            plain = _unmasked(data, self._mask, self._read) if self._mask else data
            if self._is_compressed:
                yield from self._inflate(plain)
            else:
                yield plain
        self._read += len(data)
        if not self._left:
            yield from self._frame_ended()

    def _frame_ended(self) -> Iterator[bytes | None]:
        """Complete the message if this was its last frame."""
        if self._opcode >= CLOSE or not self._is_final:
            return
        if self._is_compressed:
            yield from self._inflate(MESSAGE_TAIL)
            if self._fresh:
                self._inflater = None
        yield None

    def _inflate(self, data: bytes) -> Iterator[bytes]:
        if self._inflater is None:
            self._inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        self._room += MOST_TIMES * len(data)
        plain = None
        while data or (plain and len(plain) == STEP_BYTES):
            plain = self._inflater.decompress(data, STEP_BYTES)
            self._room -= len(plain)
            if self._room < 0:
                raise UndecodedError("a message grows out of proportion")
            data = self._inflater.unconsumed_tail
            yield plain


def agreed_compression(extensions: str) -> tuple[bool, frozenset[str]]:
    """Whether the provider's `Sec-WebSocket-Extensions` agrees to compression, and the parameters.

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
    """Undo the mask of bytes that begin `offset` bytes into the payload, all at once as two long integers."""
    turn = offset % MASK_BYTES
    key = (mask[turn:] + mask[:turn]) * (len(data) // MASK_BYTES + 1)
    return (int.from_bytes(data, "little") ^ int.from_bytes(key[: len(data)], "little")).to_bytes(len(data), "little")
