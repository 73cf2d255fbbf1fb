import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.gateway.observe.retries import MOST_TASKS, REMEMBERED_SECONDS, RetryDetector
from monitor.gateway.websocket.frames import FrameReader, agreed_compression

MASKS = st.none() | st.binary(min_size=4, max_size=4)


def frame(payload: bytes, opcode: int, mask: bytes | None, *, final: bool, compressed: bool = False) -> bytes:
    size, flag = len(payload), 0x80 if mask is not None else 0
    head = bytes([(0x80 if final else 0) | (0x40 if compressed else 0) | opcode])
    if size < 126:
        head += bytes([flag | size])
    elif size < 2**16:
        head += bytes([flag | 126]) + size.to_bytes(2)
    else:
        head += bytes([flag | 127]) + size.to_bytes(8)
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


class Messages:
    """What a reader shows, joined by message."""

    def __init__(self, *, deflate: bool = False, fresh: bool = False) -> None:
        self.whole: list[bytes] = []
        self._parts: list[bytes] = []
        self.reader = FrameReader(deflate=deflate, fresh=fresh)

    def feed(self, wire: bytes, step: int) -> None:
        for start in range(0, len(wire), step):
            for piece in self.reader.feed(wire[start : start + step]):
                if piece is not None:
                    self._parts.append(piece)
                else:
                    self.whole.append(b"".join(self._parts))
                    self._parts.clear()


@given(
    st.lists(st.tuples(st.lists(st.binary(max_size=300), min_size=1, max_size=4), MASKS), max_size=5),
    st.integers(1, 80),
)
def test_messages_are_whole_however_they_are_cut_into_frames_and_chunks(
    messages: list[tuple[list[bytes], bytes | None]], step: int
) -> None:
    wire, seen = b"", Messages()
    for parts, mask in messages:
        for index, part in enumerate(parts):
            wire += frame(part, 1 if index == 0 else 0, mask, final=index == len(parts) - 1)
            wire += frame(b"hello", 9, mask, final=True)
    seen.feed(wire, step)
    assert seen.whole == [b"".join(parts) for parts, _ in messages]
    assert not seen.reader.closing


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("step", [1, 13, 10**7])
def test_compressed_messages_are_understood_with_and_without_a_shared_window(fresh: bool, step: int) -> None:
    texts = [b"hello " * 40, b"", b"hello again " * 30_000, bytes(range(256)) * 50, b"hello " * 40]
    packer, wire = zlib.compressobj(wbits=-15), b""
    for text in texts:
        packer = zlib.compressobj(wbits=-15) if fresh else packer
        packed = (packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
        half = len(packed) // 2
        wire += frame(packed[:half], 1, None, final=False, compressed=True) + frame(packed[half:], 0, None, final=True)
    wire += frame(b"plain", 1, None, final=True)
    seen = Messages(deflate=True, fresh=fresh)
    seen.feed(wire, step)
    assert seen.whole == [*texts, b"plain"]


def test_a_close_frame_is_noted_and_is_no_message() -> None:
    seen = Messages()
    seen.feed(frame(b"\x03\xe8bye", 8, None, final=True), 1)
    assert seen.reader.closing
    assert seen.whole == []


@pytest.mark.parametrize("first", [0xC1, 0x91, 0xA1, 0xB8])
def test_an_extension_that_was_not_agreed_on_cannot_be_read(first: int) -> None:
    with pytest.raises(ValueError, match="not agreed"):
        list(Messages().reader.feed(bytes([first, 1, 65])))


@given(st.binary(max_size=400), st.integers(1, 50), st.booleans())
def test_any_bytes_are_read_or_refused(wire: bytes, step: int, deflate: bool) -> None:
    seen = Messages(deflate=deflate)
    try:
        seen.feed(wire, step)
    except (ValueError, zlib.error):
        return
    assert sum(map(len, seen.whole)) <= 1100 * len(wire)


@pytest.mark.parametrize(
    ("header", "deflate", "parameters"),
    [
        ("", False, set()),
        ("permessage-deflate", True, set()),
        ("permessage-deflate; server_no_context_takeover; client_max_window_bits=12", True,
         {"server_no_context_takeover", "client_max_window_bits"}),
    ],
)  # fmt: skip
def test_the_vendors_handshake_tells_the_compression(header: str, deflate: bool, parameters: set[str]) -> None:
    assert agreed_compression(header) == (deflate, parameters)


@pytest.mark.parametrize("header", ["x-webkit-deflate-frame", "permessage-deflate, something-else"])
def test_other_extensions_cannot_be_read(header: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        agreed_compression(header)


def test_a_task_is_repeated_within_an_hour_and_in_its_account_only() -> None:
    retries = RetryDetector()
    assert retries.repeated("a", ("u", "v"), 0.0) == frozenset()
    assert retries.repeated("a", ("u", "w"), 10.0) == {"u"}
    assert retries.repeated("b", ("u",), 20.0) == frozenset()
    assert retries.repeated("a", ("u", "v"), 5.0 + REMEMBERED_SECONDS) == {"u"}


def test_only_the_newest_tasks_are_remembered() -> None:
    retries = RetryDetector()
    retries.repeated("a", ("first",), 0.0)
    retries.repeated("a", tuple(map(str, range(MOST_TASKS))), 1.0)
    assert retries.repeated("a", ("first", str(MOST_TASKS - 1)), 2.0) == {str(MOST_TASKS - 1)}
