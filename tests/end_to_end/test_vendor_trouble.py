"""A vendor in trouble: the application sees just that, the daemon stays ready, and the figures are right afterwards."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from end_to_end.stage import PATIENCE_SECONDS, Stage, staged

from monitor.config import Address, GatewayConfig

STORM = 300
AT_ONCE = 100
ALLOWED_GROWTH_BYTES = 60 * 2**20
LONG_PENDING = {"durations": {"pending": 3600}}  # every answer to a poll is the same
VIDEO = {"model": "gen4.5", "promptText": "a", "ratio": "1280:720", "duration": 5}

Seen = tuple[int | None, bytes]
"""What a client sees: the status and the body as far as it came; None where there was no status."""

TROUBLES: list[tuple[dict[str, Any], str]] = [
    ({"fault": "status", "status": 503}, "overloaded"),
    ({"fault": "status", "status": 429, "headers": {"Retry-After": "7"}}, "rate_limited"),
    ({"fault": "html", "status": 502}, "overloaded"),
    ({"fault": "redirect"}, "redirected"),
    ({"fault": "broken_json"}, "truncated"),
    ({"fault": "half_body"}, "truncated"),
    ({"fault": "reset", "after_headers": True}, "truncated"),
]


class Client:
    """Asks for the organization of one account, at the gateway or at the vendor itself."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, key: str) -> None:
        self._session, self._base_url = session, base_url
        self._headers = {"Authorization": f"Bearer {key}", "X-Runway-Version": "2024-11-06"}

    async def create(self) -> str:
        url = f"{self._base_url}/v1/text_to_video"
        async with self._session.post(url, json=VIDEO, headers=self._headers) as reply:
            return str((await reply.json())["id"])

    async def poll(self, task: str) -> Seen:
        """One poll; a connection that breaks ends what was seen."""
        status, body = None, b""
        try:
            url = f"{self._base_url}/v1/tasks/{task}"
            async with self._session.get(url, headers=self._headers, allow_redirects=False) as reply:
                status = reply.status
                async for chunk in reply.content.iter_any():
                    body += chunk
        except aiohttp.ClientError:
            return status, body + b"(broken off)"
        return status, body

    async def storm(self, task: str) -> list[Seen]:
        """Many polls, many of them at once."""
        room = asyncio.Semaphore(AT_ONCE)

        async def one() -> Seen:
            async with room:
                return await self.poll(task)

        return await asyncio.gather(*(one() for _ in range(STORM)))


async def is_ready(stage: Stage) -> bool:
    return (await stage.http.get(f"{stage.daemon.operator_url}/-/ready")).status_code == 200


@pytest.mark.parametrize(("fault", "outcome"), TROUBLES, ids=[str(fault["fault"]) for fault, _ in TROUBLES])
async def test_an_answer_that_is_trouble_reaches_the_application_as_it_is(
    fault: dict[str, Any], outcome: str, tmp_path: Path
) -> None:
    async with staged(tmp_path, settings=LONG_PENDING) as stage, aiohttp.ClientSession() as session:
        through = Client(session, stage.base_url(), stage.keys["runway"])
        direct = Client(session, stage.vendor, stage.keys["runway"])
        task = await through.create()
        await stage.control("POST", "/faults", kind="poll", own=False, **fault)
        expected = await direct.poll(task)
        assert await through.poll(task) == expected

        before = psutil.Process().memory_info().rss
        assert Counter(await through.storm(task)) == {expected: STORM}
        assert psutil.Process().memory_info().rss - before < ALLOWED_GROWTH_BYTES
        assert await is_ready(stage)

        await stage.control("DELETE", "/faults")
        assert (await through.poll(task))[0] == 200
        figures = await stage.until(lambda scraped: scraped.total("genmedia_requests_total") == STORM + 3)
        polls = figures.by("genmedia_requests_total", "outcome", kind="poll")
        assert polls == {(outcome,): STORM + 1, ("success",): 1}


async def test_a_vendor_that_resets_before_it_answers_is_a_502_that_names_the_gateway(tmp_path: Path) -> None:
    async with staged(tmp_path, settings=LONG_PENDING) as stage, aiohttp.ClientSession() as session:
        through = Client(session, stage.base_url(), stage.keys["runway"])
        task = await through.create()
        await stage.control("POST", "/faults", kind="poll", own=False, fault="reset")

        seen = await through.storm(task)

        assert {status for status, _ in seen} == {502}
        assert all(b"genmedia-monitor" in body for _, body in seen)
        assert await is_ready(stage)
        figures = await stage.until(lambda scraped: scraped.total("genmedia_requests_total") == STORM + 1)
        assert figures.by("genmedia_requests_total", "code", "outcome", kind="poll") == {("none", "unreachable"): STORM}


async def test_clients_that_leave_a_hanging_vendor_are_counted_and_leave_nothing_behind(tmp_path: Path) -> None:
    async with staged(tmp_path, settings=LONG_PENDING, poll_interval=600) as stage, aiohttp.ClientSession() as session:
        through = Client(session, stage.base_url(), stage.keys["runway"])
        task = await through.create()
        await stage.control("POST", "/faults", kind="poll", own=False, fault="hang")

        clients = [asyncio.create_task(through.poll(task)) for _ in range(AT_ONCE)]
        await until_under_way_at_the_vendor(stage, AT_ONCE)
        for client in clients:
            client.cancel()
        await asyncio.wait(clients)
        assert all(client.cancelled() for client in clients)

        await until_under_way_at_the_vendor(stage, 0)
        assert len(await stage.requests(fault="client_gone")) == AT_ONCE
        assert await is_ready(stage)
        figures = await stage.until(lambda scraped: scraped.total("genmedia_requests_total") == AT_ONCE + 1)
        assert figures.by("genmedia_requests_total", "outcome", kind="poll") == {("client_gone",): AT_ONCE}
        assert figures.total("genmedia_requests_in_flight") == 0


async def until_under_way_at_the_vendor(stage: Stage, requests: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await stage.control("GET", "/counts"))["in_flight"] != requests:
            await asyncio.sleep(0.1)


async def test_a_vendor_that_hangs_too_long_is_a_504_that_names_the_gateway(tmp_path: Path) -> None:
    impatient = GatewayConfig(listen=Address("127.0.0.1", 0), timeout=0.5)
    async with staged(tmp_path, gateway=impatient) as stage, aiohttp.ClientSession() as session:
        through = Client(session, stage.base_url(), stage.keys["runway"])
        task = await Client(session, stage.vendor, stage.keys["runway"]).create()
        await stage.control("POST", "/faults", kind="poll", own=False, fault="hang")

        seen = await through.storm(task)

        assert {status for status, _ in seen} == {504}
        figures = await stage.until(lambda scraped: scraped.total("genmedia_requests_total") == STORM)
        assert figures.by("genmedia_requests_total", "code", "outcome", kind="poll") == {("none", "timeout"): STORM}


async def test_account_figures_are_withdrawn_when_reads_fail_for_long_and_come_back(tmp_path: Path) -> None:
    async with staged(tmp_path, poll_interval=0.2) as stage:
        await stage.until(lambda scraped: scraped.value("genmedia_credit_balance_credits") == 100_000)
        await stage.control("POST", "/faults", own=True, fault="html", status=503)
        await stage.until(lambda scraped: scraped.value("genmedia_account_read_up", read="organization") == 0)
        figures = await stage.until(lambda scraped: scraped.value("genmedia_credit_balance_credits") is None)
        assert figures.value("genmedia_account_read_age_seconds", read="organization") >= 2
        assert not figures.select("genmedia_limit")
        account = (await stage.http.get(f"{stage.daemon.operator_url}/api/v1/accounts/runway")).json()
        assert account["reads"][0].items() >= {"read": "organization", "up": False, "outcome": "overloaded"}.items()
        await stage.control("DELETE", "/faults")
        await stage.until(lambda scraped: scraped.value("genmedia_credit_balance_credits") == 100_000)
