"""Figures in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from math import floor

UNKNOWN = "unknown"
NOT_READ, NOT_READ_TODAY, NOT_KNOWN_YET = "not read yet", "not read yet today", "not known yet"
NONE = "none"
READ_ONCE = "the balance has been read only once"
TOO_LITTLE_SEEN = "not enough data"
OLD_AFTER_SECONDS = 60.0
"""Age at which figures are called old."""
MINUTE, HOUR, DAY = 60, 3600, 86400
WINDOWS = {"1h": (HOUR, "the last hour"), "24h": (DAY, "the last 24 h")}
AUTOBILLING = {
    "ok": "no problem found",
    "due": "the balance is below its threshold",
    "overdue": "the hourly check bought nothing",
    "clipped": "the purchase limit leaves too little",
    "stopped": "has failed for three days: buy credits by hand",
}
"""What a state of autobilling means."""


def duration(seconds: float | None) -> str:
    """Two units at most: `12 s`, `4 min 5 s`, `1 h 20 min`, `3 d 4 h`."""
    if seconds is None:
        return UNKNOWN
    whole = round(seconds)
    for unit, size, smaller, part in (("d", DAY, "h", HOUR), ("h", HOUR, "min", MINUTE), ("min", MINUTE, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def amount(value: float | None) -> str:
    """A count with separators; fractions only where there are any."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if value == round(value) else f"{value:,.2f}"


def dollars(value: float | None) -> str:
    """US dollars and cents."""
    if value is None:
        return UNKNOWN
    cents = round(value, 2)
    return f"-${-cents:,.2f}" if cents < 0 else f"${abs(cents):,.2f}"


def share(part: float, whole: float) -> str:
    """A percentage; small ones keep a digit, and only nothing is 0 %."""
    if not whole or not part:
        return "0 %"
    percent = 100 * part / whole
    return "< 0.1 %" if percent < 0.1 else f"{percent:.1f} %"  # noqa: PLR2004


def ratio(value: float | None) -> str:
    """A ratio as a share, unknown where there is none."""
    return UNKNOWN if value is None else share(value, 1)


def counted(count: float, one: str, many: str = "") -> str:
    """A count and what is counted: `1 task`, `2 tasks`. `many` is the plural that is not `one` with an s."""
    return f"{amount(count)} {one if count == 1 else many or f'{one}s'}"


def tallied(counts: Mapping[str, int]) -> str:
    """Labels with their counts, the most frequent first: `overloaded 80, timeout 4`."""
    frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{words(printable(label))} {amount(count)}" for label, count in frequent)


def of_no_limit(used: float | None, limit: str) -> str:
    """Use of a `limit` that is `unlimited` or `unknown`: `12, unlimited`. Without any use, the limit alone."""
    return f"{amount(used)}, {limit}" if used else limit


def more_unconfirmed(count: float) -> str:
    """What is to be added to the use of a concurrency limit; nothing where polls have shown every task."""
    return f"{amount(count)} more unconfirmed" if count else ""


def their(count: float) -> str:
    """Whose something is, of one or many."""
    return "its" if count == 1 else "their"


def last_read(age_seconds: float | None, outcome: str | None, *, up: bool) -> str:
    """How an account read stands: since when it last worked and how it ended last, either None where there is none."""
    why = f" ({words(printable(outcome))})" if outcome is not None else ""
    if age_seconds is None:
        return f"has not worked yet{why}" if why else "not read yet"
    age = duration(age_seconds)
    return f"{age} ago" if up else f"failing{why}, last worked {age} ago"


def percentage(ratio: float) -> str:
    """A ratio in whole percent, rounded down: only a full limit is at 100 %."""
    return f"{floor(100 * ratio + 1e-9)} %"


def printable(text: str) -> str:
    """Text from elsewhere without what a terminal would act on."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def words(label: str) -> str:
    """A label's value as words."""
    return label.replace("_", " ")


def clock(at: float, now: float) -> str:
    """A Unix time as UTC, with its day where that is not the day of `now`: `14:05 UTC`, `30 Nov 23:58 UTC`."""
    when, today = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(now, UTC).date()
    return when.strftime("%H:%M UTC" if when.date() == today else "%-d %b %H:%M UTC")


def as_of(at: float | None, now: float) -> str:
    """When figures were read: `as of 14:05 UTC`; nothing where that is not known."""
    return "" if at is None else f"as of {clock(at, now)}"


def as_of_if_old(at: float | None, now: float) -> str:
    """The same of figures that should be newer."""
    return as_of(at, now) if at is not None and now - at > 2 * OLD_AFTER_SECONDS else ""


def usage_lags(spent_today: float | None, left_today: float | None) -> list[str]:
    """What explains a spend that is less than what has left the balance on the same UTC day, both in dollars."""
    if left_today is None or left_today < 0.01 or (spent_today or 0.0) >= 0.99 * left_today:  # noqa: PLR2004
        return []
    return [f"{dollars(left_today)} left the balance today; the provider reports usage later"]


def lately(window: str, seconds: float | None) -> str:
    """A window of the burn, by how much of it was watched: `the last hour`, `24 h`, `the last 25 min`."""
    whole, name = WINDOWS[window]
    return name if seconds is None or seconds >= whole else f"the last {duration(seconds)}"


def clock_time(at: float, now: float) -> str:
    """A Unix time near `now` as its weekday and UTC time; with the date where the weekday alone would not tell."""
    date = "" if abs(at - now) < 6 * DAY else "%-d %b "
    return datetime.fromtimestamp(at, UTC).strftime(f"%a {date}%H:%M UTC")


def moment(at: float) -> str:
    """A Unix time as UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
