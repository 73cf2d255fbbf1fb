"""File descriptors: as many as the system allows, the last of them kept back, and how their lack is told from a fault.

Each request through the gateway takes two. A new descriptor is always the lowest that is free, so one near the limit
says that hardly any are left. The last ones are kept for what must go on: the database, the log, an answer that says
what is wrong.
"""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
from contextlib import suppress

WANTED = 65_536
"""As many as are asked for where the system sets no lower limit."""
KEPT_BACK = 32
LAST = 16
"""How many are kept from new requests to a provider, and of these from new connections of clients."""
SHARE = 8
FEWEST, MOST = 16, 512
"""A listener other than the gateway has an eighth of all for its connections, within these bounds."""
OWN_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})

AddressInfo = tuple[int, int, int, str, tuple[object, ...]]


def raise_limit() -> None:
    """Let the process open as many as the system allows, up to 65,536."""
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
    """How many descriptors there are above that of a connection."""
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
    """Whether an attempt to connect failed for want of descriptors, memory or ports of this machine.

    A name that cannot be resolved for want of a descriptor, and several addresses that failed for different reasons,
    say only that it failed: whether one is free is tried.
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
