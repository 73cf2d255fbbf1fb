import gzip
import tracemalloc
import zlib

import brotli
import pytest

from monitor.http.body_copies import KEPT_BYTES, ReplyCopy

TEXT = b'{"id":"abc"}' * 100


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def copied(body: bytes, codings: str, chunk: int = 1000) -> bytes:
    copy = ReplyCopy()
    for start in range(0, len(body), chunk):
        copy.add(body[start : start + chunk])
    return copy.body(codings)


@pytest.mark.parametrize(
    ("body", "codings"),
    [
        (TEXT, ""),
        (TEXT, "identity"),
        (gzip.compress(TEXT, mtime=0), "gzip"),
        (gzip.compress(TEXT, mtime=0), "X-GZip"),
        (gzip.compress(TEXT[:50], mtime=0) + gzip.compress(TEXT[50:], mtime=0), "gzip"),
        (zlib.compress(TEXT), "deflate"),
        (raw_deflate(TEXT), "deflate"),
        (brotli.compress(TEXT), "br"),
        (gzip.compress(brotli.compress(TEXT), mtime=0), "br, gzip"),
    ],
)
def test_every_coding_is_undone(body: bytes, codings: str) -> None:
    assert copied(body, codings) == TEXT
    assert copied(b"", codings) == b""


@pytest.mark.parametrize(
    ("body", "codings"),
    [
        (b"not gzip at all", "gzip"),
        (b"x" * 100, "deflate"),
        (b"x" * 100, "br"),
        (TEXT, "made-up"),
        (b"a" * (KEPT_BYTES + 1), ""),
        (gzip.compress(b"a" * (KEPT_BYTES + 1), mtime=0), "gzip"),
        (brotli.compress(b"a" * (KEPT_BYTES + 1)), "br"),
        (gzip.compress(gzip.compress(b"a" * 3 * KEPT_BYTES, mtime=0), mtime=0), "gzip, gzip"),
    ],
)
def test_what_cannot_be_undone_or_is_too_large_is_an_error(body: bytes, codings: str) -> None:
    with pytest.raises(Exception, match=r"\w"):
        copied(body, codings)


@pytest.mark.parametrize("codings", ["", "gzip", "br"])
def test_a_body_of_just_the_size_that_is_kept_is_kept(codings: str) -> None:
    plain = b"a" * KEPT_BYTES
    packed = {"": plain, "gzip": gzip.compress(plain), "br": brotli.compress(plain)}[codings]
    assert copied(packed, codings, chunk=65536) == plain


def test_a_bomb_costs_no_more_than_what_is_kept() -> None:
    bomb = gzip.compress(b"\0" * (200 * 1024 * 1024), compresslevel=1)
    tracemalloc.start()
    with pytest.raises(ValueError, match="too large"):
        copied(bomb, "gzip", chunk=65536)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 1024 * 1024
