import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
from aiohttp.compression_utils import ZSTDDecompressor
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from monitor.http.inflate import AT_ONCE_BYTES, FREE_BYTES, STEP_BYTES, BrokenCodingError, Inflater, UndecodedError
from monitor.http.utf8 import Utf8

MIB = 1024 * 1024
TEXT = b'{"id":"abc"}' * 100


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "X-Gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "br": brotli.compress,
    "ZSTD": zstd.compress,
    "identity": bytes,
}


def inflated(body: bytes, codings: str, chunk: int = 1000) -> bytes:
    inflater = Inflater(codings)
    parts = (body[start : start + chunk] for start in range(0, len(body), chunk))
    return b"".join(plain for part in parts for plain in inflater.feed(part))


@pytest.mark.parametrize("chunk", [1, 7, 1000])
@pytest.mark.parametrize("coding", PACKERS)
def test_every_coding_is_undone_however_it_is_cut(coding: str, chunk: int) -> None:
    packed = PACKERS[coding](TEXT)
    assert inflated(packed, coding, chunk) == TEXT
    assert inflated(packed, f" identity ,, {coding}", chunk) == TEXT
    assert inflated(gzip.compress(packed), f"{coding}, gzip", chunk) == TEXT
    assert inflated(brotli.compress(gzip.compress(packed)), f"{coding},GZIP, br", chunk) == TEXT


@pytest.mark.parametrize("coding", ["gzip", "ZSTD"])
def test_several_members_are_one_body(coding: str) -> None:
    packed = b"".join(PACKERS[coding](part) for part in (TEXT[:50], b"", TEXT[50:]))
    for chunk in (1, 1000):
        assert inflated(packed, coding, chunk) == TEXT


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_bytes_that_are_not_in_their_coding_are_broken(coding: str) -> None:
    with pytest.raises(BrokenCodingError):
        inflated(b"\xff" * 5000, coding)


@pytest.mark.parametrize("codings", ["made-up", "gzip, compress", ", ".join(["gzip"] * 5)])
def test_what_is_not_known_is_left_unread(codings: str) -> None:
    with pytest.raises(UndecodedError):
        inflated(b"\x1f\x8b" * 100, codings)


def test_a_gigabyte_of_zeros_is_never_made() -> None:
    packer, zeros = brotli.Compressor(quality=1), bytes(64 * MIB)
    bombs = {"br": b"".join(packer.process(zeros) for _ in range(16)) + packer.finish(), "gzip, gzip": b""}
    bombs["gzip, gzip"] = gzip.compress(gzip.compress(bytes(256 * MIB), 1), 1)
    bombs["zstd"] = zstd.compress(bytes(256 * MIB))
    for codings, bomb in bombs.items():
        tracemalloc.start()
        sizes: list[int] = []
        with pytest.raises(UndecodedError):
            sizes.extend(len(plain) for plain in Inflater(codings).feed(bomb))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert sum(sizes) <= AT_ONCE_BYTES
        assert max(sizes, default=0) <= 2 * STEP_BYTES
        assert peak < 2 * MIB + 4 * len(bomb)


def test_a_body_of_many_small_bombs_is_given_up_too() -> None:
    packer = zlib.compressobj(wbits=31)
    piece = bytes(4 * MIB)
    parts = [packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for _ in range(40)]
    inflater, sizes = Inflater("gzip"), []
    with pytest.raises(UndecodedError):
        sizes.extend(len(plain) for part in parts for plain in inflater.feed(part))
    assert FREE_BYTES < sum(sizes) <= FREE_BYTES + 16 * sum(map(len, parts))


def test_what_grows_little_may_be_of_any_size() -> None:
    media = bytes(range(256)) * 4096
    packer, inflater, made = zlib.compressobj(wbits=31, level=0), Inflater("gzip"), 0
    for _ in range(100):
        made += sum(map(len, inflater.feed(packer.compress(media) + packer.flush(zlib.Z_SYNC_FLUSH))))
    assert made == 100 * MIB


def test_the_library_still_limits_what_one_step_makes() -> None:
    assert len(ZSTDDecompressor().decompress_sync(zstd.compress(bytes(MIB)), STEP_BYTES)) <= STEP_BYTES


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]


@given(st.text(st.characters(codec="utf-8"), max_size=30), st.sampled_from(ENCODINGS), st.integers(1, 9), st.booleans())
def test_json_is_utf_8_whatever_it_was_sent_in(text: str, encoding: str, chunk: int, marked: bool) -> None:
    document = f'{{"a":"{text}"}}'
    mark = "\ufeff" if marked and encoding not in {"utf-8-sig", "utf-16", "utf-32"} else ""
    body, utf8 = (mark + document).encode(encoding), Utf8()
    parts = (body[start : start + chunk] for start in range(0, len(body), chunk))
    assert b"".join(utf8.feed(part) for part in parts) == document.encode()


def test_bytes_that_are_no_text_pass_as_they_are_or_are_replaced() -> None:
    assert Utf8().feed(b'{"a":"\xff"}') == b'{"a":"\xff"}'
    assert b"{" in Utf8().feed(b'\xff\xfe{\0"\0\0\xd8x\0')
