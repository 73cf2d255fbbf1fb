from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from monitor.observations import UNKNOWN_FIELDS
from monitor.tasks.counters import CounterSpec, Series
from monitor.tasks.series import MOST_REQUEST_SERIES, bounded, is_overflow, overflow

FIELDS = st.sampled_from(["task_id", "usage", "other", "made_up", "another"])


def request(number: int) -> Series:
    return Series(CounterSpec.REQUESTS, (f"/v1/{number}", "create", "gen4.5", "200", "success"), 1.0)


@given(st.lists(FIELDS))
def test_fields_that_an_earlier_version_stored_are_added_up_and_none_is_lost(fields: list[str]) -> None:
    stored = [Series(CounterSpec.UNKNOWN_VALUES, (field,), count) for field, count in Counter(fields).items()]
    shown = {one.labels[0]: one.value for one in bounded(stored, ["usage"])}
    assert shown.keys() <= {*UNKNOWN_FIELDS, "usage", "other"}
    assert sum(shown.values()) == len(fields)
    assert shown.get("task_id", 0) == fields.count("task_id")


def test_requests_beyond_the_most_that_are_kept_apart_are_added_up_by_kind_and_outcome() -> None:
    shown = bounded([request(number) for number in range(MOST_REQUEST_SERIES + 500)], [])
    (rest,) = (one for one in shown if is_overflow(one.labels))
    assert len(shown) == MOST_REQUEST_SERIES + 1
    assert (rest.labels, rest.value) == (("other", "create", "other", "other", "success"), 500)


def test_series_of_ordinary_use_stay_as_they_are() -> None:
    stored = [request(number) for number in range(100)]
    stored += [
        Series(CounterSpec.READS, ("usage", "success"), 3.0),
        Series(CounterSpec.UNKNOWN_VALUES, ("usage",), 1.0),
    ]
    assert bounded(stored, ["usage"]) == stored
    assert overflow(("", "poll", "", "", "timeout")) == ("other", "poll", "", "other", "timeout")
