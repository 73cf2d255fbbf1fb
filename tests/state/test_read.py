"""How an account read stands after one more."""

from monitor.judgement.account_reads.reads import Read, conclude
from monitor.observations import Organization, Outcome, ReadFinished


def finished(at: float, outcome: Outcome, figures: Organization | None = None) -> ReadFinished:
    return ReadFinished(account="a", at=at, read="organization", outcome=outcome, duration_seconds=1, figures=figures)


def test_a_failure_keeps_the_last_good_figures_and_counts_until_the_next_success() -> None:
    good = conclude(None, finished(1, Outcome.SUCCESS, Organization(credit_balance=5)))
    failed = conclude(conclude(good, finished(2, Outcome.TIMEOUT)), finished(3, Outcome.UNAUTHORIZED))

    assert failed == Read(
        account="a",
        read="organization",
        up=False,
        outcome=Outcome.UNAUTHORIZED,
        finished_at=3,
        ok_at=1,
        failures=2,
        figures=Organization(credit_balance=5),
    )
    again = conclude(failed, finished(4, Outcome.SUCCESS, Organization(credit_balance=6)))
    assert (again.up, again.ok_at, again.failures, again.figures) == (True, 4, 0, Organization(credit_balance=6))


def test_a_read_that_never_worked_has_no_figures_and_no_age() -> None:
    failed = conclude(None, finished(1, Outcome.UNREACHABLE))

    assert (failed.up, failed.ok_at, failed.failures, failed.figures) == (False, None, 1, None)
