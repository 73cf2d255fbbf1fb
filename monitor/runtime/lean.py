"""Memory that is freed and goes back to the system."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

M_MMAP_THRESHOLD = -3  # malloc.h of glibc
LARGE_BLOCK_BYTES = 2**20


def give_back_large_blocks() -> None:
    """Return freed blocks of a mebibyte and more to the system at once, if the C library is glibc.

    Otherwise glibc keeps such blocks once some were freed (mallopt(3), `M_MMAP_THRESHOLD`), in an arena for each
    thread. After a few webhooks of 20 MB that is hundreds of megabytes.
    """
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
