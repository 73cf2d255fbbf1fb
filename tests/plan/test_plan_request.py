from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import pytest

from monitor.planning.request import PlanError, Request, deadline, local


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"count": 0}, "--count 0"),
        ({"count": 100_001}, "--count"),
        ({"seconds": 0.0}, "--seconds"),
        ({"seconds": math.nan}, "--seconds nan"),
        ({"seconds": math.inf}, "--seconds inf"),
        ({"concurrency": -1}, "--concurrency -1"),
        ({"daily": -1}, "--daily"),
        ({"daily": 5, "used": -1}, "--used"),
        ({"credits_per_task": math.nan}, "--credits-per-task"),
        ({"credits_per_task": -1.0}, "--credits-per-task"),
        ({"output_seconds": 0.0}, "--output-seconds"),
        ({"tier": 0}, "--tier 0"),
        ({"tier": 6}, "--tier 6: give 1 to 5"),
        ({"tier": 2, "account": "production"}, "--tier"),
        ({"concurrency": 2, "used": 1}, "--used"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(given: dict[str, Any], option: str) -> None:
    with pytest.raises(PlanError, match=option) as caught:
        Request(**{"count": 1, "seconds": 1.0, **given})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "offline"),
    [
        ({}, False),
        ({"used": 7}, False),
        ({"tier": 1, "used": 7}, True),
        ({"concurrency": 0}, True),
        ({"daily": 0}, True),
        ({"account": "production", "concurrency": 2}, False),
    ],
)
def test_limits_of_ones_own_need_no_daemon_unless_an_account_is_named(given: dict[str, Any], offline: bool) -> None:
    assert Request(count=1, seconds=1.0, **given).offline is offline


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("18:00", "2026-10-24T18:00:00+02:00"),
        ("09:00", "2026-10-25T09:00:00+01:00"),  # tomorrow, and winter by then
        ("12:00", "2026-10-25T12:00:00+01:00"),  # now is not to come
        ("11:00Z", "2026-10-24T11:00:00+00:00"),
        ("2026-10-26 08:30", "2026-10-26T08:30:00+01:00"),
        ("2026-10-26T08:30:00-05:00", "2026-10-26T08:30:00-05:00"),
    ],
)
def test_a_deadline_is_the_next_such_time_where_the_user_is(text: str, expected: str) -> None:
    assert deadline(text, at("2026-10-24T12:00:00+02:00")) == at(expected)


@pytest.mark.parametrize("text", ["soon", "", "25:00", "2026-10-24T12:00", "2020-01-01", "0001-01-01T00:00"])
def test_a_deadline_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="--by"):
        deadline(text, at("2026-10-24T12:00:00+02:00"))


def test_times_are_shown_where_the_user_is() -> None:
    assert local(at("2026-11-22T12:00:00+00:00")).isoformat() == "2026-11-22T13:00:00+01:00"
