"""The command as its user has it: a process, alone or beside a daemon that watches the simulated vendor."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from end_to_end.stage import Stage, staged

from monitor.cli import main
from monitor.judgement.limits import LimitKind

Run = Callable[..., tuple[object, str, str]]
ROOT = Path(__file__).parents[2]
VIDEO = {"model": "gen4.5", "promptText": "a", "ratio": "1280:720", "duration": 5}
SETTINGS = {"tier": 3, "limits": {"gen4.5": {"concurrency": 2, "daily": 1000}}, "durations": {"running": 3600}}


async def plan(*options: str) -> tuple[int | None, str, str]:
    """Its exit status, standard output and standard error."""
    environ = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "FORCE_COLOR"}}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "monitor", "plan", *options),
        cwd=ROOT,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


async def answered(*options: str) -> Any:
    """Its answer as JSON."""
    status, output, errors = await plan(*options, "--json")
    assert (status, errors) == (0, "")
    return json.loads(output)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The same of a command that fails, without a process."""

    def run(*options: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["genmedia-monitor", "plan", *options])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path, settings=SETTINGS, credits_=5_000) as stage:
        await stage.until(lambda figures: figures.value("genmedia_limit", model="gen4.5", limit="concurrency") == 2)
        yield stage


async def test_a_running_daemon_is_asked_for_the_accounts_limits(stage: Stage) -> None:
    url = stage.daemon.operator_url
    answer = await answered("--count", "200", "--seconds", "15", "--model", "gen4.5", "--url", url)
    assert answer["takes_seconds"] == {"least": 1500, "most": 1500}
    at, done = (datetime.fromisoformat(text) for text in (answer["at"], answer["done"]["latest"]))
    assert done - at == timedelta(minutes=25)
    assert done.utcoffset() == at.astimezone().utcoffset()
    assert (answer["origin"], answer["account"], answer["tier"]["tier"]) == ("account", "runway", 3)
    disagreement = {"model": "gen4.5", "limit": "concurrency", "live": 2, "table": [5]}
    assert answer["tier"]["disagreements"] == [disagreement]


async def test_the_command_in_the_readme_works_as_printed(stage: Stage) -> None:
    """Whatever models the account has, and whether it has used any."""
    readme = " ".join((ROOT / "README.md").read_text().split())
    printed = re.findall(r"`genmedia-monitor plan ([^`]+)`", readme)
    assert printed == ["--count 200 --seconds 15"]
    status, output, errors = await plan(*printed[0].split(), "--url", stage.daemon.operator_url)
    assert (status, errors) == (0, "")
    assert "model gen4.5: no model is in use; of all, its limits are the tightest" in " ".join(output.split())


async def test_what_the_account_has_used_and_has_open_counts(stage: Stage) -> None:
    headers = {"Authorization": f"Bearer {stage.keys['runway']}", "X-Runway-Version": "2024-11-06"}
    for _ in range(3):
        created = await stage.http.post(f"{stage.base_url()}/v1/text_to_video", json=VIDEO, headers=headers)
        await stage.http.get(f"{stage.base_url()}/v1/tasks/{created.json()['id']}", headers=headers)
    await stage.until(
        lambda figures: (
            figures.value("genmedia_limit_used", model="gen4.5", limit=LimitKind.DAILY_GENERATIONS) == 3
            and figures.value("genmedia_tasks", status="throttled") == 1
        )
    )
    answer = await answered(
        "--count", "4", "--seconds", "60", "--output-seconds", "5", "--url", stage.daemon.operator_url
    )
    limits = {limit["limit"]: limit for limit in answer["limits"]}
    assert answer["model"] == "gen4.5"
    assert answer["takes_seconds"] == {"least": 180, "most": 240}
    assert limits["daily_generations"]["used"] == 3
    assert limits["credit_balance"]["allowed"]["least"] == 5_000 - 3 * 60
    assert answer["cost"]["credits"] == {"least": 240, "most": 240}


async def test_a_model_that_the_account_has_not_is_one_line(stage: Stage) -> None:
    status, output, errors = await plan(
        "--count", "1", "--seconds", "1", "--model", "x\x1b", "--url", stage.daemon.operator_url
    )
    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert errors.startswith("genmedia-monitor: account 'runway' has no model 'x\\x1b': it has ")
    assert errors.endswith(" more\n")


async def test_a_plan_without_a_daemon_is_a_readable_table() -> None:
    status, output, errors = await plan(
        *("--count", "200", "--seconds", "150", "--tier", "2", "--model", "gen4.5", "--output-seconds", "5"),
        *("--used", "100", "--by", (datetime.now().astimezone() + timedelta(seconds=5_999)).isoformat()),
    )
    assert (status, errors) == (0, "")
    rows = [" ".join(line.split()) for line in output.splitlines()]
    assert rows[0] == "200 tasks of 2 min 30 s on gen4.5: tier 2 by the table of autumn 2026"
    assert "takes 2 h 47 min" in rows
    assert "held up by concurrency, perhaps monthly spend" in rows
    assert "accepted 200 at once" in rows
    assert any(row.startswith("by ") and row.endswith("no: 117 of 200 are done by then") for row in rows)
    assert any(row.startswith("cost 12,000 credits, $120.00 (60 a task; price list of 2026-09-19") for row in rows)
    assert "tier 4 is the lowest that is done in time: with $1,000 bought" in rows
    assert "daily generations 500 100 200 200 no" in rows
    assert any(row.startswith("5 20 25,000 25 min ") and "$100,000 yes with $5,000 bought" in row for row in rows)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--count", "0"), "--count 0: give 1 to 100,000"),
        (("--seconds", "nan"), "--seconds nan: give 0.001 to 86,400"),
        (("--tier", "9"), "--tier 9: give 1 to 5"),
        (
            ("--by", "tea time"),
            "--by 'tea time': give a time such as 18:00, or a date and time such as 2026-11-23T18:00",
        ),
        (("--url", "nowhere"), "--url: not a URL of a daemon; give one such as http://127.0.0.1:10190"),
    ],
)
def test_a_mistake_is_one_line(options: tuple[str, ...], message: str, run: Run) -> None:
    assert run("--count", "200", "--seconds", "15", *options) == (1, "", f"genmedia-monitor: {message}\n")


def test_no_daemon_is_one_line(run: Run) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        status, output, errors = run("--count", "200", "--seconds", "15", "--url", url)
    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert errors.startswith(f"genmedia-monitor: no daemon answers at {url} (")
    assert errors.endswith("(without a daemon, give --tier, or --concurrency and --daily)\n")
