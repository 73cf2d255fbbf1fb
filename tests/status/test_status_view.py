import io
import re
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace
from rich.console import Console

from monitor.cli.status.view import View
from monitor.cli.status.watch import Watch
from monitor.judgement.account_reads.reads import ReadState
from monitor.judgement.capacity.outlook import ModelCapacity, QueueState
from monitor.judgement.daily_limit.outlook import DailyOutlook
from monitor.judgement.limits import LimitOutlook
from monitor.judgement.snapshot import AccountSnapshot, Snapshot
from monitor.observations import ModelLimits, Organization
from monitor.tasks.open_tasks import ModelTasks
from monitor.views.figures import Figures
from monitor.views.formatting import percentage

Ask = Callable[..., Awaitable[Figures]]
URL = "http://127.0.0.1:10190"
RED, YELLOW, GREEN = "\x1b[31m", "\x1b[33m", "\x1b[32m"


def shown(
    watch: Watch | Figures, width: int = 80, height: int | None = None, now: float = 0.0, **console: object
) -> str:
    watch = watch if isinstance(watch, Watch) else Watch(watch, 0.0)
    output = io.StringIO()
    target = Console(file=output, width=width, height=height or 500, highlight=False, **console)
    target.print(View(watch, URL, now), height=height)
    return output.getvalue()


def row(text: str, beginning: str) -> str:
    """The last line that begins so; its runs of blanks as one."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip().startswith(beginning)][-1]


@pytest.mark.parametrize("width", [80, 100, 140, 200])
async def test_every_figure_can_be_read_at_usual_widths(ask: Ask, snapshot: Snapshot, width: int) -> None:
    text = shown(await ask(snapshot, "production"), width)
    assert max(map(len, shown(await ask(snapshot), width).splitlines())) <= width
    assert "updated 3 s ago (2026-11-22 14:30:00 UTC)" in text
    told = " ".join(text.split())
    assert row(text, "balance") == "balance $182.40, 18,240 credits, as of 14:25 UTC"
    assert "spent $11.60 today, $46.47 in 30 days, as of 14:19 UTC; $15.20 left the balance today; the" in told
    assert "burn $15.20 in the last 25 min; the balance lasts 5 h at $36.48 an hour" in told
    assert row(text, "autobilling") == "autobilling due: the balance is below its threshold"
    assert row(text, "monthly spend credits") == "monthly spend credits 5,000 of 10,000; until full: 10 d"
    assert "200 throttled, 1 pending, 6 running, 3 orphaned" in text
    assert "13,415, 56 failed (0.4 %), 20 were retries" in text
    assert row(text, "create").startswith("create 532 25 4.7 % 10, 3 failed (30.0 %) rate limited 18,")
    limits = row(text, "gen4.5").replace("━", "").replace("╸", "").split()
    assert limits[:11] == ["gen4.5", "5", "of", "5", "100", "%", "418", "of", "500", "83", "%"]
    assert limits[11:] == (["41", "s", "59", "min", "412", "$12.00", "$42.00"] if width >= 120 else [])
    assert "gen4.5 198 21 min 24 s 24 min 45 s 1 4 3" in " ".join(text.split())
    assert "! gen4.5: daily generations at 83 %: 418 of 500" in text
    assert "! gen4.5: the daily limit will be reached in about 59 min" in text
    assert row(text, "gen4_image").endswith(" none none 95 -$0.40 $4.35") == (width >= 120)
    assert "3 more models are not in use; --all lists them" in text


@pytest.mark.parametrize("width", [120, 140, 200])
async def test_a_full_daily_limit_says_when_it_frees(ask: Ask, width: int) -> None:
    full = DailyOutlook(model="m", limit=20, outlook=LimitOutlook.FULL, free_seconds=84_840.0)
    limits = {name: ModelLimits(concurrency=1, daily_generations=20) for name in ("m", "n")}
    account = AccountSnapshot(
        account="a",
        provider="runway",
        dollars_per_credit=0.01,
        organization=Organization(limits=limits, daily_generations={"m": 20, "n": 2}),
        daily=(full, DailyOutlook(model="n", limit=20, outlook=LimitOutlook.TOO_EARLY)),
    )
    at = 1_764_559_680.0  # Mon 1 Dec 2025 03:28 UTC
    told = await ask(Snapshot(at=at, accounts=(account,)))
    text = shown(told, width)
    assert "full; the first slot frees" in text
    assert "! m: the daily limit is full; the first slot frees in 23 h 34 min (Tue 03:02 UTC)" in text
    assert row(text, "n").endswith("none too early 0 unknown unknown")
    assert max(map(len, text.splitlines())) <= width
    assert told.accounts[0].models[0].daily_until == "full; the first slot frees in 23 h 34 min (Tue 03:02 UTC)"


async def test_what_is_unknown_is_called_so_and_no_zero_stands_for_it(ask: Ask, snapshot: Snapshot) -> None:
    text = shown(await ask(snapshot, "staging"))
    assert row(text, "balance") == "balance unknown"
    assert row(text, "spent") == "spent unknown"
    assert row(text, "requests") == "requests none yet"
    assert "organization has not worked yet (unauthorized), usage not read yet" in " ".join(text.split())
    assert "%" not in text
    assert "$" not in text


async def test_an_account_without_credits_has_its_balance_in_dollars_alone(ask: Ask, snapshot: Snapshot) -> None:
    assert row(shown(await ask(snapshot, "runware")), "balance") == "balance $2,450.75"


@pytest.mark.parametrize("width", [80, 140])
async def test_models_without_limits_show_their_capacity(ask: Ask, snapshot: Snapshot, width: int) -> None:
    text = shown(await ask(snapshot, "runware", every_model=True), width)
    spent = row(text, "google:3@1").removeprefix("google:3@1 approaching 3 2 min 31 s 1 min 2 s 1.5 %")
    assert bool(spent) == (width >= 120)
    assert row(text, "runware:101@1").startswith("runware:101@1 not enough data 4 unknown unknown unknown")
    assert "! google:3@1: approaching saturation; keep at most 3 tasks open" in text
    assert "limits" not in text


@pytest.mark.parametrize(
    ("state", "colour"), [(QueueState.HEALTHY, GREEN), (QueueState.APPROACHING, YELLOW), (QueueState.SATURATED, RED)]
)
async def test_a_state_of_capacity_has_its_colour(ask: Ask, state: QueueState, colour: str) -> None:
    told = ModelCapacity(model="m", state=state, recommended_concurrency=4)
    account = AccountSnapshot(account="a", provider="runware", dollars_per_credit=1, has_limits=False, capacity=(told,))
    figures = await ask(Snapshot(at=1.0, accounts=(account,)))
    line = row(shown(figures, force_terminal=True, color_system="standard"), "m")
    assert [code for code in (RED, YELLOW, GREEN) if code in line] == [colour]


async def test_a_provider_without_limits_has_no_table_of_limits(ask: Ask, snapshot: Snapshot) -> None:
    account = AccountSnapshot(
        account="a",
        provider="runware",
        dollars_per_credit=1.0,
        has_limits=False,
        tasks=(ModelTasks(model="flux", open={}, accepted_24h=1),),
    )
    text = shown(await ask(Snapshot(at=snapshot.at, accounts=(account,))))
    assert "unlimited" not in text
    assert "in 24 h" not in text
    assert row(text, "flux").startswith("flux not enough data")


async def test_use_of_an_unlimited_model_is_told(ask: Ask, snapshot: Snapshot) -> None:
    told = Organization(limits={"gen4.5": ModelLimits()}, daily_generations={"gen4.5": 12})
    account = AccountSnapshot(account="a", provider="runway", dollars_per_credit=0.01, organization=told)
    text = shown(await ask(Snapshot(at=snapshot.at, accounts=(account,))))
    assert row(text, "gen4.5") == "gen4.5 unlimited 12, unlimited"


async def test_unlimited_and_unknown_limits_are_told_apart(ask: Ask, snapshot: Snapshot) -> None:
    text = shown(await ask(snapshot, "production", every_model=True))
    assert row(text, "gen4_turbo") == "gen4_turbo unlimited unlimited"
    assert row(text, "upscale_v1") == "upscale_v1 unknown unknown"
    assert row(text, "act_two") == "act_two 0 of 3 0 % unknown of 200"


@pytest.mark.parametrize("width", [80, 140])
async def test_tasks_that_no_poll_has_confirmed_stand_apart_from_the_use_of_the_limit(ask: Ask, width: int) -> None:
    account = AccountSnapshot(
        account="a",
        provider="runway",
        dollars_per_credit=0.01,
        organization=Organization(
            limits={"gemini_2.5_flash": ModelLimits(concurrency=3, daily_generations=20)},
            daily_generations={"gemini_2.5_flash": 7},
        ),
        tasks=(ModelTasks(model="gemini_2.5_flash", open={"pending": 6, "running": 1}, unconfirmed=4),),
    )
    text = shown(await ask(Snapshot(at=1.0, accounts=(account,))), width)
    assert max(map(len, text.splitlines())) <= width
    assert row(text, "tasks") == "tasks 0 throttled, 6 pending, 1 running, 0 orphaned, 4 unconfirmed"
    limits = " ".join(text.replace("━", "").replace("╸", "").split())
    assert re.search(r"gemini_2.5_flash 3 of 3, 100 % .* 4 more unconfirmed", limits)


async def test_no_drain_estimate_is_unknown(ask: Ask, snapshot: Snapshot) -> None:
    assert "2 40 s unknown 0 0 0" in " ".join(shown(await ask(snapshot)).split())


@pytest.mark.parametrize(
    ("used", "colour"), [(0, GREEN), (799, GREEN), (800, YELLOW), (949, YELLOW), (950, RED), (1200, RED)]
)
async def test_a_bar_has_the_colour_of_its_level(ask: Ask, used: int, colour: str) -> None:
    account = AccountSnapshot(
        account="a",
        provider="runway",
        dollars_per_credit=0.01,
        organization=Organization(limits={"m": ModelLimits(daily_generations=1000)}, daily_generations={"m": used}),
        tasks=(ModelTasks(model="m", open={"running": 1}),),
    )
    figures = await ask(Snapshot(at=1.0, accounts=(account,)))
    line = row(shown(figures, force_terminal=True, color_system="standard"), "m")
    assert [code for code in (RED, YELLOW, GREEN) if code in line] == [colour]
    assert f"{used // 10} %" in line


async def test_a_bar_is_as_long_as_its_share(ask: Ask, snapshot: Snapshot) -> None:
    text = shown(await ask(snapshot), 140)
    full, most = (len(bar) for bar in re.findall("━+╸?", row(text, "gen4.5")))
    fifth, tenth = (len(bar) for bar in re.findall("━+╸?", row(text, "gen4_image")))
    assert full >= 14
    assert most == pytest.approx(0.836 * full, abs=1)
    assert fifth == pytest.approx(0.2 * full, abs=1)
    assert tenth == pytest.approx(0.095 * full, abs=1)


@pytest.mark.parametrize(
    ("read", "colour"),
    [
        (ReadState(read="usage", up=True, age_seconds=1.0, outcome="success"), [GREEN]),
        (ReadState(read="usage", up=False, age_seconds=1.0, outcome="timeout"), [RED]),
        (ReadState(read="usage", up=False), []),
    ],
)
async def test_a_read_is_red_only_once_it_has_failed(ask: Ask, read: ReadState, colour: list[str]) -> None:
    account = AccountSnapshot(account="a", provider="runway", dollars_per_credit=0.01, reads=(read,))
    figures = await ask(Snapshot(at=1.0, accounts=(account,)))
    text = shown(figures, force_terminal=True, color_system="standard")
    line = next(line for line in text.splitlines() if "account reads" in line)
    assert [code for code in (RED, YELLOW, GREEN) if code in line] == colour


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {}])
async def test_there_is_no_colour_where_none_is_wanted(ask: Ask, snapshot: Snapshot, environ: dict[str, str]) -> None:
    text = shown(await ask(snapshot), _environ=environ, force_terminal="NO_COLOR" in environ)
    assert not any(code in text for code in (RED, YELLOW, GREEN))
    assert "\x1b" not in text or "NO_COLOR" in environ


async def test_names_from_elsewhere_cannot_steer_the_terminal(ask: Ask, snapshot: Snapshot) -> None:
    hostile = "\x1b[2J\x1b]0;owned\x07[red]\u202e\r\n"
    account = replace(
        snapshot.accounts[0],
        account=hostile,
        provider=hostile,
        tasks=(ModelTasks(model=hostile, open={"throttled": 1}, throttled_oldest_age_seconds=900, orphaned=1),),
    )
    text = shown(Watch(await ask(Snapshot(at=1.0, accounts=(account,))), 0.0, trouble="gone"), force_terminal=False)
    assert "[red]" in text
    assert not {letter for letter in text if not letter.isprintable()} - {"\n"}


async def test_a_view_that_does_not_fit_says_how_much_is_missing(ask: Ask, snapshot: Snapshot) -> None:
    figures = await ask(snapshot)
    whole = shown(figures).splitlines()
    cut = shown(figures, height=20).splitlines()
    assert len(cut) == 20
    assert cut[:19] == whole[:19]
    assert cut[19].startswith(f"{len(whole) - 19} more lines: ")


async def test_a_daemon_that_went_away_is_shown_with_the_age_of_its_last_figures(ask: Ask, snapshot: Snapshot) -> None:
    text = shown(Watch(await ask(snapshot), 0.0).missed("no daemon answers"), now=87.0)
    assert "updated 1 min 30 s ago (2026-11-22 14:30:00 UTC)\nno daemon answers - trying again\n" in text
    assert "$182.40" in text


async def test_old_figures_of_a_daemon_that_answers_are_called_old(ask: Ask, snapshot: Snapshot) -> None:
    watch = Watch(await ask(snapshot), 0.0)
    assert "its figures are old" not in shown(watch, now=57.0)
    assert "its figures are old" in shown(watch, now=58.0)


async def test_the_last_five_minutes_have_a_rate_of_their_own(ask: Ask, snapshot: Snapshot) -> None:
    text = shown(await ask(snapshot, "production"))
    assert row(text, "requests") == "requests total failed rate last 5 min causes"
    assert row(text, "create").startswith("create 532 25 4.7 % 10, 3 failed (30.0 %) rate limited 18,")
    assert row(text, "poll").startswith("poll 12,871 31 0.2 % 118 ")
    assert row(text, "delete").startswith("delete 9 0 0 % 0")


@pytest.mark.parametrize(
    ("ratio", "text"), [(0.0, "0 %"), (0.29, "29 %"), (0.799, "79 %"), (0.9999, "99 %"), (1.0, "100 %"), (3.0, "300 %")]
)
def test_only_a_full_limit_is_at_a_hundred_percent(ratio: float, text: str) -> None:
    assert percentage(ratio) == text


async def test_a_daemon_without_accounts_says_so(ask: Ask) -> None:
    assert "no account is configured" in shown(await ask(Snapshot(at=1.0)))
