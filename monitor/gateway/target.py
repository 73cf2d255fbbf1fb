"""Takes a request target apart: the account that it names, and what is left for the provider."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from monitor.gateway.refusal import Refused

# Visible ASCII without a fragment; no backslash and no question mark within the path.
TARGET = re.compile(r"/([a-z0-9][a-z0-9_-]*)((?:/[!\"$->@-\[\]-~]*)?)(\?[!\"$-~]*)?")
# A server could take this for another host, as in `//evil.invalid/x`. Two slashes before a plain word are harmless.
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
        Refused: the target is not `/ACCOUNT/...`, or a server that resolves dots or slashes would read another path.
    """
    match = TARGET.fullmatch(raw)
    if match is None:
        raise Refused(400, "target", "the path must be /ACCOUNT/..., the rest as the provider documents it")
    account, path, query = match.groups(default="")
    plain = unquote(path) if "%" in path else path
    if HOST.match(plain) or "\\" in plain or not DOT_SEGMENTS.isdisjoint(plain.split("/")):
        raise Refused(400, "path", "the path must not hold dot segments, backslashes or a host after two slashes")
    return Target(account, path or "/", query)
