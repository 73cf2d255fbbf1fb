"""Which processor a thread runs on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

PROCESSOR = 36
"""Where proc(5)'s `stat` of a thread has the processor it ran on last, counted from behind the thread's name."""


@contextmanager
def apart_from(thread: int) -> Iterator[None]:
    """Keep the calling thread off the processor of `thread`, a native id, which stays there meanwhile.

    Two threads that hand the interpreter to and fro wake each other up, and Linux likes to put the one that wakes where
    the other runs: there it waits for a time slice, which is milliseconds. On one processor, or on a system that lets
    nobody choose, this does nothing; it never fails.
    """
    moves = _moves(thread)
    if not moves:
        yield
        return
    before = _threads()
    try:
        for move in moves:
            _confine(move.thread, move.to)
        yield
    finally:
        for move in moves:
            _confine(move.thread, move.was)
        for newcomer in _threads() - before:
            # It began as confined as the thread that began it.
            _confine(newcomer, moves[0].was)


class _Move(NamedTuple):
    """A thread, the processors it is confined to meanwhile, and those that it may use before and afterwards."""

    thread: int
    to: set[int]
    was: set[int]


def _moves(thread: int) -> list[_Move]:
    if sys.platform != "linux":
        return []
    try:
        theirs, ours = os.sched_getaffinity(thread), os.sched_getaffinity(0)
        stat = Path(f"/proc/self/task/{thread}/stat").read_bytes()
        current = int(stat.rpartition(b")")[2].split()[PROCESSOR])
    except (OSError, IndexError, ValueError):
        return []
    if current not in theirs or theirs == {current} or not ours - {current}:
        return []
    return [_Move(thread, {current}, theirs), _Move(0, ours - {current}, ours)]


def _threads() -> set[int]:
    """Every thread of the process; none where there is no file descriptor left to look with."""
    with suppress(OSError):
        return {int(name) for name in os.listdir("/proc/self/task")}
    return set()


def _confine(thread: int, processors: set[int]) -> None:
    if sys.platform == "linux":
        # Whoever runs the program may have taken a processor away meanwhile, and a thread may be gone.
        with suppress(OSError):
            os.sched_setaffinity(thread, processors)
