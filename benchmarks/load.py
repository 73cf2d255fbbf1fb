"""The load: one thread that keeps a schedule to some 0.1 ms, at a few percent of a core for 500 requests a second."""

from __future__ import annotations

import gc
import re
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from benchmarks.programs import BenchmarkError

CREATE_EVERY = 10
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
TASK_ID = re.compile(rb'"id":"([0-9a-f-]{36})"')
# What the vendor's Python SDK 5.24.0 sends.
HEADERS = (
    b"Host: 127.0.0.1\r\nAccept: application/json\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n"
    b"User-Agent: RunwayML/Python 5.24.0\r\nX-Stainless-Lang: python\r\nX-Stainless-Package-Version: 5.24.0\r\n"
    b"X-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\nX-Stainless-Runtime: CPython\r\n"
    b"X-Stainless-Runtime-Version: 3.11.7\r\nX-Stainless-Async: false\r\nX-Stainless-Retry-Count: 0\r\n"
    b"X-Stainless-Read-Timeout: 60\r\nX-Runway-Version: 2024-11-06\r\nAuthorization: Bearer key_" + b"0" * 128 + b"\r\n"
)
CREATE_BODY = (
    b'{"model":"%b","promptText":"A lighthouse at dusk; the camera circles it slowly while the lamp comes on",'
    b'"ratio":"1280:720","duration":5}'
)


class Application:
    """What an application asks: one request in `create_every` creates a task, the others poll the open ones."""

    def __init__(
        self,
        prefix: str,
        models: tuple[str, ...] = ("gen4.5", "veo3.1", "kling3.0_pro"),
        create_every: int = CREATE_EVERY,
    ) -> None:
        self._create_every = create_every
        self._prefix = prefix.encode()
        self._creates = [self._create(model) for model in models]
        self._open: deque[bytes] = deque()
        self._turn = count()
        self.answered = 0

    def request(self) -> bytes:
        """The next request."""
        turn = next(self._turn)
        if turn % self._create_every == 0 or not self._open:
            return self._creates[turn // self._create_every % len(self._creates)]
        return b"GET %b/v1/tasks/%b HTTP/1.1\r\n%b\r\n" % (self._prefix, self._open.popleft(), HEADERS)

    def answer(self, answer: bytes) -> None:
        """Take the answer to one request. Raises BenchmarkError when it is none that the vendor gives."""
        task = TASK_ID.search(answer)
        if not answer.startswith(b"HTTP/1.1 200 ") or task is None:
            raise BenchmarkError(f"unexpected answer: {answer[:300]!r}")
        self.answered += 1
        if b"SUCCEEDED" not in answer:
            self._open.append(task[1])

    def _create(self, model: str) -> bytes:
        body = CREATE_BODY % model.encode()
        framing = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        return b"POST %b/v1/text_to_video HTTP/1.1\r\n" % self._prefix + HEADERS + framing + body


class Connection:
    """One kept connection with one request on its way at a time."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answer = b""
        self.due = 0.0

    def fileno(self) -> int:
        """For `select`."""
        return self._socket.fileno()

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due at a moment of `time.perf_counter`."""
        self.due = due
        self._answer = b""
        self._socket.sendall(request)

    def receive(self) -> bytes:
        """The whole answer once it is here, until then nothing."""
        read = self._socket.recv(256 * 1024)
        if not read:
            raise BenchmarkError("a connection was closed")
        self._answer += read
        head, end, body = self._answer.partition(b"\r\n\r\n")
        length = CONTENT_LENGTH.search(head) if end else None
        return self._answer if length is not None and len(body) >= int(length[1]) else b""

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


class Load:
    """Connections to one port. `request` gives each request to send, `answer` is shown what came of it."""

    def __init__(
        self, port: int, connections: int, request: Callable[[], bytes], answer: Callable[[bytes], None]
    ) -> None:
        self._idle = [Connection(port) for _ in range(connections)]
        self._busy: list[Connection] = []
        self._request = request
        self._answer = answer

    def steady(self, rate: float, seconds: float) -> list[float]:
        """Send `rate` requests a second on schedule, whatever the answers do; latencies in ms from when each was due.

        A request that finds every connection busy waits, and its wait counts: nothing slow is left out.
        """
        latencies: list[float] = []
        with _undisturbed():
            start = time.perf_counter() + 0.01
            dues = deque(start + turn / rate for turn in range(round(rate * seconds)))
            while dues or self._busy:
                while dues and self._idle and dues[0] <= time.perf_counter():
                    self._send(dues.popleft())
                patience = dues[0] - time.perf_counter() if dues and self._idle else 1.0
                latencies += self._receive(max(0.0, patience))
        return latencies

    def saturate(self, seconds: float) -> list[float]:
        """Send on each connection as soon as it is free; latencies in ms."""
        latencies: list[float] = []
        with _undisturbed():
            end = time.perf_counter() + seconds
            while (now := time.perf_counter()) < end or self._busy:
                while self._idle and now < end:
                    self._send(now)
                latencies += self._receive(1.0)
        return latencies

    def close(self) -> None:
        """Hang up everywhere."""
        for connection in self._idle + self._busy:
            connection.close()

    def _send(self, due: float) -> None:
        connection = self._idle.pop()
        connection.send(self._request(), due)
        self._busy.append(connection)

    def _receive(self, patience: float) -> Iterator[float]:
        # Unlike epoll's, the time-out of select is not rounded up to whole milliseconds.
        readable, _, _ = select.select(self._busy, (), (), patience)
        for connection in readable:
            if answer := connection.receive():
                yield (time.perf_counter() - connection.due) * 1000
                self._busy.remove(connection)
                self._idle.append(connection)
                self._answer(answer)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No pause for collecting garbage inside."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def quantile(values: list[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
