from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from operator import itemgetter
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from stores import CATALOGUE, T0, accepted

from monitor.config import Account
from monitor.engine.apply import apply_batch
from monitor.judgement.daily_limit import rows
from monitor.judgement.daily_limit.ledger import DAY, HOUR, Span
from monitor.judgement.daily_limit.outlook import DailyOutlook
from monitor.judgement.daily_limit.state import EVERY, FREEING, AccountForecasts
from monitor.judgement.keeper import Keeper
from monitor.judgement.limits import LimitKind, LimitOutlook
from monitor.observations import AnyObservation, ModelLimits, Organization, TaskDeleted, TaskSeen, TaskStatus
from monitor.store import Database

MODELS = ("gen4.5", "gen4_turbo")
ACCOUNT = Account(name="a", provider="runway", api_key=SecretStr(""), base_url="http://127.0.0.1")

Forecasts = Keeper[AccountForecasts]


def forecasts() -> Forecasts:
    """Those of a daemon that has just started."""
    return Keeper(lambda connection, account: AccountForecasts(connection, account.name))


def organization(limit: int | None = 100, theirs: int | None = None) -> Organization:
    limits = {model: ModelLimits(daily_generations=limit) for model in MODELS}
    return Organization(limits=limits, daily_generations={} if theirs is None else dict.fromkeys(MODELS, theirs))


def create(database: Database, number: int, at: float, model: str = "gen4.5") -> None:
    seen = accepted(f"t{number}", id=f"o{number}", at=at, model=model)
    with database.begin(write=True) as connection:
        apply_batch(connection, [(seen, "gateway")], lambda _: CATALOGUE, at)


def look(
    database: Database,
    forecaster: Forecasts,
    now: float,
    limits: Organization | None = None,
    told_at: float | None = None,
) -> list[DailyOutlook]:
    """Look and store, as the daemon does."""
    with database.begin() as connection:
        account = forecaster.of(connection, ACCOUNT)
        account.update(connection, limits, told_at, now)
    with database.begin(write=True) as connection:
        forecaster.save(connection)
    forecaster.saved()
    return list(account.daily(limits, now))


def hours(database: Database, forecaster: Forecasts, start: int, end: int, each: float, limit: int) -> list[float]:
    """A generation every `each` seconds and a look a minute, by minutes since the start; what was announced when."""
    announced = []
    for minute in range(start, end):
        now = T0 + minute * EVERY
        if minute * EVERY % each == 0:
            create(database, minute, now)
        (daily,) = look(database, forecaster, now, organization(limit))
        if daily.exhaustion_seconds is not None:
            announced.append(now)
    return announced


TASKS = st.integers(0, 9)
EVENTS = st.one_of(
    st.tuples(st.just("create"), TASKS, st.floats(-30 * HOUR, HOUR)),
    st.tuples(st.sampled_from(["create", "poll", "end", "delete", "repeat"]), TASKS, st.floats(-HOUR, 0)),
    st.tuples(st.just("pass"), st.just(0), st.floats(-26 * HOUR, 26 * HOUR)),
    st.tuples(st.sampled_from(["glance", "restart"]), st.just(0), st.floats(0, EVERY / 2)),
)


class Course:
    """What an account goes through, on a store of many accounts; and a recount from the facts alone.

    A task is accepted when the earliest acceptance that tells of it says. Any of it may come late, twice, under another
    id, by another way in, after the task's end, or under a clock that was set.
    """

    def __init__(self, database: Database, account: str) -> None:
        self.now = T0
        self._database, self._account = database, account
        self._forecaster = forecasts()
        self._accepted: dict[int, float] = {}
        self._told: dict[int, TaskSeen] = {}

    def create(self, number: int, at: float) -> None:
        model = MODELS[number % 2]
        seen = accepted(f"t{number}", id=uuid4().hex, at=at, model=model, account=self._account)
        self._accepted[number] = min(at, self._accepted.get(number, at))
        self._told[number] = seen
        self._apply(seen)

    def repeat(self, number: int, _: float) -> None:
        if number in self._told:
            self._apply(self._told[number])

    def poll(self, number: int, at: float) -> None:
        self._apply(TaskSeen(account=self._account, task=f"t{number}", at=at, status=TaskStatus.RUNNING))

    def end(self, number: int, at: float) -> None:
        self._apply(TaskSeen(account=self._account, task=f"t{number}", at=at, status=TaskStatus.SUCCEEDED))

    def delete(self, number: int, at: float) -> None:
        self._apply(TaskDeleted(account=self._account, task=f"t{number}", at=at))

    def restart(self) -> None:
        self._forecaster = forecasts()

    def look(self) -> tuple[dict[str, int], dict[str, DailyOutlook]]:
        with self._database.begin() as connection:
            account = self._forecaster.of(connection, replace(ACCOUNT, name=self._account))
            account.update(connection, None, None, self.now)
        return account.used(self.now), {daily.model: daily for daily in account.daily(None, self.now)}

    def recount(self) -> dict[str, list[float]]:
        """When the taken slots of each model free, in order."""
        frees: defaultdict[str, list[float]] = defaultdict(list)
        for number, at in sorted(self._accepted.items(), key=itemgetter(1)):
            if self.now - DAY < at <= self.now:
                frees[MODELS[number % 2]].append(at + DAY)
        return frees

    def _apply(self, seen: AnyObservation) -> None:
        with self._database.begin(write=True) as connection:
            apply_batch(connection, [(seen, "gateway")], lambda _: CATALOGUE, self.now)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A store for the accounts of many courses."""
    database = Database.open(f"sqlite:///{tmp_path_factory.mktemp('courses') / 'monitor.db'}")
    yield database
    database.close()


@given(st.lists(EVENTS, max_size=30))
@settings(max_examples=100)
def test_any_course_of_events_leads_to_the_windows_of_a_recount(
    shared: Database, events: list[tuple[str, int, float]]
) -> None:
    course = Course(shared, uuid4().hex)
    for what, number, seconds in [*events, ("pass", 0, EVERY)]:
        if what == "restart":
            course.restart()
        elif what in {"pass", "glance"}:
            course.now += seconds if what == "glance" or abs(seconds) >= EVERY else EVERY
            used, daily = course.look()
            if what == "pass":
                frees = course.recount()
                assert used == {model: len(times) for model, times in frees.items()}
                assert daily.keys() == frees.keys()
                for model, times in frees.items():
                    assert daily[model].next_free_seconds == times[0] - course.now
                    for within, after in FREEING.items():
                        assert daily[model].freeing[within] == sum(at <= course.now + after for at in times)
                    expiries = [expiry for expiry in daily[model].expiries for _ in range(expiry.count)]
                    assert [expiry.first_seconds for expiry in expiries] == [at - course.now for at in times]
        else:
            getattr(course, what)(number, course.now + seconds)


@given(st.permutations([("create", n % 4, 7 * HOUR * n - 40 * HOUR) for n in range(8)]), st.sets(st.integers(0, 8)))
@settings(max_examples=30)
def test_the_same_facts_in_any_order_give_the_same_windows(
    shared: Database, facts: list[tuple[str, int, float]], looks: set[int]
) -> None:
    course = Course(shared, uuid4().hex)
    for place, (_, number, seconds) in enumerate(facts):
        if place in looks:
            course.now += EVERY
            course.look()
        course.create(number, T0 + seconds)
        course.poll(number, T0 + seconds + HOUR)
    course.now += EVERY
    used, daily = course.look()
    expected = Course(shared, uuid4().hex)
    expected.now = course.now
    for _, number, seconds in sorted(facts, key=itemgetter(2)):
        expected.create(number, T0 + seconds)
    assert (used, daily) == expected.look()
    assert used == {model: len(times) for model, times in expected.recount().items()}


def test_a_warning_outlives_a_restart_and_is_kept_once(database: Database) -> None:
    first = hours(database, forecaster := forecasts(), 0, 230, 120.0, 150)
    assert first
    assert 150 * 120 - (first[0] - T0) >= HOUR
    (before,) = look(database, forecaster, T0 + 230 * EVERY, organization(150))
    (after,) = look(database, again := forecasts(), T0 + 230 * EVERY + 1, organization(150))
    assert before.exhaustion_seconds is not None
    assert after.exhaustion_seconds is not None
    assert abs(after.exhaustion_seconds - before.exhaustion_seconds) < 120
    hours(database, again, 231, 320, 120.0, 150)
    with database.begin() as connection:
        record = rows.load(connection, "a", LimitKind.DAILY_GENERATIONS)["gen4.5"]
        account = again.of(connection, ACCOUNT)
    assert [warning.raised_at for warning in record.warnings] == [first[0]]
    assert len(record.exhaustions) == 1
    assert (account.quality.precision, account.quality.recall) == (1, 1)


def test_nothing_is_predicted_while_the_limit_is_unknown(database: Database) -> None:
    forecaster = forecasts()
    assert hours(database, forecaster, 0, 230, 120.0, 150)
    (daily,) = look(database, forecaster, T0 + 231 * EVERY, None)
    assert daily.exhaustion_seconds is None
    (daily,) = look(database, forecaster, T0 + 231 * EVERY + 1, organization(150))
    assert daily.exhaustion_seconds is not None


def test_an_unlimited_model_is_not_forecast(database: Database) -> None:
    create(database, 1, T0)
    (daily,) = look(database, forecaster := forecasts(), T0, organization(None))
    assert daily.exhaustion_seconds is None
    with database.begin() as connection:
        assert rows.load(connection, "a", LimitKind.DAILY_GENERATIONS) == {}
        assert forecaster.of(connection, ACCOUNT).quality.precision is None


def full(database: Database, ours: int, theirs: int | None, limit: int, now: float = T0 + HOUR) -> DailyOutlook:
    """What is told at `now` of a model with so many generations, one a minute from T0 on, just counted by both."""
    for number in range(ours):
        create(database, number, T0 + number * EVERY)
    organization = Organization(
        limits={"gen4.5": ModelLimits(daily_generations=limit)},
        daily_generations={} if theirs is None else {"gen4.5": theirs},
    )
    (daily,) = look(database, forecasts(), now, organization, now)
    return daily


@pytest.mark.parametrize(
    ("ours", "theirs", "limit", "frees"),
    [
        (20, 20, 20, T0 + DAY),
        (20, None, 20, T0 + DAY),
        (20, 15, 20, T0 + DAY),
        (22, 22, 20, T0 + 2 * EVERY + DAY),  # three must leave before there is room
        (20, 25, 20, None),  # five are of an age that nobody knows
        (0, 20, 20, None),
        (3, 3, 0, None),
    ],
)
def test_a_full_limit_says_when_it_has_room_as_far_as_that_is_known(
    database: Database, ours: int, theirs: int | None, limit: int, frees: float | None
) -> None:
    daily = full(database, ours, theirs, limit)
    assert (daily.outlook, daily.exhaustion_seconds) == (LimitOutlook.FULL, None)
    assert daily.free_seconds == (None if frees is None else frees - T0 - HOUR)
    assert daily.unseen == max(0, (theirs or 0) - ours)


def test_a_limit_that_the_provider_counted_full_before_a_slot_freed_has_room(database: Database) -> None:
    for number in range(20):
        create(database, number, T0 + number * EVERY)
    told = organization(20, 20)
    before, _ = look(database, forecaster := forecasts(), T0 + DAY - 1, told, T0 + DAY - 30)
    assert (before.outlook, before.free_seconds) == (LimitOutlook.FULL, 1)
    after, _ = look(database, forecaster, T0 + DAY, told, T0 + DAY - 30)
    assert (after.outlook, after.free_seconds) == (LimitOutlook.FULL, 0)
    read_anew, _ = look(database, forecaster, T0 + DAY + 1, organization(20, 19), T0 + DAY + 1)
    assert (read_anew.outlook, read_anew.free_seconds) == (LimitOutlook.TOO_EARLY, None)


def test_a_generation_under_way_while_the_provider_counts_is_no_unseen_one(database: Database) -> None:
    for number in range(20):
        create(database, number, T0 + number)
    (daily, _) = look(database, forecasts(), T0 + 60, organization(20, 20), T0 + 15)
    assert (daily.unseen, daily.free_seconds) == (0, DAY - 60)


@pytest.mark.parametrize(
    ("limit", "watched", "outlook"),
    [
        (20, 3599.0, LimitOutlook.TOO_EARLY),
        (20, 3600.0, LimitOutlook.NONE_EXPECTED),
        (None, 0.0, LimitOutlook.NONE_EXPECTED),
        (1, 0.0, LimitOutlook.FULL),
    ],
)
def test_a_limit_that_is_not_expected_to_be_hit_is_told_from_one_that_was_watched_too_little(
    database: Database, limit: int | None, watched: float, outlook: LimitOutlook
) -> None:
    create(database, 1, T0)
    watch(database, Span(T0 - watched, T0))
    (daily,) = look(database, forecasts(), T0, organization(limit))
    assert daily.outlook is outlook


def test_the_limit_and_its_outlook_are_unknown_together(database: Database) -> None:
    create(database, 1, T0)
    unreadable = Organization(limits={"gen4.5": ModelLimits(unknown=("daily_generations",))})
    for told in (None, Organization(), unreadable):
        (daily,) = look(database, forecasts(), T0, told)
        assert (daily.outlook, daily.limit) == (LimitOutlook.UNKNOWN, None)


def test_a_limit_stops_being_expected_to_be_hit_once_it_is_full(database: Database) -> None:
    hours(database, forecaster := forecasts(), 0, 299, 120.0, 150)
    create(database, 999, T0 + 299 * EVERY)  # between two looks
    with database.begin() as connection:
        account = forecaster.of(connection, ACCOUNT)
        account.update(connection, organization(150), None, T0 + 298 * EVERY + 50)
    (daily,) = look(database, forecaster, T0 + 299 * EVERY, organization(150))
    assert (daily.outlook, daily.exhaustion_seconds) == (LimitOutlook.FULL, None)


def reconciled(
    database: Database, now: float, theirs: int, told_at: float, forecaster: Forecasts | None = None
) -> dict[str, int]:
    """The drift of each model."""
    look(database, forecaster := forecaster or forecasts(), now, organization(theirs=theirs), told_at)
    with database.begin() as connection:
        return {one.model: one.drift for one in forecaster.of(connection, ACCOUNT).reconciled}


def watch(database: Database, *spans: Span) -> None:
    with database.begin(write=True) as connection:
        rows.save_watched(connection, {"a": spans})


def test_counts_are_reconciled_once_a_day_was_watched_and_as_of_the_providers_figure(database: Database) -> None:
    create(database, 1, T0)
    assert reconciled(database, T0, 3, T0) == {}
    watch(database, Span(T0 - DAY, T0))
    create(database, 2, T0 + 50)
    assert reconciled(database, T0 + 60, 3, T0 + 40) == {"gen4.5": 2, "gen4_turbo": 3}


def test_figures_told_just_now_wait_until_all_that_passed_is_counted(database: Database) -> None:
    watch(database, Span(T0 - DAY, T0))
    forecaster = forecasts()
    create(database, 1, T0)
    assert reconciled(database, T0 + 5, 2, T0 + 4, forecaster) == {}
    create(database, 2, T0 + 3)  # was on its way to the store
    assert reconciled(database, T0 + 65, 4, T0 + 64, forecaster) == {"gen4.5": 0, "gen4_turbo": 2}
    assert reconciled(database, T0 + 125, 5, T0 + 115, forecaster) == {"gen4.5": 3, "gen4_turbo": 5}


def test_a_model_that_nobody_uses_is_not_reconciled(database: Database) -> None:
    watch(database, Span(T0 - DAY, T0))
    create(database, 1, T0)
    assert reconciled(database, T0 + 60, 0, T0 + 40) == {"gen4.5": -1}


def test_a_figure_from_before_the_ledgers_reach_is_not_reconciled(database: Database) -> None:
    watch(database, Span(T0 - 2 * DAY, T0))
    assert reconciled(database, T0, 3, T0 - 3 * HOUR) == {"gen4.5": 3, "gen4_turbo": 3}
    assert reconciled(database, T0, 3, T0 - 4 * HOUR) == {}


def test_what_the_provider_counted_beyond_the_ledger_is_told_as_of_its_count(database: Database) -> None:
    """What has left the window since is not taken for somebody else's."""
    for number in range(20):
        create(database, number, T0 + number)
    told_at = T0 + DAY - HOUR
    unseen = [
        look(database, forecasts(), at, organization(theirs=theirs), told_at)[0].unseen
        for at, theirs in ((told_at, 20), (T0 + DAY + 10, 20), (T0 + DAY + 10, 23), (T0 + DAY + 10, 5))
    ]
    assert unseen == [0, 0, 3, 0]
    assert look(database, forecasts(), T0 + DAY + 10, None)[0].unseen == 0


def test_a_time_that_was_not_watched_is_not_covered(database: Database) -> None:
    forecaster = forecasts()
    for at in (0, 60, 120, 12 * HOUR, 12 * HOUR + 60):
        look(database, forecaster, T0 + at)
    with database.begin() as connection:
        watched = (forecaster.of(connection, ACCOUNT).coverage, forecasts().of(connection, ACCOUNT).coverage)
    assert watched[0] == 180 / DAY
    look(database, again := forecasts(), T0 + 12 * HOUR + 120)
    with database.begin() as connection:
        assert again.of(connection, ACCOUNT).coverage == 240 / DAY


def test_nothing_is_to_store_between_two_looks(database: Database) -> None:
    look(database, forecaster := forecasts(), T0, organization())
    with database.begin() as connection:
        forecaster.of(connection, ACCOUNT).update(connection, organization(), T0, T0 + EVERY - 1)
        assert not forecaster.is_changed
        forecaster.of(connection, ACCOUNT).update(connection, organization(), T0, T0 + EVERY)
        assert forecaster.is_changed
