"""Repairs the head of a provider's reply as far as HTTP lets a proxy repair it, so that a strict parser accepts it.

aiohttp's parser refuses heads that a provider's own SDK would accept, and a refused reply is a generation paid for and
lost. Two questions decide what to do with a strange head: does it say where the body ends, and does everybody after us
read it the same way? A reply whose end is in doubt can smuggle a second reply into the connection, so it is never
passed on as it came.

Repaired, because RFC 9112 says how and the meaning is certain:

- the status line: blanks around its parts, no reason, a minor version above 1 (2.3, 4);
- lines that end in LF alone, and empty lines before the head (2.2);
- blanks before the colon, and values continued on the next line (5.1, 5.2);
- CR and NUL inside a value, which become blanks (5.5 of RFC 9110);
- a Content-Length that is repeated with one value (6.3);
- the coding `identity` of earlier HTTP, which says nothing (RFC 2616, 3.6);
- both framings together, or chunks from HTTP/1.0: the chunks count, and the connection is not used again (6.1, 6.3).

Refused, because nobody can know where the body ends or what a line means: another transfer coding than chunked, lengths
that differ or are not numbers, a status that is not three digits, a line without a name. The client then gets a 502
that says why, and an SDK is told not to repeat a request that may be paid twice.

Almost every head is plain. `_is_plain` finds that out with one regular expression, and such a head is passed on
untouched, without being taken apart.
"""

from __future__ import annotations

import re

HEAD_END = re.compile(rb"\n\r?\n")
LINE_END = re.compile(rb"\r?\n")
WELL_FORMED = re.compile(
    rb"HTTP/1\.[01] [1-9]\d\d(?: [^\r\n\0]*+)?\r\n(?:[!#-'*+\-.0-9A-Z^-z|~]++:[^\r\n\0]*+\r\n)*+\r\n"
)
PLAIN_LENGTH = re.compile(rb"\ncontent-length:[ \t]*\d+[ \t]*\r\n")
PLAIN_CHUNKED = b"\ntransfer-encoding: chunked\r\n"
STATUS_LINE = re.compile(rb"[ \t]*HTTP/(\d)\.(\d)[ \t]+(\d+)(?:[ \t]+(.*))?", re.DOTALL)
STATUS = re.compile(rb"[1-9]\d\d")
TOKEN = re.compile(rb"[!#-'*+\-.0-9A-Z^-z|~]+")
BLANKS = b" \t"
FORBIDDEN = bytes.maketrans(b"\r\0", b"  ")
LENGTH = b"content-length"
CODING = b"transfer-encoding"

Field = tuple[bytes, bytes]


class UnreadableHead(Exception):  # noqa: N818 - the provider's fault, not an error of ours
    """A head whose meaning is uncertain. The text completes "the provider answered with ..."."""


def repaired(head: bytes) -> bytes:
    """Return the head as a strict parser accepts it. `head` ends with its empty line.

    Raises:
        UnreadableHead: RFC 9112 does not allow a repair.
    """
    return head if _is_plain(head) else _rewritten(head)


def _is_plain(head: bytes) -> bool:
    if not WELL_FORMED.fullmatch(head):
        return False
    lower = head.lower()
    lengths, codings = lower.count(b"\ncontent-length:"), lower.count(b"\ntransfer-encoding:")
    if codings:
        return not lengths and codings == 1 and PLAIN_CHUNKED in lower and head.startswith(b"HTTP/1.1")
    return not lengths or (lengths == 1 and PLAIN_LENGTH.search(lower) is not None)


def _rewritten(head: bytes) -> bytes:
    start, *lines = LINE_END.split(head.lstrip(b"\r\n"))
    version, status_line = _status_line(start)
    fields = _fields(lines)
    lengths = _members(fields, LENGTH)
    codings = [coding for coding in _members(fields, CODING) if coding != b"identity"]
    kept = [field for field in fields if field[0].lower() not in (LENGTH, CODING)]
    if codings:
        if set(codings) != {b"chunked"}:
            raise UnreadableHead("a transfer coding other than chunked")
        kept.append((b"Transfer-Encoding", b"chunked"))
        if lengths or version < b"1.1":
            # What follows such a reply on the same connection cannot be trusted.
            kept.append((b"Connection", b"close"))
    elif lengths or any(name.lower() == LENGTH for name, _ in fields):
        kept.append((b"Content-Length", _one_length(lengths)))
    return b"\r\n".join([status_line, *(b"%b: %b" % field for field in kept), b"", b""])


def _status_line(line: bytes) -> tuple[bytes, bytes]:
    """The version, such as `1.1`, and the repaired line."""
    match = STATUS_LINE.fullmatch(line)
    if match is None:
        raise UnreadableHead("something that is not HTTP")
    major, minor, status, reason = match.groups(default=b"")
    if not STATUS.fullmatch(status):
        raise UnreadableHead(f"the invalid status {status[:20].decode()}")
    version = b"1.1" if major == b"1" and minor > b"1" else major + b"." + minor
    return version, b"HTTP/%b %b %b" % (version, status, reason.translate(FORBIDDEN).strip())


def _fields(lines: list[bytes]) -> list[Field]:
    """Names without the blanks before the colon, values joined with their continuation lines."""
    fields: list[Field] = []
    for line in filter(None, lines):
        if line[:1] in (b" ", b"\t"):
            if fields:
                name, value = fields.pop()
                fields.append((name, (value + b" " + _value(line)).strip(BLANKS)))
            continue
        name, colon, value = line.partition(b":")
        name = name.rstrip(BLANKS)
        if not colon or not TOKEN.fullmatch(name):
            raise UnreadableHead("a header line without a name")
        fields.append((name, _value(value)))
    return fields


def _value(raw: bytes) -> bytes:
    return raw.translate(FORBIDDEN).strip(BLANKS)


def _members(fields: list[Field], wanted: bytes) -> list[bytes]:
    """The elements of all fields named `wanted`, in lower case."""
    values = [value.lower() for name, value in fields if name.lower() == wanted]
    return [member for value in values for part in value.split(b",") if (member := part.strip(BLANKS))]


def _one_length(lengths: list[bytes]) -> bytes:
    if not lengths or not all(length.isdigit() for length in lengths):
        raise UnreadableHead("a Content-Length that is no number")
    if len({int(length) for length in lengths}) > 1:
        raise UnreadableHead("several Content-Lengths that differ")
    return lengths[0]
