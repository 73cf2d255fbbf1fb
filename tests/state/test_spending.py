from __future__ import annotations

from datetime import datetime

import pytest

from monitor.judgement.figures import Spend, spending
from monitor.judgement.snapshot import AccountSnapshot
from monitor.observations import DaySpend, SpendTotal, Usage

EVENING, MIDNIGHT, MORNING = (
    datetime.fromisoformat(f"2026-11-{text}:00Z").timestamp() for text in ("22T23:58", "23T00:01", "23T00:06")
)
DAYS = Usage(
    days=(DaySpend(date="2026-11-22", model="a", credits=40), DaySpend(date="2026-11-21", model="a", credits=2))
)
TOTALS = Usage(
    days=(),
    totals=(SpendTotal(model="a", window="today", credits=40), SpendTotal(model="a", window="30d", credits=42)),
)


@pytest.mark.parametrize("usage", [DAYS, TOTALS])
def test_usage_read_before_midnight_tells_nothing_of_today(usage: Usage) -> None:
    account = AccountSnapshot(account="a", provider="p", dollars_per_credit=1, usage=usage, usage_at=EVENING)
    evening, midnight = spending(account, EVENING), spending(account, MIDNIGHT)
    assert evening is not None
    assert midnight is not None
    assert (evening.total, evening.of("other")) == (Spend(40, 42), Spend(0, 0))
    assert (midnight.total, midnight.of("a"), midnight.of("other")) == (
        Spend(None, 42),
        Spend(None, 42),
        Spend(None, 0),
    )


def test_usage_read_after_midnight_without_any_is_nothing_spent() -> None:
    account = AccountSnapshot(account="a", provider="p", dollars_per_credit=1, usage=DAYS, usage_at=MORNING)
    told = spending(account, MORNING)
    assert told is not None
    assert told.total == Spend(0, 42)


def test_a_window_that_the_provider_does_not_tell_is_unknown() -> None:
    usage = Usage(days=(), totals=(SpendTotal(model="a", window="30d", credits=42),))
    told = spending(AccountSnapshot(account="a", provider="p", dollars_per_credit=1, usage=usage), MORNING)
    assert told is not None
    assert (told.total, told.of("other")) == (Spend(None, 42), Spend(None, 0))
    assert spending(AccountSnapshot(account="a", provider="p", dollars_per_credit=1), MORNING) is None
