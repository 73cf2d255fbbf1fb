"""Memory that is never used and need not be taken."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

M_MMAP_THRESHOLD = -3  # malloc.h of glibc
LARGE_BLOCK_BYTES = 2**20


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """Hide these modules from imports inside the block.

    structlog and httpx load Rich and Pygments if they are installed, for tracebacks and a command line that the daemon
    never shows. That is 7 MiB.
    """
    hidden = {name: sys.modules.pop(name, None) for name in modules}
    sys.modules.update(dict.fromkeys(modules))  # type: ignore[arg-type]  # None: an import fails
    try:
        yield
    finally:
        for name, module in hidden.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module


def give_back_large_blocks() -> None:
    """Return freed blocks of a mebibyte and more to the system at once, if the C library is glibc.

    Otherwise glibc keeps such blocks once some were freed (mallopt(3), `M_MMAP_THRESHOLD`), in an arena for each
    thread. After a few webhooks of 20 MB that is hundreds of megabytes.
    """
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
