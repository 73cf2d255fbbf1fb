"""The files of a SQLite database: where they are, who may read them, and that one daemon has them to itself.

A daemon claims a database by a lock of the kernel on one byte far behind its end, where SQLite never looks. The lock
belongs to the file, whatever name or link led to it, and ends with the process. It is a lock of the open file
description, so SQLite does not release it when it closes a connection.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
from contextlib import suppress
from pathlib import Path

from platformdirs import user_state_path

from monitor.errors import StoreError, StoreInUseError

DEFAULT_NAME = "monitor.db"
CLAIMED_BYTE = 1 << 62
PRIVATE = 0o600
LOCK = getattr(fcntl, "F_OFD_SETLK", None)  # Linux has it
# What fcntl says of a lock that another holds.
HELD = frozenset({errno.EAGAIN, errno.EACCES})

Identity = tuple[int, ...]


def state_folder() -> Path:
    """The platform's folder for a user's program state.

    Raises:
        StoreError: the user has none.
    """
    folder = user_state_path("genmedia-monitor")
    if not folder.is_absolute():
        raise StoreError("store: this user has no home directory: set store to sqlite:///FILE or a PostgreSQL URL")
    return folder


def default_file() -> Path:
    """The database if the configuration names none: one in the working directory, else in the user's state folder.

    Raises:
        StoreError: the user has no folder for it.
    """
    here = Path.cwd() / DEFAULT_NAME
    return here if here.exists() else state_folder() / DEFAULT_NAME


class Files:
    """The database file at `path`, with the write-ahead log and the index that SQLite keeps beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def prepare(self) -> None:
        """Create the file if there is none, and let only its owner read it.

        Raises:
            StoreError: its folder does not exist.
            OSError: it cannot be created.
        """
        with suppress(StoreError):
            if self.path.parent == state_folder():
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.path.parent.is_dir():
            raise StoreError(f"store {self.path}: the folder does not exist: create it")
        main, *beside = self._all()
        with suppress(FileExistsError):
            os.close(os.open(main, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE))
        for file in (main, *beside):
            with suppress(OSError):  # not there, or another's
                mode = file.stat().st_mode
                if stat.S_ISREG(mode) and mode & 0o077:
                    file.chmod(PRIVATE)

    def claim(self) -> None:
        """Claim the file until `release`. Does nothing if it is claimed already, or does not exist.

        Raises:
            StoreInUseError: another daemon has it.
            OSError: it cannot be opened for writing.
        """
        if LOCK is None or not self.path.exists() or self._is_claimed():
            return
        descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.fcntl(descriptor, LOCK, struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, CLAIMED_BYTE, 1, 0))
        except OSError as error:
            if error.errno in HELD:
                os.close(descriptor)
                fault = "another genmedia-monitor uses it: stop that one, or give this one a store of its own"
                raise StoreInUseError(f"store {self.path}: {fault}") from None
            # The file system has no such locks: nothing can be claimed there.
        self.release()
        self._descriptor = descriptor

    def release(self) -> None:
        """Give up the claim. No connection to the file may be in use, since closing a file ends SQLite's own locks."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def identity(self) -> Identity:
        """The inodes of the files, 0 for a missing one. They change when a file is removed or replaced."""
        return tuple(_inode(file) for file in self._all())

    def _is_claimed(self) -> bool:
        return self._descriptor is not None and os.fstat(self._descriptor).st_ino == _inode(self.path)

    def _all(self) -> tuple[Path, Path, Path]:
        main = os.path.realpath(self.path)  # where SQLite puts the others, too
        return Path(main), Path(f"{main}-wal"), Path(f"{main}-shm")


def _inode(file: Path) -> int:
    try:
        return file.stat().st_ino
    except OSError:
        return 0
