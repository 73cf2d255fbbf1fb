"""What a metric family is, and how a topic declares its families beside the functions that give their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitor.judgement.snapshot import AccountSnapshot
from monitor.tasks.counters import PART, CounterSpec, Labels

ACCOUNT_LABELS = ("provider", "account")
EMPTY: Mapping[str, str] = {}
"""A series of which every label is empty."""

Rows = Iterable[tuple[Labels, float]]
"""Samples of one account: label values after provider and account, and the value."""
RowsOf = Callable[[AccountSnapshot, float], Rows]
"""The rows of a family for an account at a Unix time."""


class Type(StrEnum):
    """A family's type in Prometheus's text format."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class FigureSource(StrEnum):
    """Where the figures come from."""

    TRAFFIC = "traffic"
    TASKS = "tasks"
    READS = "account reads"
    CONFIGURATION = "configuration"
    DAEMON = "daemon"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric family under its public name.

    `counter` is the durable count that it shows, if it shows one. `rows` gives the samples of an account; a histogram
    and what the daemon counts about itself have none.
    """

    name: str
    type: Type
    labels: tuple[str, ...]
    help: str
    source: FigureSource
    counter: CounterSpec | None = None
    rows: RowsOf | None = None


class Topic:
    """The families of one topic, in the order of the exposition."""

    def __init__(self) -> None:
        self.families: list[Family] = []

    def gauge(self, name: str, source: FigureSource, text: str, *labels: str) -> Callable[[RowsOf], RowsOf]:
        """Declare a gauge; the decorated function gives its rows."""

        def declare(rows: RowsOf) -> RowsOf:
            labels_ = (*ACCOUNT_LABELS, *labels)
            self.families.append(Family(f"genmedia_{name}", Type.GAUGE, labels_, text, source, rows=rows))
            return rows

        return declare

    def counted(
        self,
        name: str,
        counter: CounterSpec,
        source: FigureSource,
        text: str,
        *starts: Mapping[str, str],
        unit: Callable[[RowsOf], RowsOf] | None = None,
    ) -> None:
        """Declare the family of a durable count, which gives it its labels and, if it has bounds, makes it a histogram.

        The series of `starts`, with their other labels empty, are 0 from the beginning. `unit` converts the values.
        """
        labels = (*ACCOUNT_LABELS, *(label for label in counter.labels if label != PART))
        rows = None
        if not counter.bounds:
            rows = _counts(counter, starts)
            rows = unit(rows) if unit else rows
        kind = Type.HISTOGRAM if counter.bounds else Type.COUNTER
        self.families.append(Family(f"genmedia_{name}", kind, labels, text, source, counter, rows))


def stored(account: AccountSnapshot, counter: CounterSpec) -> Iterator[tuple[Labels, float]]:
    """What is stored of a durable count."""
    return ((series.labels, series.value) for series in account.series if series.counter is counter)


def whole(figure: Callable[[AccountSnapshot], float | None]) -> RowsOf:
    """One figure of the whole account; None is left out."""

    def rows(account: AccountSnapshot, _: float) -> Rows:
        value = figure(account)
        return () if value is None else (((), value),)

    return rows


def in_credits(rows: RowsOf) -> RowsOf:
    """Rows in credits; nothing for a provider that prices in dollars."""
    return lambda account, at: rows(account, at) if account.has_credits else ()


def in_dollars(rows: RowsOf) -> RowsOf:
    """Rows in credits, converted at the provider's dated price."""
    return lambda account, at: ((labels, value * account.dollars_per_credit) for labels, value in rows(account, at))


def _counts(counter: CounterSpec, starts: Iterable[Mapping[str, str]]) -> RowsOf:
    zeros = {counter.values(**start): 0.0 for start in starts}
    return lambda account, _: (zeros | dict(stored(account, counter))).items()
