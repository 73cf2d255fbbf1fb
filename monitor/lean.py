"""Imports that would bring along more than is used."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """Let imports inside the block believe that these modules are not installed.

    structlog and httpx load Rich and Pygments where they find them, for tracebacks and a command line that the daemon
    never shows: 7 MiB.
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
