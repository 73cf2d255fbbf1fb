"""Asks a running daemon for its figures. What they mean is described in `docs/api.md`."""

from __future__ import annotations

import httpx
import msgspec

from monitor.errors import DaemonError
from monitor.judgement.capacity.outlook import ModelCapacity
from monitor.judgement.credits.outlook import CreditOutlook
from monitor.judgement.snapshot import DailyOutlook, ModelTasks, ReadState, RecentFigures
from monitor.judgement.tiers.outlook import Advice, TierState
from monitor.network import trust
from monitor.observations import Organization
from monitor.views.formatting import printable

PATH = "/api/v1/accounts"
TIMEOUT_SECONDS = 5.0


class LimitReply(msgspec.Struct, frozen=True):
    """One finite limit; `used` and `saturation_ratio` are None while unknown. `soft` and `hard` are its thresholds."""

    model: str
    limit: str
    allowed: float
    used: float | None
    saturation_ratio: float | None
    soft: float
    hard: float


class UnlimitedReply(msgspec.Struct, frozen=True):
    """What is used of a limit that is not finite."""

    model: str
    limit: str
    used: float


class SpentReply(msgspec.Struct, frozen=True):
    """Net credits of one model; None is unknown."""

    model: str
    today_credits: float | None
    month_credits: float | None


class RequestsReply(msgspec.Struct, frozen=True):
    """Requests of one kind."""

    kind: str
    total: int
    failed: int
    outcomes: dict[str, int]


class AccountReply(msgspec.Struct, frozen=True):
    """One account as the API tells it, without the raw counts."""

    account: str
    provider: str
    warnings: tuple[str, ...]
    dollars_per_credit: float
    has_credits: bool
    reads: tuple[ReadState, ...]
    organization: Organization | None
    limits: tuple[LimitReply, ...]
    spent: tuple[SpentReply, ...] | None
    tasks: tuple[ModelTasks, ...]
    daily: tuple[DailyOutlook, ...]
    requests: tuple[RequestsReply, ...]
    retries: int
    credits: CreditOutlook | None
    tier: TierState | None = None
    advice: Advice | None = None
    capacity: tuple[ModelCapacity, ...] = ()
    recent: RecentFigures = RecentFigures()
    organization_at: float | None = None
    usage_at: float | None = None
    has_limits: bool = True
    unlimited: tuple[UnlimitedReply, ...] = ()


class Reply(msgspec.Struct, frozen=True):
    """Every account at the evaluation of `at`, Unix seconds, which was `age_seconds` ago."""

    at: float
    age_seconds: float
    accounts: tuple[AccountReply, ...]


def no_account(reply: Reply, name: str) -> str:
    """What to tell who names an account that is not there."""
    there = ", ".join(printable(account.account) for account in reply.accounts) or "none"
    return f"no account is named {name!r}; the daemon watches {there}"


class Daemon:
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

    async def __aenter__(self) -> Daemon:
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


class _Refusal(msgspec.Struct):
    error: str


def _reason(body: bytes) -> str:
    try:
        return f": {printable(msgspec.json.decode(body, type=_Refusal).error)}"
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
