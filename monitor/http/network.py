"""The way out: which proxy a request goes through, and whose certificates it trusts.

The gateway, the daemon's own reads and the forwarding of webhooks all ask `Network`, so they agree. No library reads a
proxy from the environment by itself: libraries disagree about `NO_PROXY`, and some take passwords from `.netrc` too.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr

from monitor.http.trust import trust
from monitor.runtime.logs import protect

DIRECTLY = "none"
SCHEMES = {"http": "http", "ws": "http", "https": "https", "wss": "https"}
PORTS = {"http": 80, "https": 443}
Ip = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Way:
    """How to reach one origin.

    `proxy` is the proxy's `http://HOST:PORT` without credentials, None to go directly. `authorization` is the value of
    `Proxy-Authorization`, empty if the proxy asks for none.
    """

    proxy: str | None
    authorization: str = field(repr=False)
    tls: ssl.SSLContext = field(repr=False)

    @property
    def proxy_headers(self) -> dict[str, str]:
        """The headers that go to the proxy only."""
        return {"Proxy-Authorization": self.authorization} if self.authorization else {}


class Network:
    """The proxies and exceptions of an environment: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.

    The names count in lower case too, and those win. This machine itself is never reached through a proxy.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        excepted = self._variable("no")[1]
        self._excepted = [entry for each in excepted.split(",") if (entry := each.strip().lower())]
        # It is called for each request.
        self._way = lru_cache(maxsize=256)(self._find)

    def way(self, origin: str, proxy: SecretStr | None = None, ca: str = "") -> Way:
        """How to reach `origin`, a URL.

        `proxy` is a result of `parse_proxy` and replaces the environment's. `ca` is the PEM text of authorities to
        trust besides the system's.

        Raises:
            ValueError: the environment's proxy cannot be used; the text names the variable.
            ssl.SSLError: `ca` holds no certificate.
        """
        return self._way(origin, None if proxy is None else proxy.get_secret_value(), ca)

    def _find(self, origin: str, proxy: str | None, ca: str) -> Way:
        url = urlsplit(origin)
        host, scheme = (url.hostname or "").rstrip("."), SCHEMES[url.scheme]
        if is_loopback(host):
            proxy = DIRECTLY
        if proxy is None:
            proxy = self._proxy_of(scheme, host, url.port or PORTS[scheme])
        if proxy == DIRECTLY:
            return Way(None, "", trust(ca))
        chosen = urlsplit(proxy)
        return Way(f"http://{chosen.netloc.rpartition('@')[2]}", _basic(chosen), trust(ca))

    def _proxy_of(self, scheme: str, host: str, port: int) -> str:
        name, text = self._variable(scheme)
        if not text:
            name, text = self._variable("all")
        if not text or any(_covers(entry, host, port) for entry in self._excepted):
            return DIRECTLY
        try:
            return parse_proxy(text).get_secret_value()
        except ValueError as error:
            raise ValueError(f"{name} is {error}") from None

    def _variable(self, scheme: str) -> tuple[str, str]:
        small, capital = f"{scheme}_proxy", f"{scheme}_proxy".upper()
        name = small if small in self._environ else capital
        return name, self._environ.get(name, "").strip()


def parse_proxy(text: object) -> SecretStr:
    """Parse a proxy's URL, or `none` to go directly. The result may hold a password, so it is never shown.

    Raises:
        ValueError: the text is neither.
    """
    if text == DIRECTLY:
        return SecretStr(DIRECTLY)
    fault = ValueError("not an HTTP proxy; give http://HOST:PORT, or none to go directly")
    written = text if isinstance(text, str) else ""
    try:
        url = urlsplit(written if "://" in written else f"http://{written}")
        # A single word, such as null, may mean anything.
        is_usable = (
            url.scheme == "http" and bool(url.hostname) and (url.port or ("://" in written and url.port is None))
        )
    except ValueError:
        raise fault from None
    if not is_usable or url.path not in {"", "/"} or url.query or url.fragment or any(c.isspace() for c in url.netloc):
        raise fault
    for secret in (unquote(url.password or ""), url.password or "", _basic(url).removeprefix("Basic ")):
        protect(SecretStr(secret))
    return SecretStr(f"http://{url.netloc}")


def _basic(url: SplitResult) -> str:
    """The credentials of a URL as RFC 7617 sends them, empty if there are none."""
    if url.username is None:
        return ""
    pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    address = _address(host)
    if address is None:
        return host == "localhost" or host.endswith(".localhost")
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


def _covers(entry: str, host: str, port: int) -> bool:
    """Whether an entry of `NO_PROXY` covers a host.

    An entry is `*`, a domain with or without a leading dot, which covers its subdomains too, an address, or a network
    such as `10.0.0.0/8`. A port may follow a domain or an address.
    """
    if entry == "*":
        return True
    try:
        network = ip_network(entry, strict=False)
    except ValueError:
        return _covers_name(entry, host, port)
    address = _address(host)
    return address is not None and address in network


def _covers_name(entry: str, host: str, port: int) -> bool:
    try:
        split = urlsplit(f"//{entry}")
        name, only_port = (split.hostname or "").removeprefix("*").strip("."), split.port
    except ValueError:
        return False
    if not name or only_port not in {None, port}:
        return False
    address = _address(host)
    return address == _address(name) if address else host == name or host.endswith(f".{name}")


def _address(host: str) -> Ip | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
