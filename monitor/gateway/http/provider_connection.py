"""A connection to a vendor whose answers are repaired before the client library parses them."""

from __future__ import annotations

from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import _EXC_SENTINEL, set_exception
from aiohttp.http_exceptions import HttpProcessingError

from monitor.gateway.http.head_repair import HEAD_END, UnreadableHead, repaired

LONGEST_HEAD_BYTES = 512 * 1024
START = b"HTTP/"
EMPTY_LINES = b"\r\n"


class VendorConnector(aiohttp.TCPConnector):
    """Opens connections of the kind below; the library offers no public way to choose it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = partial(VendorConnection, loop=self._loop)  # type: ignore[assignment]


class VendorConnection(ResponseHandler):
    """Collects each head of an answer, repairs it and hands it on by itself; the body passes as it comes.

    The head goes first so that the parser, which may find the rest malformed, has given the answer away by then: bytes
    after the end of an answer do not take the answer back.
    """

    _head: bytes | None = None
    """What has come of a head, None while none is expected."""

    def set_response_params(self, **params: Any) -> None:
        """Expect the answer to the next request."""
        self._head = b""
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the vendor; none means that the library has room again."""
        while self._head is not None and data:
            data = self._head_bytes(self._head + data)
            if not data:
                return
        super().data_received(data)

    def set_exception(self, exc: BaseException, exc_cause: BaseException = _EXC_SENTINEL) -> None:
        """End; a body that turns out malformed ends at once, where the library would wait for the rest for ever."""
        super().set_exception(exc, exc_cause)
        if isinstance(exc, HttpProcessingError) and self._payload is not None and not self._payload.is_eof():
            set_exception(self._payload, aiohttp.ClientPayloadError("malformed"), exc_cause)

    def _head_bytes(self, data: bytes) -> bytes:
        """Take what has come of a head; the answer is what remains for the library."""
        data = data.lstrip(EMPTY_LINES)
        end = HEAD_END.search(data)
        if (end.end() if end else len(data)) > LONGEST_HEAD_BYTES:
            return self._refuse(UnreadableHead(f"a head of over {LONGEST_HEAD_BYTES // 1024} KiB"))
        if end is None:
            return self._wait_for_more(data)
        try:
            head = repaired(data[: end.end()])
        except UnreadableHead as error:
            return self._refuse(error)
        self._head = b"" if _is_interim(head) else None
        super().data_received(head)
        return data[end.end() :]

    def _wait_for_more(self, data: bytes) -> bytes:
        if not START.startswith(data.lstrip(b" \t")[: len(START)]):
            self._head = None
            return data  # The parser says at once what is wrong with it.
        self._head = data
        self.start_timeout()
        return b""

    def _refuse(self, error: UnreadableHead) -> bytes:
        self._head = None
        if self.transport is not None:
            self.transport.close()
        self.set_exception(HttpProcessingError(message=str(error)), error)
        return b""


def _is_interim(head: bytes) -> bool:
    """Whether another head follows this one: after any 1xx but 101 (RFC 9110, 15.2)."""
    return head[9:10] == b"1" and head[9:12] != b"101"
