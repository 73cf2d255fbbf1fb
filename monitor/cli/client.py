"""Asks a running daemon for its figures. What they mean is described in `docs/reference/api.md`."""

from __future__ import annotations

import httpx
import msgspec

from monitor.errors import DaemonError
from monitor.http.trust import trust
from monitor.views.formatting import printable
from monitor.views.replies import Reply

PATH = "/api/v1/accounts"
TIMEOUT_SECONDS = 5.0


class DaemonClient:
    """A daemon by the URL of its operator listener, with credentials if a proxy in front wants them.

    The environment's proxies are not used: the listener is on this machine or this network.

    Raises:
        DaemonError: the URL is none.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL:
            parsed = httpx.URL("")
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise DaemonError("--url: not a URL of a daemon; give one such as http://127.0.0.1:10190")
        self.url = str(parsed.copy_with(userinfo=b"")).rstrip("/")
        self._http = httpx.AsyncClient(
            base_url=parsed,
            timeout=TIMEOUT_SECONDS,
            transport=httpx.AsyncHTTPTransport(verify=trust(), trust_env=False),
        )

    async def __aenter__(self) -> DaemonClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def ask(self) -> Reply:
        """Its newest figures.

        Raises:
            DaemonError: there is no daemon, it is not ready, or what answers is something else.
        """
        try:
            answer = await self._http.get(PATH)
        except httpx.TimeoutException:
            raise DaemonError(f"{self.url} did not answer within {TIMEOUT_SECONDS:g} s") from None
        except httpx.HTTPError as error:
            why = printable(str(error)) or type(error).__name__
            raise DaemonError(f"no daemon answers at {self.url} ({why}); is it running, and is --url right?") from None
        return self._read(answer)

    def _read(self, answer: httpx.Response) -> Reply:
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise DaemonError(f"the daemon at {self.url} is not ready yet{_reason(answer.content)}")
        if answer.status_code != httpx.codes.OK:
            raise self._stranger(f"{answer.status_code} {printable(answer.reason_phrase)}".rstrip())
        try:
            return msgspec.json.decode(answer.content, type=Reply)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._stranger("something else than figures") from None

    def _stranger(self, answered: str) -> DaemonError:
        return DaemonError(
            f"{self.url} answers {answered}; give the operator listener of a daemon of this version with --url"
        )


class _NotReady(msgspec.Struct):
    error: str


def _reason(body: bytes) -> str:
    try:
        return f": {printable(msgspec.json.decode(body, type=_NotReady).error)}"
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
