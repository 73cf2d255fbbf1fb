from monitor.judgement.daily_limit.record import KEPT, Record, after, quality_of
from monitor.judgement.daily_limit.warning import LimitWarning, Outlook, Step

NOW = 1_795_357_800.0


def warning(raised_at: float, *, withdrawn_at: float | None = None) -> LimitWarning:
    return LimitWarning(
        raised_at=raised_at, expected_at=raised_at + 3600, promised_at=raised_at + 5400, withdrawn_at=withdrawn_at
    )


def hit(ended: LimitWarning | None = None) -> Step:
    return Step(outlook=Outlook(armed=False), ended=ended, exhausted=True)


def test_right_and_wrong_warnings_and_exhaustions_are_told_apart() -> None:
    record = after(Record(), hit(warning(NOW - 3600)), 900, NOW)
    record = after(record, hit(), 900, NOW + 9000)
    withdrawn = Step(outlook=Outlook(), ended=warning(NOW + 9000, withdrawn_at=NOW + 9900))
    record = after(record, withdrawn, 900, NOW + 9900)
    quality = quality_of([record, Record()], NOW + 9900)
    assert (quality.right, quality.wrong, quality.foretold, quality.exhaustions) == (1, 1, 1, 2)


def test_an_exhaustion_that_nothing_could_have_foretold_is_not_kept() -> None:
    assert after(Record(), hit(), 899, NOW).exhaustions == ()
    assert after(Record(), hit(), 900, NOW).exhaustions == (NOW,)
    assert after(Record(), hit(warning(NOW - 3600)), 0, NOW).exhaustions == (NOW,)


def test_four_weeks_are_kept() -> None:
    record = after(Record(), hit(warning(NOW - 3600)), 900, NOW)
    assert after(record, Step(outlook=Outlook()), 900, NOW + KEPT - 3601) == Record(
        warnings=record.warnings, exhaustions=record.exhaustions
    )
    assert after(record, Step(outlook=Outlook()), 900, NOW + KEPT) == Record()
