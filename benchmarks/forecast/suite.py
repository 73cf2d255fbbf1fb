"""Synthetic traffic of one model against its rolling daily cap.

Each trace is 14 days of arrivals drawn from a known rate, minute by minute; an arrival brings one or sometimes two
generations, as people ask for several takes. What would pass the cap is refused and not asked again. All sizes are
drawn in units of the cap, so that a suite of every kind holds hits, near misses and quiet days alike, whatever the cap:

- steady: a level that changes every two days or so;
- diurnal: one hump a day, days and hours varying around it;
- bursts: a quiet day with two or three bursts of 20 minutes to 2 hours at any time;
- batch nights: a batch that starts about 01:00, of varying size, over a quiet day;
- growth: the diurnal day, growing 5 to 15 % a day through the cap;
- stops: runs of constant pace, half of which stop at 60 to 99 % of the cap and half go on beyond it;
- near misses: the diurnal day, its highest count of 24 hours set to 90 to 98 % of the cap;
- office: working hours with a lunch break, weekends, holidays, campaign days;
- jobs: on and off, for hours and at paces drawn anew each time.
"""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from itertools import accumulate
from random import Random
from typing import NamedTuple

DAYS = 14
DAY = 1440
MINUTES = DAYS * DAY
START = 1_793_577_600.0  # Monday 2026-11-02 00:00 UTC
LIMITS = (50, 200, 1000, 5000)
GROUPS = (1, 1, 1, 2)
MEAN_GROUP = sum(GROUPS) / len(GROUPS)

Rates = list[float]


class Trace(NamedTuple):
    """`rates` are generations asked for in each minute on average, `accepted` the Unix times of those taken."""

    kind: str
    limit: int
    rates: Rates
    accepted: array[float]


def suite(seeds: range) -> Iterator[Trace]:
    """Every kind at every cap, once for each seed."""
    for seed in seeds:
        for kind, shape in KINDS.items():
            for limit in LIMITS:
                random = Random(f"{kind} {limit} {seed}")
                rates = [share * limit for share in shape(random)]
                yield Trace(kind, limit, rates, take(rates, limit, random))


def take(rates: Rates, limit: int, random: Random) -> array[float]:
    """The acceptances when arrivals follow `rates` and at most `limit` are taken in any 24 hours."""
    accepted = array("d")
    window: deque[float] = deque()
    for minute, rate in enumerate(rates):
        arrivals = sorted(random.random() for _ in range(poisson(rate / MEAN_GROUP, random)))
        for part in arrivals:
            at = START + 60 * (minute + part)
            while window and window[0] <= at - 86400:
                window.popleft()
            group = min(random.choice(GROUPS), limit - len(window))
            window.extend([at] * group)
            accepted.extend([at] * group)
    return accepted


def poisson(mean: float, random: Random) -> int:
    """A Poisson draw, by counting exponential gaps."""
    count, left = 0, random.expovariate(1) if mean else math.inf
    while left < mean:
        count, left = count + 1, left + random.expovariate(1)
    return count


def around(random: Random, spread: float) -> float:
    """A factor around 1."""
    return random.lognormvariate(-spread * spread / 2, spread)


def wander(random: Random, spread: float, memory: float) -> Iterator[float]:
    """A factor around 1 for each minute that forgets itself over `memory` minutes."""
    keep = math.exp(-1 / memory)
    state = random.gauss(0, spread)
    for _ in range(MINUTES):
        state = keep * state + random.gauss(0, spread * math.sqrt(1 - keep * keep))
        yield math.exp(state - spread * spread / 2)


def normal(weights: list[float]) -> list[float]:
    """Weights of a day's minutes as shares of the day."""
    total = sum(weights)
    return [weight / total for weight in weights]


def hump(peak_hour: float, width_hours: float) -> list[float]:
    """A day of one hump over a base, as shares."""
    hours = ((minute / 60 - peak_hour + 12) % 24 - 12 for minute in range(DAY))
    return normal([0.12 + math.exp(-((hour / width_hours) ** 2)) for hour in hours])


def working_day() -> list[float]:
    """Nine to six with a lunch break, as shares."""
    hours = [minute / 60 for minute in range(DAY)]
    return normal([0.03 + (9 <= h < 18) * (0.55 if 12 <= h < 13 else 1.0) + (18 <= h < 21) * 0.2 for h in hours])


def steady(random: Random) -> Rates:
    rates: Rates = []
    while len(rates) < MINUTES:
        level = random.uniform(0.6, 1.15)
        rates += [level / DAY] * int(random.expovariate(1 / (2 * DAY)))
    return rates[:MINUTES]


def diurnal(random: Random, growth: float = 1.0, volume: float | None = None, spread: float = 0.2) -> Rates:
    day = hump(random.uniform(10, 20), random.uniform(3, 5))
    volume = random.uniform(0.7, 0.95) if volume is None else volume
    levels = [volume * growth**n * around(random, spread) for n in range(DAYS)]
    noise = wander(random, 0.25, 120)
    return [levels[n] * share * next(noise) for n in range(DAYS) for share in day]


def bursts(random: Random) -> Rates:
    rates = diurnal(random, volume=random.uniform(0.25, 0.4))
    for _ in range(poisson(2.5 * DAYS, random)):
        begin, length = random.randrange(MINUTES), random.randint(20, 120)
        _add(rates, begin, length, random.uniform(0.05, 0.4))
    return rates


def batch_nights(random: Random) -> Rates:
    rates = diurnal(random, volume=random.uniform(0.2, 0.4))
    size, length = random.uniform(0.4, 0.6), random.randint(120, 240)
    for night in range(DAYS):
        stretched = around(random, 0.3)
        _add(rates, night * DAY + random.randint(40, 80), int(length * stretched), size * stretched)
    return rates


def growth(random: Random) -> Rates:
    factor = random.uniform(1.05, 1.15)
    return diurnal(random, factor, volume=factor ** -random.uniform(6, 12), spread=0.08)


def stops(random: Random) -> Rates:
    idle = random.uniform(0.05, 0.2)
    rates = diurnal(random, volume=idle)
    minute = random.randrange(DAY)
    while minute < MINUTES:
        pace = random.uniform(0.06, 0.3) / 60
        size = random.choice([random.uniform(0.6, 0.99), random.uniform(1.05, 1.3)]) - idle
        _add(rates, minute, int(size / pace), size)
        minute += int(size / pace) + random.randint(DAY, 2 * DAY)
    return rates


def near_misses(random: Random) -> Rates:
    rates = diurnal(random, spread=0.15)
    sums = [0.0, *accumulate(rates)]
    highest = max(sums[end] - sums[end - DAY] for end in range(DAY, MINUTES + 1))
    wanted = random.uniform(0.9, 0.98)
    return [rate * wanted / highest for rate in rates]


def office(random: Random) -> Rates:
    day, noise = working_day(), wander(random, 0.2, 120)
    volume = random.uniform(0.65, 0.85)
    rates: Rates = []
    for number in range(DAYS):
        weekend = number % 7 >= 5
        special = random.choices([1.0, 0.15, random.uniform(1.3, 1.7)], [0.83, 0.05, 0.12])[0]
        level = volume * around(random, 0.12) * (0.15 if weekend else special)
        rates += [level * share * next(noise) for share in day]
    return rates


def jobs(random: Random) -> Rates:
    rates = [0.02 / DAY] * MINUTES
    minute = 0
    while minute < MINUTES:
        length = 1 + int(random.expovariate(1 / 150))
        _add(rates, minute, length, length * random.uniform(0.03, 0.12) / 60)
        minute += length + int(random.expovariate(1 / 300))
    return rates


def _add(rates: Rates, begin: int, length: int, size: float) -> None:
    for minute in range(begin, min(begin + length, MINUTES)):
        rates[minute] += size / length


KINDS: dict[str, Callable[[Random], Rates]] = {
    "steady": steady,
    "diurnal": diurnal,
    "bursts": bursts,
    "batch nights": batch_nights,
    "growth": growth,
    "stops": stops,
    "near misses": near_misses,
    "office": office,
    "jobs": jobs,
}
