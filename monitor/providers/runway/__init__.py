"""Runway: `api.dev.runwayml.com`, over HTTP.

Facts are dated tables beside the code that reads them: error codes in `errors`, endpoints in `paths`, statuses in
`tasks`, models in `models`, prices in `prices`, limits in `tiers`. Sources, unless a table names another: the Python
SDK `runwayml` 5.24.0 (autumn 2026), Runway's own `openapi.json` of 2026-08-08, and the pages of
https://docs.dev.runwayml.com as stored in autumn 2026.
"""

from __future__ import annotations

from urllib.parse import quote

from monitor import __version__
from monitor.observations import AnyObservation
from monitor.providers.base import AccountReader, AutobillingPace, Provider
from monitor.providers.http import Call, Exchange, Route
from monitor.providers.prices import PriceList
from monitor.providers.runway.account import OrganizationRead, UsageRead
from monitor.providers.runway.exchange import decode
from monitor.providers.runway.models import MODELS
from monitor.providers.runway.paths import INVOCATION, TASK, WORKFLOW, route
from monitor.providers.runway.prices import AUTOBILLING, DOLLARS_PER_CREDIT, PRICE_LIST, SMALLEST_PURCHASE_CREDITS
from monitor.providers.runway.tiers import TIERS
from monitor.providers.tiers import TierTables

__all__ = ["Runway"]

BASE_URL = "https://api.dev.runwayml.com"
"""The production API, despite its name (`servers` of openapi.json, 2026-08-08)."""

API_VERSION = "2024-11-06"
"""The only accepted `X-Runway-Version` (a constant in openapi.json, 2026-08-08)."""


class Runway(Provider):
    """Runway's API as a `Provider`."""

    name = "runway"
    base_url = BASE_URL
    key_env = "RUNWAYML_API_SECRET"
    models = MODELS
    reads: tuple[AccountReader, ...] = (OrganizationRead(), UsageRead())
    dollars_per_credit = DOLLARS_PER_CREDIT
    tiers: TierTables | None = TIERS
    prices: PriceList | None = PRICE_LIST
    autobilling: AutobillingPace | None = AUTOBILLING
    smallest_purchase_credits = SMALLEST_PURCHASE_CREDITS

    def headers(self, key: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {key}",
            "X-Runway-Version": API_VERSION,
            "User-Agent": f"genmedia-monitor/{__version__}",
        }

    def route(self, method: str, path: str) -> Route:
        return route(method, path)

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        return decode(exchange)

    def task_call(self, task: str, endpoint: str) -> Call:
        template = INVOCATION if endpoint in {WORKFLOW, INVOCATION} else TASK
        return Call("GET", template.replace("{id}", quote(task, safe="")))
