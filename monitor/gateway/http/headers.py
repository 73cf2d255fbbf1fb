"""Header fields as bytes, in order, with their case."""

from __future__ import annotations

from collections.abc import Iterable

from multidict import CIMultiDict

from monitor.gateway.refusal import Refused

Field = tuple[bytes, bytes]
Fields = Iterable[Field]

# RFC 9110, 7.6.1, and 11.7.2 for fields that are meant for a proxy (June 2022). aiohttp's parsers drop trailers, so the
# field that announces them is dropped too.
HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
NOT_FOR_PROVIDER = HOP_BY_HOP | {b"host"}
CONNECTION_OPTIONS = HOP_BY_HOP | {b"close"}


def end_to_end(fields: Fields, dropped: frozenset[bytes] = HOP_BY_HOP) -> list[Field]:
    """Return the fields that are neither in `dropped` nor named by `Connection`; those concern one connection."""
    kept: list[Field] = []
    options: list[bytes] = []
    for field in fields:
        name = field[0].lower()
        if name not in dropped:
            kept.append(field)
        elif name == b"connection":
            options += field[1].lower().split(b",")
    named = {option.strip() for option in options} - CONNECTION_OPTIONS
    return [field for field in kept if field[0].lower() not in named] if named else kept


def request_headers(fields: Fields, host: str) -> CIMultiDict[str]:
    """The provider's host, then the client's end-to-end fields.

    Raises:
        Refused: a field is not UTF-8, so that aiohttp cannot send it as it came.
    """
    try:
        kept = [(name.decode(), value.decode()) for name, value in end_to_end(fields, NOT_FOR_PROVIDER)]
    except UnicodeDecodeError:
        raise Refused(400, "header", "header fields must be ASCII or UTF-8") from None
    return CIMultiDict([("Host", host), *kept])


def response_head(status: int, reason: str, fields: Fields) -> bytes:
    """The status line and fields as they go on the wire."""
    start = b"HTTP/1.1 %d %b\r\n" % (status, reason.encode("utf-8", "surrogateescape"))
    return start + b"".join([b"%b: %b\r\n" % field for field in fields]) + b"\r\n"
