"""Which certificate authorities a client trusts."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from pathlib import Path

import certifi

TRUST_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@lru_cache(maxsize=32)
def trust(ca: str = "") -> ssl.SSLContext:
    """A TLS context that trusts the system's authorities, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`, and `ca`.

    Raises:
        ssl.SSLError: `ca` is not empty and holds no certificate.
    """
    context = ssl.create_default_context()
    if _system_trusts_nobody():
        context.load_verify_locations(certifi.where())
    if ca:
        context.load_verify_locations(cadata=ca)
    return context


def _system_trusts_nobody() -> bool:
    """Whether the system has no authorities, as in a small container, and no variable names any."""
    found = ssl.get_default_verify_paths()
    if found.cafile or any(os.environ.get(name) for name in TRUST_VARIABLES):
        return False
    return found.capath is None or not any(Path(found.capath).iterdir())
