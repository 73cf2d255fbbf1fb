from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor.judgement.daily_limit.ledger import DAY, HOUR, Span
from monitor.judgement.evaluate import tier_evidence
from monitor.judgement.figures import spent_credits
from monitor.judgement.snapshot import AccountSnapshot
from monitor.judgement.tiers import rows
from monitor.judgement.tiers.outlook import Advice, AdviceVerdict, ModelAdvice
from monitor.judgement.tiers.peaks import KEPT_DAYS, Peak, PeakDay, day_of
from monitor.judgement.tiers.state import EVERY, AccountTiers, refusals
from monitor.observations import DaySpend, ModelLimits, Organization, TaskStatus, Usage
from monitor.providers.runway.tiers import TIERS
from monitor.store import Database
from monitor.tasks.counters import CounterSpec, Series
from monitor.tasks.open_tasks import ModelTasks

MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
NOON = MIDNIGHT + 12 * HOUR
LIMITS = Organization(
    monthly_spend_credits=200_000,
    limits=dict.fromkeys(("gen4.5", "veo3.1", "wan3"), ModelLimits(concurrency=5, daily_generations=1000)),
)


def tasks(model: str, accepted: int = 0, throttled: int = 0, running: int = 0) -> ModelTasks:
    spread = {TaskStatus.THROTTLED: throttled, TaskStatus.RUNNING: running}
    return ModelTasks(model=model, open=spread, accepted_24h=accepted)


def seen(*models: ModelTasks, theirs: int = 0, refused: int = 0, **changes: object) -> AccountSnapshot:
    series = Series(CounterSpec.REQUESTS, ("/v1/text_to_video", "create", "gen4.5", "429", "rate_limited"), refused)
    told = AccountSnapshot(
        account="a",
        provider="runway",
        dollars_per_credit=0.01,
        series=(series,),
        tasks=models,
        organization=replace(LIMITS, daily_generations={"gen4.5": theirs}),
        usage=Usage(),
    )
    return replace(told, **changes)


def opened(database: Database) -> AccountTiers:
    with database.begin() as connection:
        return AccountTiers(connection, "a", TIERS)


def store(database: Database, tiering: AccountTiers) -> None:
    with database.begin(write=True) as connection:
        tiering.save(connection)
    tiering.saved()


def look(
    tiering: AccountTiers, what: AccountSnapshot, now: float = NOON, *watched: Span, configured: int | None = None
) -> Advice:
    advice = tiering.judge(tier_evidence(what, now), configured, watched, now).advice
    assert advice is not None
    return advice


def peak(advice: Advice, window: int = 0) -> dict[str, tuple[int, int]]:
    models: tuple[ModelAdvice, ...] = advice.windows[window].models
    return {one.model: (one.generations, one.concurrency) for one in models}


def test_peaks_are_the_most_that_was_seen_and_outlive_a_restart(database: Database) -> None:
    tiering = opened(database)
    look(tiering, seen(tasks("gen4.5", accepted=10, throttled=7, running=2)))
    look(tiering, seen(tasks("gen4.5", accepted=12, running=1), tasks("veo3.1", accepted=1)), NOON + 5)
    advice = look(tiering, seen(theirs=11), NOON + EVERY)
    assert peak(advice) == peak(advice, 1) == {"gen4.5": (12, 9), "veo3.1": (1, 0)}
    assert tiering.is_changed
    store(database, tiering)
    assert not tiering.is_changed
    assert peak(look(opened(database), seen(), NOON + 2 * EVERY)) == peak(advice)


def test_tasks_that_no_poll_has_shown_are_no_peak(database: Database) -> None:
    one = replace(tasks("gen4.5", throttled=4, running=7), unconfirmed=5)
    assert peak(look(opened(database), seen(one))) == {"gen4.5": (0, 6)}


def test_the_providers_count_is_a_peak_too(database: Database) -> None:
    assert peak(look(opened(database), seen(tasks("gen4.5", accepted=10), theirs=40))) == {"gen4.5": (40, 0)}


def test_a_refused_create_wanted_one_more_than_was_let_in(database: Database) -> None:
    tiering = opened(database)
    full = tasks("gen4.5", accepted=50)
    assert peak(look(tiering, seen(full, refused=7))) == {"gen4.5": (50, 0)}  # refused before this daemon
    assert peak(look(tiering, seen(full, refused=7), NOON + EVERY)) == {"gen4.5": (50, 0)}
    advice = look(tiering, seen(full, refused=9), NOON + 2 * EVERY)
    assert peak(advice) == {"gen4.5": (51, 0)}
    assert advice.windows[0].models[0].generations_tier == 2


def test_a_refusal_under_a_limit_of_zero_is_wanted(database: Database) -> None:
    tiering = opened(database)
    look(tiering, seen())
    assert peak(look(tiering, seen(refused=1), NOON + EVERY)) == {"gen4.5": (1, 0)}


def test_only_creates_that_a_limit_refused_are_refusals() -> None:
    labels = [
        ("/v1/text_to_video", "create", "gen4.5", "429", "rate_limited"),
        ("/v1/image_to_video", "create", "gen4.5", "429", "rate_limited"),
        ("/v1/text_to_video", "create", "gen4.5", "400", "insufficient_credits"),
        ("/v1/tasks/{id}", "poll", "", "429", "rate_limited"),
    ]
    series = (
        *(Series(CounterSpec.REQUESTS, one, 2) for one in labels),
        Series(CounterSpec.TASKS_CREATED, ("gen4.5",), 5),
    )
    assert refusals(seen(series=series).series) == {"gen4.5": 4}


def test_spend_is_net_of_refunds_and_unknown_without_the_usage() -> None:
    days = tuple(DaySpend(date=day_of(NOON - age * DAY), model="m", credits=100) for age in (0, 29, 30))
    refund = DaySpend(date=day_of(NOON), model="n", credits=-50)
    assert spent_credits(seen(usage=Usage(days=(*days, refund))), NOON) == 150
    assert spent_credits(seen(usage=Usage(days=(refund,))), NOON) == 0
    assert spent_credits(seen(usage=None), NOON) is None


def test_advice_comes_once_enough_was_watched_and_is_then_told(database: Database) -> None:
    tiering = opened(database)
    verdicts = []
    for hours in range(0, 7 * 24, 6):
        now = MIDNIGHT + hours * HOUR
        (week, month) = look(tiering, seen(tasks("gen4.5", running=4)), now, Span(MIDNIGHT, now)).windows
        verdicts.append((week.verdict, week.tier))
        assert month.verdict is AdviceVerdict.TOO_LITTLE_WATCHED
    silent = (AdviceVerdict.TOO_LITTLE_WATCHED, None)
    assert verdicts[0] == silent
    assert verdicts[-1] == (AdviceVerdict.ADVISED, 3)
    assert verdicts.index((AdviceVerdict.ADVISED, 3)) == len(verdicts) - verdicts.count((AdviceVerdict.ADVISED, 3))


def test_the_last_minutes_of_a_day_count_as_watched(database: Database) -> None:
    tiering = opened(database)
    watched = Span(MIDNIGHT - DAY, MIDNIGHT - 40)
    look(tiering, seen(), MIDNIGHT - 40, watched)
    look(tiering, seen(), MIDNIGHT + 20, Span(MIDNIGHT - DAY, MIDNIGHT + 20))
    store(database, tiering)
    with database.begin() as connection:
        days = rows.load(connection, "a")
    assert [day.watched_seconds for day in days.values()] == [DAY, 20]


def test_advice_is_made_anew_once_a_minute_and_when_the_tier_changes(database: Database) -> None:
    tiering = opened(database)
    first = look(tiering, seen())
    more = seen(tasks("gen4.5", running=2))
    assert look(tiering, more, NOON + EVERY - 1) is first
    assert peak(look(tiering, more, NOON + EVERY)) == {"gen4.5": (0, 2)}
    before = look(tiering, more, NOON + EVERY + 1)
    assert look(tiering, more, NOON + EVERY + 2, configured=4) is not before


@pytest.mark.parametrize("leap", [400 * DAY, -400 * DAY])
def test_a_clock_that_leaps_and_comes_back_costs_no_day(database: Database, leap: float) -> None:
    tiering = opened(database)
    for back in range(29, -1, -1):
        look(tiering, seen(tasks("gen4.5", running=back)), NOON - back * DAY)
    look(tiering, seen(), NOON + leap)
    store(database, tiering)
    assert peak(look(opened(database), seen(), NOON + EVERY), 1) == {"gen4.5": (0, 29)}


def test_old_days_are_forgotten(database: Database) -> None:
    tiering = opened(database)
    for day in range(KEPT_DAYS + 5):
        look(tiering, seen(tasks("gen4.5", running=1)), NOON + day * DAY)
        store(database, tiering)
    with database.begin() as connection:
        days = rows.load(connection, "a")
        assert rows.load(connection, "b") == {}
    assert list(days) == [day_of(NOON + day * DAY) for day in range(5, KEPT_DAYS + 5)]
    assert days[day_of(NOON + 9 * DAY)] == PeakDay(0.0, {"gen4.5": Peak(0, 1)})


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["look", "look", "look", "restart"]),
        st.floats(-2 * DAY, 3 * DAY),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    max_size=20,
)


@given(EVENTS)
@settings(max_examples=30)
def test_any_course_of_events_leaves_the_peaks_of_a_recount(events: list[tuple[str, float, int, int]]) -> None:
    """Looks, restarts and a clock that steps: what was looked at and stored is what a recount finds."""
    with TemporaryDirectory() as folder:
        database = Database.open(f"sqlite:///{Path(folder) / 'monitor.db'}")
        tiering, now = opened(database), NOON
        history: list[tuple[str, int, int]] = []
        for what, seconds, accepted, running in events:
            if what == "restart":
                tiering = opened(database)
                continue
            now += seconds if abs(seconds) >= EVERY else EVERY
            history.append((day_of(now), accepted, running))
            advice = look(tiering, seen(tasks("gen4.5", accepted=accepted, running=running)), now)
            store(database, tiering)
            for place, length in enumerate((7, 30)):
                days = {day_of(now - back * DAY) for back in range(length)}
                found = [(one, other) for day, one, other in history if day in days]
                most = (max(one for one, _ in found), max(other for _, other in found))
                assert peak(advice, place) == ({"gen4.5": most} if any(most) else {})
        database.close()
