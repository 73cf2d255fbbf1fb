"""Families of account reads."""

from __future__ import annotations

from monitor.judgement.snapshot import AccountSnapshot
from monitor.metrics.family import FigureSource, Rows, Topic
from monitor.tasks.counters import CounterSpec

topic = Topic()


@topic.gauge(
    "account_read_up",
    FigureSource.READS,
    "1 when the last account read succeeded. 0 when it failed or was not made yet.",
    "read",
)
def _reads_up(account: AccountSnapshot, _: float) -> Rows:
    return (((read.read,), float(read.up)) for read in account.reads)


@topic.gauge(
    "account_read_age_seconds",
    FigureSource.READS,
    "Time since an account read last succeeded, which is the age of its figures. Absent when none ever succeeded.",
    "read",
)
def _read_ages(account: AccountSnapshot, _: float) -> Rows:
    return (((read.read,), read.age_seconds) for read in account.reads if read.age_seconds is not None)


topic.counted(
    "account_reads_total",
    CounterSpec.READS,
    FigureSource.READS,
    "Our own account reads by outcome.",
)

topic.counted(
    "unknown_values_total",
    CounterSpec.UNKNOWN_VALUES,
    FigureSource.TRAFFIC,
    "Provider values that this version does not know, by field.",
)
