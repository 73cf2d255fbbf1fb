import pytest

from monitor.judgement.credits.outlook import CreditOutlook
from monitor.judgement.daily_limit.outlook import DailyOutlook
from monitor.judgement.limits import LimitOutlook, limit_outlook
from monitor.observations import ModelLimits, Organization
from monitor.views.until import daily_in_words, daily_outlook, spend_in_words

AT = 1_764_559_680.0  # Mon 1 Dec 2025 03:28 UTC


def daily(outlook: LimitOutlook, **changes: object) -> DailyOutlook:
    return DailyOutlook(model="m", limit=20, outlook=outlook, **changes)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (daily(LimitOutlook.NONE_EXPECTED), "none expected"),
        (daily(LimitOutlook.TOO_EARLY), "too early"),
        (DailyOutlook(model="m"), "unknown"),
        (daily(LimitOutlook.EXPECTED, exhaustion_seconds=3540.0), "59 min"),
        (
            daily(LimitOutlook.FULL, free_seconds=84_840.0),
            "full; the first slot frees in 23 h 34 min (Tue 03:02 UTC)",
        ),
        (daily(LimitOutlook.FULL, free_seconds=0.0), "full when the provider last counted; a slot has freed since"),
        (
            daily(LimitOutlook.FULL, unseen=5, next_free_seconds=3600.0),
            "full; when a slot frees is unknown: the gateway did not see 5 of the generations; of those it saw, the "
            "first frees in 1 h (Mon 04:28 UTC)",
        ),
        (
            daily(LimitOutlook.FULL, unseen=20),
            "full; when a slot frees is unknown: the gateway did not see 20 of the generations",
        ),
        (DailyOutlook(model="m", limit=0, outlook=LimitOutlook.FULL, unseen=3), "full; the limit is 0"),
    ],
)
def test_until_when_always_has_an_answer(found: DailyOutlook, told: str) -> None:
    assert daily_in_words(found, AT) == told


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (CreditOutlook(), "unknown"),
        (CreditOutlook(spend_outlook=LimitOutlook.TOO_EARLY), "too early"),
        (CreditOutlook(spend_outlook=LimitOutlook.NONE_EXPECTED), "none expected"),
        (CreditOutlook(spend_outlook=LimitOutlook.EXPECTED, spend_exhaustion_seconds=86_400.0), "1 d"),
        (
            CreditOutlook(spend_outlook=LimitOutlook.FULL, spend_free_seconds=12 * 86_400.0),
            "full; the first purchase leaves the 30 days in 12 d (Sat 13 Dec 03:28 UTC)",
        ),
        (CreditOutlook(spend_outlook=LimitOutlook.FULL), "full; the limit is 0"),
    ],
)
def test_a_cap_on_purchases_says_when_something_can_be_bought_again(found: CreditOutlook, told: str) -> None:
    assert spend_in_words(found, AT) == told


@pytest.mark.parametrize(
    ("limits", "outlook"),
    [
        (None, LimitOutlook.UNKNOWN),
        (ModelLimits(unknown=("daily_generations",)), LimitOutlook.UNKNOWN),
        (ModelLimits(), LimitOutlook.NONE_EXPECTED),
        (ModelLimits(daily_generations=20), LimitOutlook.NONE_EXPECTED),
        (ModelLimits(daily_generations=0), LimitOutlook.FULL),
    ],
)
def test_a_model_without_generations_has_an_answer_too(limits: ModelLimits | None, outlook: LimitOutlook) -> None:
    told = Organization(limits={} if limits is None else {"m": limits})
    assert daily_outlook("m", (), told).outlook is outlook
    assert daily_outlook("m", (), None).outlook is LimitOutlook.UNKNOWN


@pytest.mark.parametrize(
    ("limit", "used", "hit", "watched", "outlook"),
    [
        (None, 1, None, True, LimitOutlook.UNKNOWN),
        (20, None, None, True, LimitOutlook.UNKNOWN),
        (20, 20, 5.0, False, LimitOutlook.FULL),
        (20, 19, 5.0, False, LimitOutlook.EXPECTED),
        (20, 19, None, False, LimitOutlook.TOO_EARLY),
        (20, 19, None, True, LimitOutlook.NONE_EXPECTED),
    ],
)
def test_full_comes_before_a_forecast_and_that_before_its_lack(
    limit: int | None, used: int | None, hit: float | None, *, watched: bool, outlook: LimitOutlook
) -> None:
    assert limit_outlook(limit, used, hit, watched=watched) is outlook
