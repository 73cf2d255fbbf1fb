"""Who forecasts: each contender turns a trace into warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import NamedTuple

from benchmarks.forecast.suite import MINUTES, START, Trace
from monitor.judgement.daily_limit.forecast import HORIZON, STEP, STEPS, crossing
from monitor.judgement.daily_limit.ledger import DAY, Ledger
from monitor.judgement.daily_limit.replay import replay
from monitor.judgement.daily_limit.warning import LimitWarning, arm

MINUTE = 60
SAMPLES = 60

Expected = float | None
Condition = Callable[[Trace, list[int]], Iterator[Expected]]


class Rule(NamedTuple):
    """An alert rule, evaluated every minute: seconds to the limit while its condition holds, and its two dampers."""

    condition: Condition
    hold: int = 0
    keep: int = 0

    def warnings(self, trace: Trace, used: list[int]) -> list[LimitWarning]:
        """Fire after `hold` minutes of the condition, stop after `keep` minutes without; promise the horizon."""
        fired: list[LimitWarning] = []
        standing, held, quiet, armed = None, 0, 0, True
        for minute, expected in enumerate(self.condition(trace, used)):
            now = START + MINUTE * minute
            armed = arm(used[minute], trace.limit, armed=armed)
            held = held + 1 if armed and expected is not None else 0
            quiet = 0 if expected is not None else quiet + 1
            if standing and (not armed or now > standing.term or quiet > self.keep):
                fired[-1] = standing = _end(standing, now, is_hit=not armed)
                standing = None
            if not standing and held > self.hold and expected is not None:
                standing = LimitWarning(raised_at=now, expected_at=now + expected, promised_at=now + HORIZON)
                fired.append(standing)
        return fired


def _end(warning: LimitWarning, now: float, *, is_hit: bool) -> LimitWarning:
    if is_hit:
        return warning
    return LimitWarning(
        raised_at=warning.raised_at,
        expected_at=warning.expected_at,
        promised_at=warning.promised_at,
        withdrawn_at=now,
    )


def used_by_minute(trace: Trace) -> list[int]:
    """The count of the last 24 hours at each minute, as an exporter would be scraped."""
    ledger = Ledger(trace.accepted)
    arrived = ledger.cumulative(START, MINUTE, MINUTES)
    day = int(DAY) // MINUTE
    return [now - (arrived[minute - day] if minute >= day else 0) for minute, now in enumerate(arrived)]


def static(trace: Trace, used: list[int]) -> Iterator[Expected]:
    """Above 80 %: within the horizon, no more is said."""
    for each in used:
        yield HORIZON if each >= 0.8 * trace.limit else None


def predict_linear(trace: Trace, used: list[int]) -> Iterator[Expected]:
    """`predict_linear(ratio[1h], 4 * 3600) >= 1`: least squares over the samples of one hour, intercept at the end."""
    sum_x = -sum(range(SAMPLES))
    spread = SAMPLES * sum(x * x for x in range(SAMPLES)) - sum_x**2
    sum_y = sum_xy = 0
    for minute, newest in enumerate(used):
        if minute >= SAMPLES:
            oldest = used[minute - SAMPLES]
            sum_y -= oldest
            sum_xy += (SAMPLES - 1) * oldest
        sum_xy -= sum_y
        sum_y += newest
        slope = (SAMPLES * sum_xy - sum_x * sum_y) / spread
        level = (sum_y - slope * sum_x) / SAMPLES
        reaches = minute >= SAMPLES and level + slope * HORIZON / MINUTE >= trace.limit
        yield max(0.0, (trace.limit - level) / slope * MINUTE if slope else 0.0) if reaches else None


def oracle(trace: Trace, used: list[int]) -> Iterator[Expected]:
    """Knows the rate of all arrivals to come, not the arrivals: use less what expires plus what the rate brings."""
    ledger = Ledger(trace.accepted)
    step = int(STEP) // MINUTE
    ahead = [*accumulate(trace.rates, initial=0.0)]
    ahead += [ahead[-1]] * STEPS * step
    for minute, now in enumerate(used):
        came = ahead[minute]
        free = trace.limit - now
        if ahead[minute + STEPS * step] - came < free:
            yield None
            continue
        expiring = ledger.cumulative(START + MINUTE * minute - DAY, STEP, STEPS)
        room = [free + gone for gone in expiring]
        yield crossing([later - came for later in ahead[minute : minute + STEPS * step + 1 : step]], room)


def ours(trace: Trace, _used: list[int]) -> list[LimitWarning]:
    """The daemon's own forecast."""
    return list(replay(trace.accepted, trace.limit).warnings)


CONTENDERS: dict[str, Callable[[Trace, list[int]], list[LimitWarning]]] = {
    "static 80 %": Rule(static).warnings,
    "static 80 %, for 15m, keep_firing_for 30m": Rule(static, 15, 30).warnings,
    "predict_linear 1 h": Rule(predict_linear).warnings,
    "predict_linear 1 h, for 15m, keep_firing_for 30m": Rule(predict_linear, 15, 30).warnings,
    "genmedia-monitor": ours,
    "oracle": Rule(oracle, 0, 30).warnings,
}
