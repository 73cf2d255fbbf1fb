"""Where a request wants to go: the account its target names, and what is left for the vendor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from monitor.gateway.refusal import Refused

# Visible ASCII without a fragment; no backslash and no question mark within the path.
TARGET = re.compile(r"/([a-z0-9][a-z0-9_-]*)((?:/[!\"$->@-\[\]-~]*)?)(\?[!\"$-~]*)?")
# What a server could take for another host, as in `//evil.invalid/x`; a doubled slash before a plain word is only one.
HOST = re.compile(r"//+[^/]*[.:@]")
DOT_SEGMENTS = frozenset({".", ".."})


@dataclass(frozen=True, slots=True)
class Target:
    """A request target taken apart. `path` begins with a slash and `query`, unless empty, with a question mark."""

    account: str
    path: str
    query: str


def parse_target(raw: str) -> Target:
    """Take a raw request target apart without changing a byte of it.

    Raises:
        Refused: it is not `/ACCOUNT/...`, or its path means another place to a server that resolves dots or slashes.
    """
    match = TARGET.fullmatch(raw)
    if match is None:
        raise Refused(400, "target", "the path must be /ACCOUNT/..., the rest as the vendor documents it")
    account, path, query = match.groups(default="")
    if _wanders(path):
        raise Refused(400, "path", "the path must not hold dot segments, backslashes or a host after two slashes")
    return Target(account, path or "/", query)


def _wanders(path: str) -> bool:
    plain = unquote(path) if "%" in path else path
    return HOST.match(plain) is not None or "\\" in plain or not DOT_SEGMENTS.isdisjoint(plain.split("/"))
