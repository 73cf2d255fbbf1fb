"""What single values look like in the file, as types that read them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from monitor.http.network import parse_proxy
from monitor.runtime.durations import parse_duration
from monitor.runtime.logs import protect

RATIO = re.compile(r"[0-9](?:\.[0-9]{1,6})?")
ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})")
SENDABLE = re.compile(r"[!-~]+")
ACCOUNT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
# `/v1` is where a base URL without an account lands; an account of that name would hide the mistake.
RESERVED_NAMES = frozenset({"v1"})
NOTHING = ("", "~", "null", "Null", "NULL")  # as YAML writes it
STORES = frozenset({"sqlite", "postgresql"})
HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Address:
    """Where a listener binds. Port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def between(shortest: str, longest: str) -> AfterValidator:
    """Holds a duration within bounds that are written as the user would write them."""
    low, high = parse_duration(shortest), parse_duration(longest)

    def check(seconds: float) -> float:
        if not low <= seconds <= high:
            raise ValueError(f"out of range; give {shortest} to {longest}")
        return seconds

    return AfterValidator(check)


def whole_number(low: int, high: int) -> BeforeValidator:
    """Holds a count within bounds."""

    def parse(text: object) -> int:
        if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"not a usable number; give a whole number from {low} to {high}")
        return int(text)

    return BeforeValidator(parse)


def parse_ratio(text: object) -> float:
    """A share such as `0.8`."""
    if not isinstance(text, str) or not RATIO.fullmatch(text) or not 0 < float(text) <= 1:
        raise ValueError("not a share; give a number above 0 and up to 1, such as 0.8")
    return float(text)


def parse_moment(text: object) -> float:
    """Unix seconds from a date or a time, such as `2026-11-01` or `2026-11-01T08:00:00Z`; UTC unless it says."""
    try:
        moment = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        raise ValueError("not a time; give one such as 2026-11-01 or 2026-11-01T08:00:00Z") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def parse_address(text: object) -> Address:
    """The address in `host:port`; an IPv6 host stands in brackets."""
    match = ADDRESS.fullmatch(text) if isinstance(text, str) else None
    if match is None or int(match[3]) > HIGHEST_PORT:
        raise ValueError("not an address; give host:port, such as 127.0.0.1:10190")
    return Address(match[1] or match[2], int(match[3]))


def parse_account_name(text: object) -> str:
    """A name that is a path segment, a label value and a log field alike."""
    if not isinstance(text, str) or not ACCOUNT_NAME.fullmatch(text):
        raise ValueError("not a usable name; use 1 to 63 of a-z, 0-9, _ and -, a letter or digit first")
    if text in RESERVED_NAMES:
        raise ValueError(f"'{text}' is reserved; choose another name")
    return text


def parse_origin(text: object) -> str:
    """Scheme, host and port of a vendor; the paths come from the requests."""
    return _origin(text, "http")


def parse_socket_origin(text: object) -> str:
    """The same of its WebSocket."""
    return _origin(text, "ws")


def _origin(text: object, scheme: str) -> str:
    example = f"{scheme}s://api.example.com"
    fault = ValueError(f"not an origin; give scheme and host without a path, such as {example}")
    try:
        url = urlsplit(text if isinstance(text, str) else "")
        usable = url.scheme in {scheme, f"{scheme}s"} and bool(url.hostname) and url.port != 0
        usable = usable and url.netloc.isprintable()
    except ValueError:
        raise fault from None
    if not usable or url.path not in {"", "/"} or url.query or url.fragment or re.search(r"[@\s\\]", url.netloc):
        raise fault
    return f"{url.scheme}://{url.netloc}"


def parse_target(text: object) -> SecretStr:
    """The application's own URL for webhooks. It may open something, so it shows nowhere."""
    try:
        url = urlsplit(text if isinstance(text, str) else "")
        usable = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    if not usable or url.fragment or not SENDABLE.fullmatch(str(text)):
        raise ValueError("not a URL; give the application's own, such as https://app.example.com/webhooks")
    return protect(SecretStr(str(text)))


def parse_store(text: object) -> str | None:
    """A database URL that the store can open; None where the file leaves it to the program."""
    if text in NOTHING:
        return None
    fault = ValueError("not a store; give sqlite:///monitor.db or postgresql://user@host/database")
    try:
        url = make_url(text if isinstance(text, str) else "")
    except (ArgumentError, ValueError):
        raise fault from None
    in_memory = url.database in {None, "", ":memory:"}
    if (
        not str(text).isprintable()
        or url.drivername not in STORES
        or (url.drivername == "sqlite" and (url.host or in_memory))
    ):
        raise fault
    return str(text)


HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
WEB_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s?#@]+")


def parse_host_name(text: object) -> str:
    """A host name without a port, in small letters."""
    if isinstance(text, str) and HOST_NAME.fullmatch(text.lower()):
        return text.lower()
    raise ValueError("no host name; give one without scheme and port, such as monitor.example.com")


def parse_web_origin(text: object) -> str:
    """The origin of a web page as browsers send it, or `*` for any."""
    if isinstance(text, str) and (text == "*" or WEB_ORIGIN.fullmatch(text)):
        return text
    raise ValueError("no origin; give scheme, host and port, such as http://localhost:3000, or *")


HostName = Annotated[str, BeforeValidator(parse_host_name)]
WebOrigin = Annotated[str, BeforeValidator(parse_web_origin)]
Listen = Annotated[Address, BeforeValidator(parse_address)]
AccountName = Annotated[str, BeforeValidator(parse_account_name)]
SocketOrigin = Annotated[str, BeforeValidator(parse_socket_origin)]
Origin = Annotated[str, BeforeValidator(parse_origin)]
StoreUrl = Annotated[str | None, BeforeValidator(parse_store)]
Target = Annotated[SecretStr, BeforeValidator(parse_target)]
Proxy = Annotated[SecretStr, BeforeValidator(parse_proxy)]
Ratio = Annotated[float, BeforeValidator(parse_ratio)]
Moment = Annotated[float, BeforeValidator(parse_moment)]
Duration = Annotated[float, BeforeValidator(parse_duration)]
