import asyncio
import html
import os
import re
import shutil
from pathlib import Path

import msgspec
import pytest
from aiohttp.test_utils import TestClient
from listeners import Daemon
from msgspec.structs import replace

from monitor.judgement.capacity.outlook import ModelCapacity, QueueState
from monitor.judgement.daily_limit.outlook import DailyOutlook
from monitor.judgement.limits import LimitOutlook
from monitor.judgement.snapshot import AccountSnapshot, RecentFigures, Snapshot
from monitor.observations import ModelLimits, Organization, Outcome, Reason, SpendTotal, TaskStatus, Usage
from monitor.tasks.counters import CounterSpec, Series
from monitor.tasks.open_tasks import ModelTasks

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-logging=stderr --dump-dom"
)
MODELS = [f"vendor:generative_model_pro@{number}" for number in range(18)] + ["eleven_multilingual_sts_v2", "m" * 90]
WIDTHS = [320, 360, 768, 800, 801, 1001, 1100, 1200, 1279, 1280, 1417, 1492, 1500, 1900]
DAY_SECONDS = 86_399.0  # "23 h 59 min" is as long as a duration becomes

# Sandboxed, the page does not load itself anew while it is measured.
FRAME = '<iframe sandbox="allow-same-origin" width="{width}" height="600" srcdoc="{page}"></iframe>'
MEASURE = """<!doctype html><script>
const overflows = (element) => element.clientWidth > 0 && element.scrollWidth > element.clientWidth;
const sticksOut = (table) => table.offsetWidth > table.previousElementSibling.offsetWidth;
const faults = ({contentDocument}) => [...contentDocument.querySelectorAll("*")]
  .filter((element) => overflows(element) || (element.tagName === "TABLE" && sticksOut(element)))
  .map((element) => `${element.tagName} ${element.className} ${element.scrollWidth}`);
onload = () => {
  const measured = [...document.querySelectorAll("iframe")].map((one) => [one.contentWindow.innerWidth, faults(one)]);
  document.body.textContent = JSON.stringify(measured);
};
</script>"""


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    return found


async def browse(chromium: str, url: str, folder: Path) -> tuple[str, str]:
    """What becomes of the page in a browser, and the browser's log."""
    process = await asyncio.create_subprocess_exec(
        chromium,
        *FLAGS.split(),
        f"--user-data-dir={folder}",
        url,
        env={**os.environ, "HOME": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    page, log = await process.communicate()
    return page.decode(), log.decode()


async def test_a_browser_applies_the_style_and_finds_no_fault(
    client: TestClient, daemon: Daemon, snapshot: Snapshot, chromium: str, tmp_path: Path
) -> None:
    daemon.snapshot = snapshot
    page, log = await browse(chromium, str(client.make_url("/")), tmp_path)
    assert "production" in page
    assert "CONSOLE" not in log


def busy(account: AccountSnapshot, dollars: float) -> AccountSnapshot:
    """The account with many models, and figures that need room; `dollars` is the spend on each model."""
    credits_ = dollars / account.dollars_per_credit
    open_ = {TaskStatus.THROTTLED: 1_234, TaskStatus.PENDING: 12, TaskStatus.RUNNING: 40}
    ends = [("succeeded", ""), ("cancelled", ""), ("lost", ""), *(("failed", reason) for reason in Reason if reason)]
    return replace(
        account,
        series=(
            *(Series(CounterSpec.REQUESTS, ("/v1", "create", "m", "500", outcome), 123_456) for outcome in Outcome),
            *(Series(CounterSpec.TASKS_FINISHED, (model, *end), 12_345) for model in MODELS for end in ends),
        ),
        recent=RecentFigures({"create": dict.fromkeys(Outcome, 12_345)}, dict.fromkeys(MODELS, DAY_SECONDS)),
        tasks=tuple(
            ModelTasks(
                model=model,
                open=open_,
                orphaned=123,
                throttled_oldest_age_seconds=DAY_SECONDS,
                throttled_drain_seconds=DAY_SECONDS,
                accepted_24h=20_000,
            )
            for model in MODELS
        ),
        daily=tuple(
            DailyOutlook(model=model, limit=1, outlook=LimitOutlook.FULL, free_seconds=DAY_SECONDS) for model in MODELS
        ),
        usage=Usage(
            totals=tuple(SpendTotal(model=m, window=w, credits=credits_) for m in MODELS for w in ("today", "30d"))
        ),
    )


def with_limits(account: AccountSnapshot) -> AccountSnapshot:
    limits = {model: ModelLimits(concurrency=52, daily_generations=25_000) for model in MODELS}
    counts = dict.fromkeys(MODELS, 21_234)
    organization = Organization(credit_balance=12_345_678, limits=limits, daily_generations=counts)
    return replace(account, organization=organization)


def with_capacity(account: AccountSnapshot) -> AccountSnapshot:
    one = ModelCapacity(
        model="",
        state=QueueState.APPROACHING,
        recommended_concurrency=128,
        latency_seconds=DAY_SECONDS,
        baseline_seconds=DAY_SECONDS,
        failure_ratio=0.123,
    )
    return replace(account, capacity=tuple(replace(one, model=model) for model in MODELS))


async def test_a_busy_page_fits_into_windows_of_any_width(
    client: TestClient, daemon: Daemon, snapshot: Snapshot, chromium: str, tmp_path: Path
) -> None:
    runway, _, runware = (busy(account, dollars=2_345.67) for account in snapshot.accounts)
    daemon.snapshot = Snapshot(at=snapshot.at, accounts=(with_limits(runway), with_capacity(runware)))
    answer = await client.get("/", headers={"Accept-Encoding": "identity"})
    page = html.escape(await answer.text())
    frames = tmp_path / "frames.html"
    frames.write_text(MEASURE + "".join(FRAME.format(width=width, page=page) for width in WIDTHS))

    shown, _ = await browse(chromium, frames.as_uri(), tmp_path / "profile")
    (text,) = re.findall(r"<body>(.*)</body>", shown, re.DOTALL)
    measured = msgspec.json.decode(html.unescape(text))
    assert [width for width, _ in measured] == WIDTHS
    assert [one for one in measured if one[1]] == []
