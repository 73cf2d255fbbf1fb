"""Recognises requests that a web page makes a browser send.

A page may send requests to any address, loopback included. With DNS rebinding, when the page's own host name comes to
mean this machine, it may read the replies too. Programs send none of the headers that are examined here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import ip_address

FOREIGN_SITES = frozenset({"cross-site", "same-site"})
TYPED = "none"
ANY_ORIGIN = "*"


def is_known_host(host: str | None, allowed: Collection[str]) -> bool:
    """Whether a `Host` header names an address, `localhost` or an allowed name, none of which others can rebind."""
    name = _name(host or "")
    return name in {"", "localhost"} or name in allowed or _is_address(name)


def may_read(headers: Mapping[str, str]) -> bool:
    """Whether a request that only reads comes from a program, the user, or a link that the user followed."""
    if "Origin" in headers:
        return False
    follows_link = headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
    return follows_link or headers.get("Sec-Fetch-Site") not in FOREIGN_SITES


def may_pass(headers: Mapping[str, str], origins: Collection[str], hosts: Collection[str]) -> bool:
    """Whether a request comes from a program or the user, or from a page whose origin is among `origins`.

    Programs reach a gateway by any host name, so a strange one counts only if the other headers are a browser's. Over
    plain HTTP to such a name, browsers send neither `Origin` with a GET nor `Sec-Fetch-Site`.
    """
    origin = headers.get("Origin")
    if ANY_ORIGIN in origins or (origin is not None and origin in origins):
        return True
    if origin is not None or headers.get("Sec-Fetch-Site", TYPED) != TYPED:
        return False
    # Node's `fetch` sends `Accept-Language: *`.
    is_browser = headers.get("User-Agent", "").startswith("Mozilla/") or headers.get("Accept-Language", "*") != "*"
    return not is_browser or is_known_host(headers.get("Host"), hosts)


def _name(host: str) -> str:
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
