"""Reading what the user names, a file or a pipe, within bounds of time and size."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path

CHUNK_BYTES = 64 * 1024
LONGEST_WAIT_SECONDS = 10.0


class TooLongError(ValueError):
    """There is more to read than the limit allows."""


def read_file(path: Path, most_bytes: int) -> bytes:
    """Everything in the file, or what a pipe of that name yields within ten seconds.

    Raises:
        OSError: it cannot be read, or is a folder; a `TimeoutError` where a pipe does not end in time.
        TooLongError: it holds more than `most_bytes`.
        ValueError: no file can have this name.
    """
    # A pipe that nobody writes to would hold up an opening that waits.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return read_descriptor(descriptor, most_bytes, LONGEST_WAIT_SECONDS)
    finally:
        os.close(descriptor)


def read_descriptor(descriptor: int, most_bytes: int, seconds: float) -> bytes:
    """What comes until the end of a file or pipe.

    Raises:
        OSError: it cannot be read; a `TimeoutError` where the end does not come within `seconds`.
        TooLongError: more than `most_bytes` come.
    """
    until = time.monotonic() + seconds
    ready = select.poll()
    ready.register(descriptor, select.POLLIN)
    content = bytearray()
    while len(content) <= most_bytes:
        if not ready.poll(max(0.0, until - time.monotonic()) * 1000):
            raise TimeoutError(0, f"nothing more came within {seconds:g} s")
        chunk = os.read(descriptor, CHUNK_BYTES)
        if not chunk:
            return bytes(content)
        content += chunk
    raise TooLongError(f"more than {most_bytes} bytes")
