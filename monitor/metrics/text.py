"""Account families as text, byte for byte as `prometheus_client` writes them.

That library makes several objects for each sample, 6 us a line. Almost every line begins as it did five seconds ago, so
the beginning of each line is made once. A sample's line is the same in both formats; only the heads differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.utils import floatToGoString

from monitor.judgement.snapshot import AccountSnapshot, Snapshot
from monitor.metrics.daemon_families import EVALUATION_TIME
from monitor.metrics.families import ACCOUNT_FAMILIES, HISTOGRAMS
from monitor.metrics.family import Family, Type
from monitor.metrics.histograms import cumulative, histogram
from monitor.tasks.counters import SUM, Labels

Sections = list[tuple[Family, str]]
"""Each family with the lines of its samples."""


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
        self._plain = {
            family: Starts(family.name, family.labels)
            for family in (EVALUATION_TIME, *(family for family, _ in ACCOUNT_FAMILIES))
        }
        self._parts = {
            family: (
                Starts(f"{family.name}_bucket", (*family.labels, "le")),
                Starts(f"{family.name}_count", family.labels),
                Starts(f"{family.name}_sum", family.labels),
            )
            for family in HISTOGRAMS
        }

    def sections(self, snapshot: Snapshot) -> Sections:
        """Every account family of the snapshot."""
        return [(family, "".join(lines)) for family, lines in self._lines(snapshot)]

    def _lines(self, snapshot: Snapshot) -> Iterator[tuple[Family, Iterable[str]]]:
        yield EVALUATION_TIME, [_line(self._plain[EVALUATION_TIME][()], snapshot.at)]
        for family, rows in ACCOUNT_FAMILIES:
            starts = self._plain[family]
            yield (
                family,
                (
                    _line(starts[account.provider, account.account, *labels], value)
                    for account in snapshot.accounts
                    for labels, value in rows(account, snapshot.at)
                ),
            )
        for family in HISTOGRAMS:
            yield family, (line for account in snapshot.accounts for line in self._histogram(family, account))

    def _histogram(self, family: Family, account: AccountSnapshot) -> Iterator[str]:
        bucket, count, total = self._parts[family]
        for labels, parts in histogram(account, HISTOGRAMS[family]).items():
            own = (account.provider, account.account, *labels)
            buckets = cumulative(HISTOGRAMS[family], parts)
            for bound, value in buckets:
                yield _line(bucket[*own, bound], value)
            yield _line(count[own], buckets[-1][1])
            yield _line(total[own], parts.get(SUM, 0))


def plain(sections: Sections) -> bytes:
    """The sections in Prometheus's text format 0.0.4."""
    return "".join(
        f"# HELP {family.name} {_without_breaks(family.help)}\n# TYPE {family.name} {family.type.value}\n{lines}"
        for family, lines in sections
    ).encode()


def openmetrics(sections: Sections) -> bytes:
    """The sections in OpenMetrics 1.0.0, without the end mark. A counter's family is named without `_total`."""
    found = []
    for family, lines in sections:
        name = family.name.removesuffix("_total") if family.type is Type.COUNTER else family.name
        found.append(f"# HELP {name} {_escaped(family.help)}\n# TYPE {name} {family.type.value}\n{lines}")
    return "".join(found).encode()


def _line(start: str, value: float) -> str:
    return f"{start}{floatToGoString(value)}\n"  # type: ignore[no-untyped-call]


def _without_breaks(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _escaped(text: str) -> str:
    return _without_breaks(text).replace('"', r"\"")
