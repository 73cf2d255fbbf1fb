"""Account families in Prometheus's text format 0.0.4, byte for byte as `prometheus_client` writes them.

That library makes several objects for each sample, 10 us a line; nearly all lines begin as they began five seconds
ago. Here the beginning of each line is made once.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.utils import floatToGoString

from monitor.judgement.snapshot import AccountSnapshot, Snapshot
from monitor.metrics.collector import HISTOGRAMS, ROWS, Labels, cumulative, histogram
from monitor.metrics.daemon_families import EVALUATION_TIME
from monitor.metrics.family import Family
from monitor.tasks.counters import SUM, CounterSpec


class Starts(dict[Labels, str]):
    """The beginning of each line of a series by its label values: the name, and the labels in alphabetical order."""

    def __init__(self, name: str, labels: tuple[str, ...]) -> None:
        super().__init__()
        self._name = name
        self._order = sorted((label, position) for position, label in enumerate(labels))

    def __missing__(self, values: Labels) -> str:
        pairs = ",".join(f'{label}="{_escaped(values[position])}"' for label, position in self._order)
        start = self[values] = f"{self._name}{{{pairs}}} " if pairs else f"{self._name} "
        return start


class AccountText:
    """Writes snapshots. It remembers the series it has written, which are as many as were ever counted."""

    def __init__(self) -> None:
        self._plain = {family: Starts(family.name, family.labels) for family in (EVALUATION_TIME, *ROWS)}
        self._parts = {
            family: (
                Starts(f"{family.name}_bucket", (*family.labels, "le")),
                Starts(f"{family.name}_count", family.labels),
                Starts(f"{family.name}_sum", family.labels),
            )
            for family in HISTOGRAMS
        }
        self._written: dict[tuple[CounterSpec, Labels], tuple[dict[str, float], str]] = {}

    def render(self, snapshot: Snapshot) -> str:
        """Every account family."""
        return "".join(self._lines(snapshot))

    def _lines(self, snapshot: Snapshot) -> Iterator[str]:
        yield _head(EVALUATION_TIME)
        yield _line(self._plain[EVALUATION_TIME][()], snapshot.at)
        for family, rows in ROWS.items():
            yield _head(family)
            starts = self._plain[family]
            for account in snapshot.accounts:
                owner = (account.provider, account.account)
                for labels, value in rows(account, snapshot.at):
                    yield _line(starts[owner + labels], value)
        for family in HISTOGRAMS:
            yield _head(family)
            for account in snapshot.accounts:
                yield from self._histogram(family, account)

    def _histogram(self, family: Family, account: AccountSnapshot) -> Iterator[str]:
        """Its sixteen lines a series; as most series did not change, their lines are kept."""
        counter = HISTOGRAMS[family]
        for labels, parts in histogram(account, counter).items():
            own = (account.provider, account.account, *labels)
            known, lines = self._written.get((counter, own), ({}, ""))
            if known != parts:
                lines = "".join(self._histogram_lines(family, own, parts))
                self._written[counter, own] = parts, lines
            yield lines

    def _histogram_lines(self, family: Family, labels: Labels, parts: dict[str, float]) -> Iterator[str]:
        bucket, count, total = self._parts[family]
        buckets = cumulative(HISTOGRAMS[family], parts)
        for bound, value in buckets:
            yield _line(bucket[*labels, bound], value)
        yield _line(count[labels], buckets[-1][1])
        yield _line(total[labels], parts.get(SUM, 0))


def _line(start: str, value: float) -> str:
    return f"{start}{floatToGoString(value)}\n"  # type: ignore[no-untyped-call]


def _head(family: Family) -> str:
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {family.name} {text}\n# TYPE {family.name} {family.type.value}\n"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
