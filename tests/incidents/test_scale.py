from __future__ import annotations

import pytest
from incidents.scale import document, expression

from monitor.runtime.clock import FastClock

CLOCK = FastClock(60.0, epoch=1000.0)
EXPRESSIONS = [
    ("increase(x[5m])", "increase(x[5000ms])"),
    ('increase(x{b="[5m]"}[1h] offset 1d) > 3', 'increase(x{b="[5m]"}[60000ms] offset 1440000ms) > 3'),
    ("max_over_time(increase(x[1m])[1h30m:15s])", "max_over_time(increase(x[1000ms])[90000ms:250ms])"),
    ("genmedia:burn_rate:1h > 1", "genmedia:burn_rate:1h > 1"),
    ("genmedia_credit_runway_seconds < 3600", "genmedia_credit_runway_seconds < 3600"),
    ("time() - x > 90", "(1000.0 + 60.0 * (time() - 1000.0)) - x > 90"),
]


@pytest.mark.parametrize(("shipped", "scaled"), EXPRESSIONS)
def test_the_durations_of_an_expression_are_scaled(shipped: str, scaled: str) -> None:
    assert expression(shipped, CLOCK) == scaled


@pytest.mark.parametrize("text", ["rate(x[1h])", "predict_linear(x[1h], 60)", "x @ end()", "hour() > 3"])
def test_what_cannot_be_scaled_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be scaled"):
        expression(text, CLOCK)


def test_all_times_of_a_rule_are_scaled_and_nothing_else() -> None:
    rule = {"alert": "A", "expr": "x[1m]", "for": "2m", "keep_firing_for": "0s", "labels": {"severity": "info"}}
    scaled = {"alert": "A", "expr": "x[1000ms]", "for": "2000ms", "keep_firing_for": "0s", "labels": rule["labels"]}
    assert document({"groups": [{"interval": "15s", "rules": [rule]}]}, CLOCK) == {
        "groups": [{"interval": "250ms", "rules": [scaled]}]
    }
