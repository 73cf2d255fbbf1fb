"""A connection to a provider whose replies are repaired before aiohttp parses them."""

from __future__ import annotations

from typing import Any

from monitor.gateway.http.head_repair import HEAD_END, UnreadableHead, repaired
from monitor.http.aiohttp_internals import ReplyConnection

LONGEST_HEAD_BYTES = 512 * 1024
START = b"HTTP/"
EMPTY_LINES = b"\r\n"


class ProviderConnection(ReplyConnection):
    """Collects the head of each reply, repairs it and has it parsed by itself; the body passes as it comes.

    The head is parsed first so that the parser, which may find the rest malformed, has given the reply away by then:
    bytes after the end of a reply do not take the reply back.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # What has come of a head, None while none is expected.
        self._head: bytes | None = None

    def reply_expected(self) -> None:
        """Collect the next head."""
        self._head = b""

    def received(self, data: bytes) -> None:
        """Take bytes from the provider; empty data only wakes the parser."""
        while self._head is not None and data:
            data = self._head_bytes(self._head + data)
            if not data:
                return
        self.parse(data)

    def _head_bytes(self, data: bytes) -> bytes:
        """Take what has come of a head, and return what follows it."""
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
        self.parse(head)
        return data[end.end() :]

    def _wait_for_more(self, data: bytes) -> bytes:
        if not START.startswith(data.lstrip(b" \t")[: len(START)]):
            self._head = None
            return data  # The parser says at once what is wrong with it.
        self._head = data
        self.await_more()
        return b""

    def _refuse(self, error: UnreadableHead) -> bytes:
        self._head = None
        self.fail(error)
        return b""


def _is_interim(head: bytes) -> bool:
    """Whether another head follows this one: after any 1xx but 101 (RFC 9110, 15.2)."""
    return head[9:10] == b"1" and head[9:12] != b"101"
