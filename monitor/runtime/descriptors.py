"""File descriptors: how many there are, who may use the last ones, and what a shortage looks like.

Each request through the gateway takes two. A new descriptor is always the lowest free one, so one near the limit says
that hardly any are left. The last ones are kept for what must go on: the database, the log, and answers that say what
is wrong.
"""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
from contextlib import suppress

WANTED = 65_536
"""How many to ask for if the system sets no lower limit."""
KEPT_BACK = 32
LAST = 16
"""How many are kept from new requests to a provider, and how many of these from new client connections."""
SHARE = 8
FEWEST, MOST = 16, 512
"""A listener that is not the gateway may use an eighth of all descriptors, within these bounds."""
OWN_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})

AddressInfo = tuple[int, int, int, str, tuple[object, ...]]


def raise_limit() -> None:
    """Raise the process's limit to what the system allows, at most 65,536."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # a system may hold a limit that it does not name
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def limit() -> int:
    """How many this process may open."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return WANTED if soft == resource.RLIM_INFINITY else soft


def most_connections() -> int:
    """How many connections a listener that is not the gateway holds at most."""
    return min(MOST, max(FEWEST, limit() // SHARE))


def left_above(transport: asyncio.BaseTransport) -> int:
    """How many descriptors lie above that of a connection."""
    made = transport.get_extra_info("socket")
    return limit() - 1 - (0 if made is None else made.fileno())


def provider_socket(address: AddressInfo) -> socket.socket:
    """A socket for a connection to a provider.

    Raises:
        OSError: `EMFILE`, also where only descriptors that are kept back are left.
    """
    made = socket.socket(*address[:3])
    if made.fileno() >= limit() - KEPT_BACK:
        made.close()
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    made.setblocking(False)  # noqa: FBT003
    return made


def is_own_shortage(error: BaseException) -> bool:
    """Whether a connection failed because this machine lacks descriptors, memory or ports.

    A failed name resolution, or several addresses that failed for different reasons, do not say why. Then it is tried
    whether a descriptor is free.
    """
    number = getattr(error, "errno", None)
    is_vague = number is None or isinstance(getattr(error, "os_error", error), socket.gaierror)
    return _has_none_left() if is_vague else number in OWN_SHORTAGES


def _has_none_left() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return error.errno in OWN_SHORTAGES
    return False
