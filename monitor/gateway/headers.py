"""Header fields as bytes, in order, with their case."""

from __future__ import annotations

from collections.abc import Iterable

from multidict import CIMultiDict

from monitor.gateway.refusal import Refused

Field = tuple[bytes, bytes]
Fields = Iterable[Field]

# RFC 9110, 7.6.1 (June 2022).
HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"te", b"transfer-encoding", b"upgrade"})
HOST = frozenset({b"host"})


def end_to_end(fields: Fields, besides: frozenset[bytes] = frozenset()) -> list[Field]:
    """The fields less those that concern one connection only, which `Connection` may name too, and less `besides`."""
    dropped = HOP_BY_HOP | besides
    named = [(field[0].lower(), field) for field in fields]
    for name, (_, value) in named:
        if name == b"connection":
            dropped |= {option.strip() for option in value.lower().split(b",")}
    return [field for name, field in named if name not in dropped]


def request_headers(fields: Fields, host: str) -> CIMultiDict[str]:
    """What goes to the vendor: its own host, then the client's end-to-end fields.

    Raises:
        Refused: a field is not UTF-8, which the client library cannot send as it came.
    """
    try:
        kept = [(name.decode(), value.decode()) for name, value in end_to_end(fields, besides=HOST)]
    except UnicodeDecodeError:
        raise Refused(400, "header", "header fields must be ASCII or UTF-8") from None
    return CIMultiDict([("Host", host), *kept])


def response_head(status: int, reason: str, fields: Fields) -> bytes:
    """Status line and fields, ready for the wire."""
    start = b"HTTP/1.1 %d %b\r\n" % (status, reason.encode("utf-8", "surrogateescape"))
    return start + b"".join([b"%b: %b\r\n" % field for field in fields]) + b"\r\n"
