"""The text is, byte for byte, what prometheus_client writes of the same samples, in either format."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.openmetrics import exposition as library_openmetrics

from monitor.judgement.snapshot import AccountSnapshot, Snapshot
from monitor.metrics.daemon_families import EVALUATION_TIME
from monitor.metrics.families import ACCOUNT_FAMILIES, HISTOGRAMS
from monitor.metrics.family import Family, Type
from monitor.metrics.histograms import cumulative, histogram
from monitor.metrics.text import AccountText, openmetrics, plain
from monitor.tasks.counters import SUM, CounterSpec, Series
from monitor.tasks.open_tasks import ModelTasks


class Reference:
    """The same rows as objects of the library."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(EVALUATION_TIME.name, EVALUATION_TIME.help, self._snapshot.at)
        for family, rows in ACCOUNT_FAMILIES:
            kind = CounterMetricFamily if family.type is Type.COUNTER else GaugeMetricFamily
            metric = kind(family.name, family.help, labels=family.labels)
            for account in self._snapshot.accounts:
                for labels, value in rows(account, self._snapshot.at):
                    metric.add_metric((account.provider, account.account, *labels), value)
            yield metric
        for family, counter in HISTOGRAMS.items():
            metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
            for account in self._snapshot.accounts:
                for labels, parts in histogram(account, counter).items():
                    values = (account.provider, account.account, *labels)
                    metric.add_metric(values, cumulative(counter, parts), parts.get(SUM, 0))
            yield metric


def registry_of(snapshot: Snapshot) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Reference(snapshot))
    return registry


def reference(snapshot: Snapshot) -> str:
    return generate_latest(registry_of(snapshot)).decode()


def rendered(text: AccountText, snapshot: Snapshot) -> str:
    return plain(text.sections(snapshot)).decode()


def test_text_equals_the_librarys(snapshot: Snapshot) -> None:
    assert rendered(AccountText(), snapshot).splitlines() == reference(snapshot).splitlines()


def test_openmetrics_equals_the_librarys(snapshot: Snapshot) -> None:
    text = openmetrics(AccountText().sections(snapshot)).decode() + "# EOF\n"
    assert text.splitlines() == library_openmetrics.generate_latest(registry_of(snapshot)).decode().splitlines()


def one_more(series: Series) -> Series:
    return replace(series, value=series.value + 1) if len(series.labels) > 2 else series


def test_what_is_written_again_is_what_it_is_now(snapshot: Snapshot) -> None:
    text = AccountText()
    text.sections(snapshot)

    grown = [replace(account, series=tuple(map(one_more, account.series))) for account in snapshot.accounts[::-1]]
    later = replace(snapshot, at=snapshot.at + 5.5, accounts=tuple(grown))

    assert rendered(text, later) == reference(later)


NAMES = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.floats() | st.integers(0, 10**18).map(float)


@given(NAMES, NAMES, VALUES, VALUES)
def test_any_name_and_any_value_are_written_as_the_library_does(
    account: str, model: str, count: float, age: float
) -> None:
    snapshot = Snapshot(
        at=1_795_357_800.25,
        accounts=(
            AccountSnapshot(
                account=account,
                provider="runway",
                dollars_per_credit=0.01,
                series=(
                    Series(CounterSpec.TASKS_CREATED, (model,), count),
                    Series(CounterSpec.TASK_SECONDS, (model, "total", "5"), count),
                    Series(CounterSpec.TASK_SECONDS, (model, "total", "sum"), age),
                ),
                tasks=(ModelTasks(model=model, open={}, throttled_oldest_age_seconds=age),),
            ),
        ),
    )

    assert rendered(AccountText(), snapshot) == reference(snapshot)


@pytest.mark.parametrize(
    "family", [*(family for family, _ in ACCOUNT_FAMILIES), *HISTOGRAMS], ids=lambda family: family.name
)
def test_every_account_family_has_its_head_even_without_accounts(family: Family) -> None:
    lines = rendered(AccountText(), Snapshot(at=0.0)).splitlines()

    assert f"# TYPE {family.name} {family.type.value}" in lines
