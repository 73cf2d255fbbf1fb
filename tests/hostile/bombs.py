"""Small bodies that stand for large ones, and frames."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import brotli
from backports import zstd

MIB = 2**20


def _brotli(piece: bytes, times: int) -> bytes:
    packer = brotli.Compressor(quality=1)
    return b"".join(packer.process(piece) for _ in range(times)) + packer.finish()


def _zstd(piece: bytes, times: int) -> bytes:
    packer = zstd.ZstdCompressor()
    return b"".join(packer.compress(piece) for _ in range(times)) + packer.flush()


def _zlib(bits: int) -> Callable[[bytes, int], bytes]:
    def packed(piece: bytes, times: int) -> bytes:
        packer = zlib.compressobj(wbits=bits)
        return b"".join(packer.compress(piece) for _ in range(times)) + packer.flush()

    return packed


def _twice(piece: bytes, times: int) -> bytes:
    return gzip.compress(_zlib(31)(piece, times))


PACKERS: dict[str, tuple[str, Callable[[bytes, int], bytes]]] = {
    "gzip": ("gzip", _zlib(31)),
    "members": ("gzip", lambda piece, times: gzip.compress(piece) * times),
    "deflate": ("deflate", _zlib(15)),
    "br": ("br", _brotli),
    "zstd": ("zstd", _zstd),
    "twice": ("gzip, gzip", _twice),
}
"""By name: a `Content-Encoding`, and what packs a piece so many times over."""

SMALL_PIECES: dict[str, bytes] = {
    "zeros": bytes(MIB),
    "lines": b"\n" * MIB,
    "events": b"data:\n" * (MIB // 6),
    "brackets": b"[" * MIB,
    "quotes": b'"' * MIB,
    "objects": b'{"a":"b"},' * (MIB // 10),
    "escapes": rb'"\n\u0041\ud83d",' * (MIB // 17),
    "digits": b"1" * MIB,
}
"""A mebibyte each of what costs a reader most for its size."""


def frame(payload: bytes, opcode: int = 1, *, first: int = 0x80, masked: bool = True) -> bytes:
    """A frame, whose mask changes nothing; `first` holds its first bits."""
    flag, size = 0x80 if masked else 0, len(payload)
    length = bytes([flag | size]) if size < 126 else bytes([flag | 127]) + size.to_bytes(8)
    return bytes([first | opcode]) + length + (bytes(4) if masked else b"") + payload


def deflated(piece: bytes, times: int) -> bytes:
    """A message of a compressed WebSocket."""
    packer = zlib.compressobj(wbits=-15)
    packed = b"".join(packer.compress(piece) for _ in range(times))
    return (packed + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
