"""The promise of docs/how-to/add-a-provider.md: the declaration of a new vendor is enough to watch it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from end_to_end.stage import PATIENCE_SECONDS, Figures, parse
from msgspec.structs import replace

from monitor.config import Config, load
from monitor.daemon.daemon import Daemon
from monitor.observations import AnyObservation, Kind, Organization, Outcome, RequestSeen, TaskSeen, TaskStatus
from monitor.providers import PROVIDERS
from monitor.providers.account import SchemaDrift, read_finished
from monitor.providers.base import Provider
from monitor.providers.http import Call, Exchange, Route, code_label, error_outcome
from monitor.providers.lenient import json_object, model_id, number
from monitor.runtime.clock import SystemClock
from monitor.simulator.shared.server import serve
from monitor.store import Database

DRAWING = Route("/draw", Kind.CREATE, model_fields=("brush",), reads_reply=True)
STATUSES = {"done": TaskStatus.SUCCEEDED, "drawing": TaskStatus.RUNNING}


class Wallet:
    """Its one account read."""

    name = "wallet"
    minimum_interval_seconds = 60.0

    def call(self, now: float) -> Call:
        return Call("GET", "/wallet")

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        def figures(drift: SchemaDrift) -> Organization | None:
            return Organization(credit_balance=drift.require(number((json_object(exchange.body) or {}).get("coins"))))

        return read_finished("wallet", exchange, outcome(exchange), figures)


class Acme(Provider):
    """A vendor that draws."""

    name = "acme"
    base_url = "https://api.acme.example"
    key_env = "ACME_KEY"
    models = frozenset({"pencil"})
    reads = (Wallet(),)

    def headers(self, key: str) -> dict[str, str]:
        return {"X-Acme": key}

    def route(self, method: str, path: str) -> Route:
        if path == "/draw":
            return DRAWING
        return Route("/drawings/{id}" if path.startswith("/drawings/") else "other", Kind.POLL, reads_reply=True)

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        model = model_id(exchange.request_fields.get("brush")) if exchange.route is DRAWING else ""
        request = RequestSeen(
            account=exchange.account,
            at=exchange.ended_at,
            endpoint=exchange.route.endpoint,
            kind=exchange.route.kind,
            outcome=outcome(exchange),
            duration_seconds=exchange.duration_seconds,
            model=model,
            code=code_label(exchange.status),
        )
        told = json_object(exchange.body) or {}
        seen = TaskSeen(
            account=exchange.account,
            at=exchange.ended_at,
            task=str(told.get("drawing")),
            status=STATUSES.get(str(told.get("state")), TaskStatus.PENDING),
            by_client=exchange.by_client,
        )
        accepted = replace(seen, accepted=True, model=model, endpoint="/draw") if exchange.route is DRAWING else seen
        return [request, accepted]

    def task_call(self, task: str, endpoint: str) -> Call:
        return Call("GET", f"/drawings/{task}")


def outcome(exchange: Exchange) -> Outcome:
    if exchange.status is None:
        return Outcome.UNREACHABLE
    return Outcome.SUCCESS if exchange.status == 200 else error_outcome(exchange.status)


async def draw(request: web.Request) -> web.Response:
    return web.json_response({"drawing": (await request.json())["title"]})


async def drawing(request: web.Request) -> web.Response:
    return web.json_response({"drawing": request.match_info["id"], "state": "done"})


async def wallet(request: web.Request) -> web.Response:
    return web.json_response({"coins": 7} if request.headers.get("X-Acme") == "k" * 20 else {}, status=200)


def vendor() -> web.Application:
    app = web.Application()
    app.add_routes([web.post("/draw", draw), web.get("/drawings/{id}", drawing), web.get("/wallet", wallet)])
    return app


def configured(folder: Path, origin: str) -> Config:
    document = {
        "listen": "127.0.0.1:0",
        "gateway": {"listen": "127.0.0.1:0"},
        "store": f"sqlite:///{folder / 'monitor.db'}",
        "evaluate_interval": "100ms",
        "accounts": [{"name": "art", "provider": "acme", "api_key_env": "ACME_KEY", "base_url": origin}],
    }
    path = folder / "monitor.yml"
    path.write_text(json.dumps(document))
    return load(path, {"ACME_KEY": "k" * 20})


async def settled(daemon: Daemon, http: httpx.AsyncClient) -> Figures:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            figures = parse((await http.get(f"{daemon.operator_url}/metrics")).text)
            if figures.total("genmedia_tasks_finished_total", outcome="succeeded") == 2:
                return figures
            await asyncio.sleep(0.1)


async def test_a_vendor_that_nobody_has_heard_of_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROVIDERS, "acme", Acme())
    assert [each.base_url for each in load(None, {"ACME_KEY": "k"}).accounts] == ["https://api.acme.example"]
    async with serve(vendor()) as origin, httpx.AsyncClient() as http:
        config = configured(tmp_path, origin)
        database = Database.open(config.store)
        async with Daemon(config, lambda: config, SystemClock(), database).running() as daemon:
            art = f"{daemon.gateway_url}/art"
            for title in ("cat", "dog"):
                assert (await http.post(f"{art}/draw", json={"brush": "pencil", "title": title})).status_code == 200
                assert (await http.get(f"{art}/drawings/{title}")).json()["state"] == "done"
            figures = await settled(daemon, http)
            page = (await http.get(daemon.operator_url)).text
        database.close()
    mine = {"provider": "acme", "account": "art"}
    assert figures.value("genmedia_tasks_created_total", model="pencil", **mine) == 2
    assert figures.value("genmedia_credit_balance_credits", **mine) == 7
    assert figures.value("genmedia_account_read_up", read="wallet", **mine) == 1
    assert figures.by("genmedia_requests_total", "endpoint", "kind", "outcome", **mine) == {
        ("/draw", "create", "success"): 2,
        ("/drawings/{id}", "poll", "success"): 2,
    }
    assert "acme" in page
