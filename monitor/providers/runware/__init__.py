"""Runware: `api.runware.ai`, over HTTP and WebSocket.

Facts are dated tables beside the code that reads them: error codes in `errors`, task types in `task_types`, endpoints
in `paths`, models in `models`. Sources, unless a table names another: the Python SDK `runware-sdk` 1.8.0 (October 2026)
and the pages under https://runware.ai/docs as stored from October 2025 to October 2026.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor import __version__
from monitor.observations import AnyObservation, Kind
from monitor.providers.base import AccountReader, CapacityAdvice, Provider, SocketReader, UnansweredTasks
from monitor.providers.http import Call, Exchange, Item, Route
from monitor.providers.runware.account import ActivityRead, DetailsRead, ErrorsRead, PerformanceRead
from monitor.providers.runware.exchange import decode
from monitor.providers.runware.models import AIR_IDS, IDS
from monitor.providers.runware.paths import SERVERLESS, TASKS, is_dry_run, route
from monitor.providers.runware.requested import request_kind, requested_tasks
from monitor.providers.runware.socket import RunwareSocket
from monitor.providers.runware.streams import STREAM_EVENTS
from monitor.providers.runware.task_types import GENERATIONS, GET_RESPONSE
from monitor.providers.runware.webhook import decode_webhook

__all__ = ["Runware"]

BASE_URL = "https://api.runware.ai"
"""Plain HTTP and server-sent events (docs `models-api/authentication`, October 2026)."""

WS_URL = "wss://ws-api.runware.ai"
"""WebSocket, the default of the SDKs (docs `models-api/authentication`, October 2026)."""

CAPACITY = CapacityAdvice(healthy_seconds=30.0, concurrency=(2, 4))
""""Consistent sub-30s responses" are healthy, "2-4 concurrent requests" are recommended, and there are no limits (docs
`platform/rate-limits`, July 2026; only the start of the newer page `models-api/rate-limits` is known)."""

OTHER_UPSTREAM = "other"


class Runware(Provider):
    """Runware's API as a `Provider`. Its prices are US dollars."""

    name = "runware"
    base_url = BASE_URL
    ws_url = WS_URL
    key_env = "RUNWARE_API_KEY"
    models = AIR_IDS | GENERATIONS | {SERVERLESS}
    reads: tuple[AccountReader, ...] = (DetailsRead(), ActivityRead(), PerformanceRead(), ErrorsRead())
    has_credits = False
    has_webhooks = True
    capacity = CAPACITY

    def headers(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}", "User-Agent": f"genmedia-monitor/{__version__}"}

    def route(self, method: str, path: str) -> Route:
        return route(method, path)

    def is_dry_run(self, query: str) -> bool:
        return is_dry_run(query)

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        return decode(exchange)

    def task_call(self, task: str, endpoint: str) -> Call:  # noqa: ARG002
        return Call("POST", TASKS, [{"taskType": GET_RESPONSE, "taskUUID": task}])

    def named_tasks(self, items: Sequence[Item]) -> tuple[str, ...]:
        return tuple(
            requested.task for requested in requested_tasks(items) if requested.kind is Kind.CREATE and requested.task
        )

    def creates(self, route: Route, items: Sequence[Item]) -> bool:
        if not route.item_fields:
            return route.kind is Kind.CREATE
        return not items or request_kind(requested_tasks(items)) is Kind.CREATE

    def keeps_event(self, data: bytes) -> bool:
        return STREAM_EVENTS.search(data) is not None

    def socket(self, account: str, unanswered_tasks: UnansweredTasks) -> SocketReader:
        return RunwareSocket(account, unanswered_tasks)

    def decode_webhook(self, account: str, body: bytes, now: float) -> list[AnyObservation]:
        return decode_webhook(account, body, now)

    def upstream(self, model: str) -> str:
        """The source in the model's AIR id. Runware probably hosts `runware`, `civitai` and `rundiffusion` itself."""
        source, separator, _ = model.partition(":")
        return "" if not separator else source if source in IDS else OTHER_UPSTREAM
