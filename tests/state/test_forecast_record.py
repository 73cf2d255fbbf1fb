from monitor.judgement.daily_limit.record import KEPT, ForecastRecord, after, quality_of
from monitor.judgement.daily_limit.warning import ForecastState, ForecastStep, LimitWarning

NOW = 1_795_357_800.0


def warning(raised_at: float, *, withdrawn_at: float | None = None) -> LimitWarning:
    return LimitWarning(
        raised_at=raised_at, expected_at=raised_at + 3600, promised_at=raised_at + 5400, withdrawn_at=withdrawn_at
    )


def hit(ended: LimitWarning | None = None) -> ForecastStep:
    return ForecastStep(outlook=ForecastState(armed=False), ended=ended, exhausted=True)


def test_right_and_wrong_warnings_and_exhaustions_are_told_apart() -> None:
    record = after(ForecastRecord(), hit(warning(NOW - 3600)), 900, NOW)
    record = after(record, hit(), 900, NOW + 9000)
    withdrawn = ForecastStep(outlook=ForecastState(), ended=warning(NOW + 9000, withdrawn_at=NOW + 9900))
    record = after(record, withdrawn, 900, NOW + 9900)
    quality = quality_of([record, ForecastRecord()], NOW + 9900)
    assert (quality.right, quality.wrong, quality.foretold, quality.exhaustions) == (1, 1, 1, 2)


def test_an_exhaustion_that_nothing_could_have_foretold_is_not_kept() -> None:
    assert after(ForecastRecord(), hit(), 899, NOW).exhaustions == ()
    assert after(ForecastRecord(), hit(), 900, NOW).exhaustions == (NOW,)
    assert after(ForecastRecord(), hit(warning(NOW - 3600)), 0, NOW).exhaustions == (NOW,)


def test_four_weeks_are_kept() -> None:
    record = after(ForecastRecord(), hit(warning(NOW - 3600)), 900, NOW)
    assert after(record, ForecastStep(outlook=ForecastState()), 900, NOW + KEPT - 3601) == ForecastRecord(
        warnings=record.warnings, exhaustions=record.exhaustions
    )
    assert after(record, ForecastStep(outlook=ForecastState()), 900, NOW + KEPT) == ForecastRecord()
