"""Which processor a thread runs on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROCESSOR = 36
"""Where proc(5)'s `stat` of a thread has the processor it ran on last, counted from behind the thread's name."""


@contextmanager
def apart_from(thread: int) -> Iterator[None]:
    """Keep the calling thread off the processor of `thread`, a native id, which stays there meanwhile.

    Two threads that hand the interpreter to and fro wake each other up, and Linux likes to put the one that wakes where
    the other runs: there it waits for a time slice, which is milliseconds. On one processor, or on a system that lets
    nobody choose, this does nothing.
    """
    moves = _moves(thread)
    for who, where, _ in moves:
        _confine(who, where)
    try:
        yield
    finally:
        for who, _, before in moves:
            _confine(who, before)


def _moves(thread: int) -> list[tuple[int, set[int], set[int]]]:
    """Which thread is to be confined to which processors, and what it was confined to before."""
    if sys.platform != "linux":
        return []
    try:
        theirs, ours = os.sched_getaffinity(thread), os.sched_getaffinity(0)
        stat = Path(f"/proc/self/task/{thread}/stat").read_bytes()
    except OSError:
        return []
    current = int(stat.rpartition(b")")[2].split()[PROCESSOR])
    if theirs == {current} or not ours - {current}:
        return []
    return [(thread, {current}, theirs), (0, ours - {current}, ours)]


def _confine(thread: int, processors: set[int]) -> None:
    if sys.platform == "linux":
        # Whoever runs the program may have taken a processor away meanwhile.
        with suppress(OSError):
            os.sched_setaffinity(thread, processors)
