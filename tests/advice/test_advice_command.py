"""The command as its user has it: a process beside a daemon's listener."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from io import StringIO
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from msgspec.structs import replace
from rich.console import Console
from web.listeners import Daemon as Listener

from monitor.judgement.snapshot import Snapshot
from monitor.judgement.tiers.outlook import Advice, AdviceVerdict, ModelAdvice, TierState, WindowAdvice
from monitor.planning.advice import view
from monitor.views.replies import AccountReply

ROOT = Path(__file__).parents[2]
UNUSED = {
    **dict.fromkeys(("dollars_per_credit", "has_credits", "retries"), 0),
    **dict.fromkeys(("warnings", "reads", "limits", "tasks", "daily", "requests"), ()),
    **dict.fromkeys(("organization", "spent", "credits")),
}
ADVICE = Advice(table="t", table_date="autumn 2026", table_source="https://docs", table_doubt="In doubt.", windows=())


async def advice(listener: Listener, *options: str) -> tuple[int | None, str, str]:
    """Its exit status, standard output and standard error."""
    environ = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "FORCE_COLOR"}}
    async with TestServer(listener.listener()) as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "monitor", "advice", *options, "--url", str(server.make_url("/"))),
            cwd=ROOT,
            env=environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


def shown(tier: TierState | None, *windows: WindowAdvice, account: str = "a") -> str:
    """The view of one account, its white space as single spaces."""
    told = None if tier is None else replace(ADVICE, windows=windows)
    reply = AccountReply(**UNUSED, account=account, provider="runway", tier=tier, advice=told)
    written = StringIO()
    Console(width=200, file=written).print(view(reply))
    return re.sub(r"\s+", " ", written.getvalue()).strip()


async def test_every_account_is_told_with_the_way_to_its_tier(listener: Listener) -> None:
    status, output, errors = await advice(listener)
    assert (status, errors) == (0, "")
    lines = [re.sub(r"\s+", " ", line).strip() for line in output.splitlines()]
    for line in (
        "production (runway): tier 2, as configured",
        "last 7 days, 97 % watched: tier 3 would have been enough; reaching it takes $100.00 of purchases in total",
        "gen4.5 418 tier 2 5 tier 3",
        "upscale_v1 not in the table not in the table",
        "credits in 30 days: 4,647 tier 1",
        "last 30 days, 25 % watched: no advice: too little of this window was watched",
        "staging (runway): the provider has no usage tiers",
    ):
        assert line in lines


async def test_json_is_what_the_api_tells(listener: Listener, snapshot: Snapshot) -> None:
    status, output, _ = await advice(listener, "production", "--json")
    answer = json.loads(output)
    assert (status, answer["at"], answer["age_seconds"]) == (0, snapshot.at, 3)
    (account,) = answer["accounts"]
    assert (account["account"], account["provider"], account["tier"]["inferred"]) == ("production", "runway", 2)
    assert [window["tier"] for window in account["advice"]["windows"]] == [3, None]


async def test_an_account_that_is_not_there_is_one_line(listener: Listener) -> None:
    status, output, errors = await advice(listener, "nobody")
    assert (status, output) == (1, "")
    assert errors.splitlines() == [
        "genmedia-monitor: no account is named 'nobody'; the daemon watches production, staging, runware"
    ]


@pytest.mark.parametrize(
    ("tier", "told"),
    [
        (TierState(table="t"), "a (runway): tier unknown"),
        (TierState(table="t", inferred=3), "a (runway): tier 3, inferred from its live limits"),
        (TierState(table="t", configured=3, inferred=3), "a (runway): tier 3, as configured"),
        (
            TierState(table="t", configured=3, inferred=4),
            "a (runway): tier 3, as configured; its live limits are those of tier 4",
        ),
    ],
)
def test_where_the_tier_is_from_is_told(tier: TierState, told: str) -> None:
    assert shown(tier).startswith(f"{told} Limits of tiers come from the table of autumn 2026 (https://docs)")


@pytest.mark.parametrize(
    ("current", "wanted", "told"),
    [
        (3, {"tier": 3}, "tier 3 would have been enough, the account's current tier"),
        (4, {"tier": 3}, "tier 3 would have been enough; the account is at tier 4"),
        (2, {"tier": 3}, "tier 3 would have been enough; how to reach it is unknown"),
        (
            None,
            {"tier": 3, "purchased_dollars": 1000.0, "wait_days": 14},
            "tier 3 would have been enough; reaching it takes $1,000.00 of purchases in total, then a wait of 14 days",
        ),
        (2, {"verdict": AdviceVerdict.BEYOND_EVERY_TIER}, "no tier would have been enough"),
        (2, {"verdict": AdviceVerdict.SPEND_UNKNOWN}, "no advice: the provider's usage is unknown"),
        (2, {"verdict": AdviceVerdict.LIMITS_UNKNOWN}, "no advice: the account's limits are unknown"),
    ],
)
def test_the_way_to_a_tier_is_told(current: int | None, wanted: dict[str, object], told: str) -> None:
    window = replace(WindowAdvice(window="7d", watched=1.0, verdict=AdviceVerdict.ADVISED), **wanted)
    assert f"last 7 days, 100 % watched: {told} Limits of tiers come" in shown(
        TierState(table="t", inferred=current), window
    )


def test_what_is_too_much_for_every_tier_is_told_and_a_hostile_name_stays_text() -> None:
    peak = ModelAdvice(model="\x1b[2J", generations=9, concurrency=200, generations_tier=1, concurrency_tier=None)
    window = WindowAdvice(window="30d", watched=1.0, verdict=AdviceVerdict.BEYOND_EVERY_TIER, models=(peak,))
    assert "\N{REPLACEMENT CHARACTER}[2J 9 tier 1 200 beyond every tier" in shown(TierState(table="t"), window)


async def test_the_concurrency_of_a_provider_without_tiers_is_told(listener: Listener) -> None:
    status, output, _ = await advice(listener, "runware")
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert status == 0
    assert "runware (runware): the provider has no usage tiers" in lines
    assert "model state parallel tasks time time (no capacity)" in lines
    assert "google:3@1 approaching 3 2 min 31 s 1 min 2 s 1.5 %" in lines
    assert "runware:101@1 not enough data 4 unknown unknown unknown" in lines
    _, output, _ = await advice(listener, "runware", "--json")
    (account,) = json.loads(output)["accounts"]
    assert [one["recommended_concurrency"] for one in account["capacity"]] == [3, 4]


def test_a_provider_without_tiers_gets_no_advice() -> None:
    assert shown(None, account="x") == "x (runway): the provider has no usage tiers"
