"""The shipped rules and configurations in a smaller unit of time: every duration divided by `speed`.

Prometheus and Alertmanager run on the machine's clock, the daemon and the simulated vendor on one that is `speed` times
as fast. So a range, an offset, a `for` or an interval shrinks; `increase`, `changes` and ratios mean the same, and
`time()` is turned into the fast clock's. Numbers that stand for seconds stay: the daemon's series tell the fast clock's
seconds. What is per second of the machine would mean something else and is refused.
"""

from __future__ import annotations

import re
from typing import Any

from alerts.promql import durations, milliseconds, tokens

from monitor.runtime.clock import FastClock

NOT_SCALED = {
    *("rate", "irate", "deriv", "predict_linear", "timestamp", "@"),
    *("minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year"),
}
TIMES = {
    *("for", "keep_firing_for", "interval"),
    *("scrape_interval", "scrape_timeout", "evaluation_interval"),
    *("group_wait", "group_interval", "repeat_interval"),
}


def shorter(duration: str, speed: float) -> str:
    """A duration divided by `speed`, at least a millisecond unless it is nothing."""
    whole = milliseconds(duration)
    return f"{max(1, round(whole / speed))}ms" if whole else "0s"


def expression(text: str, clock: FastClock) -> str:
    """A PromQL expression that means on the machine's clock what `text` means on the fast one.

    Raises:
        ValueError: it means something else, whatever its durations are.
    """
    if found := NOT_SCALED & {token.text for token in tokens(text)}:
        raise ValueError(f"cannot be scaled: {found} in {text}")
    for duration in reversed(durations(text)):
        text = duration.replaced(text, shorter(duration.text, clock.speed))
    return re.sub(r"\btime\(\)", f"({clock.epoch} + {clock.speed} * (time() - {clock.epoch}))", text)


def document(node: Any, clock: FastClock) -> Any:
    """Rules, or a configuration of Prometheus or Alertmanager, with all of its times scaled."""
    if isinstance(node, list):
        return [document(item, clock) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: _value(key, value, clock) for key, value in node.items()}


def _value(key: Any, value: Any, clock: FastClock) -> Any:
    if key == "expr":
        return expression(str(value), clock)
    if key in TIMES:
        return shorter(str(value), clock.speed)
    return document(value, clock)
