from dataclasses import replace as changed

from msgspec.structs import replace

from monitor.status.figures import AccountFigures, Figures, RequestFigures
from monitor.status.watch import Pace, Watch


def account(total: int, failed: int, kind: str = "create") -> AccountFigures:
    requests = RequestFigures(kind=kind, total=total, failed=failed, error_ratio=None, outcomes={})
    return AccountFigures(
        account="a",
        provider="runway",
        warnings=(),
        balance_credits=None,
        balance_dollars=None,
        spent_today_dollars=None,
        spent_30d_dollars=None,
        burn_1h_dollars=None,
        burn_24h_dollars=None,
        runway_seconds=None,
        autobilling=None,
        purchase_coverage_ratio=None,
        limits=(),
        reads=(),
        requests=(requests,),
        retries=0,
        models=(),
        unlisted_models=0,
    )


def figures(at: float, *accounts: AccountFigures) -> Figures:
    return Figures(at=at, age_seconds=1.0, accounts=accounts)


def test_the_pace_is_what_came_between_two_evaluations() -> None:
    newest = account(15, 4)
    watch = Watch(figures(100, account(10, 2)), 0).saw(figures(105, newest), 5)
    assert watch.paces(newest) == {"create": Pace(5, 2, 5.0)}


def test_an_evaluation_that_is_seen_twice_keeps_the_pace() -> None:
    newest = account(15, 4)
    watch = Watch(figures(100, account(10, 2)), 0).saw(figures(105, newest), 5).saw(figures(105, newest), 7)
    assert watch.paces(newest) == {"create": Pace(5, 2, 5.0)}


def test_a_kind_that_is_new_counts_from_nothing() -> None:
    newest = account(3, 1, kind="poll")
    watch = Watch(figures(100, account(10, 2)), 0).saw(figures(105, newest), 5)
    assert watch.paces(newest) == {"poll": Pace(3, 1, 5.0)}


def test_no_pace_is_told_where_there_is_none() -> None:
    first = Watch(figures(100, account(10, 2)), 0)
    assert first.paces(account(10, 2)) == {}
    assert first.saw(figures(105, account(4, 2)), 5).paces(account(4, 2)) == {}, "another store counts anew"
    assert first.saw(figures(95, account(12, 2)), 5).paces(account(12, 2)) == {}, "the clock was set back"
    other = replace(account(12, 2), account="new")
    assert first.saw(figures(105, other), 5).paces(other) == {}, "the account is new"


def test_the_figures_grow_old_until_there_are_new_ones() -> None:
    watch = Watch(figures(100), 50.0)
    assert watch.age_seconds(50.0) == 1.0
    away = watch.missed("no daemon")
    assert (away.age_seconds(80.0), away.trouble) == (31.0, "no daemon")
    assert away == changed(watch, trouble="no daemon")
    back = away.saw(figures(130), 80.0)
    assert (back.age_seconds(80.0), back.trouble) == (1.0, "")
