"""Families of account reads."""

from __future__ import annotations

from monitor.judgement.snapshot import AccountSnapshot
from monitor.metrics.family import FigureSource, Rows, Topic
from monitor.tasks.counters import CounterSpec

topic = Topic()


@topic.gauge(
    "account_read_up",
    FigureSource.READS,
    "1 when the last account read worked, 0 when not or not yet.",
    "read",
)
def _reads_up(account: AccountSnapshot, _: float) -> Rows:
    return (((read.read,), float(read.up)) for read in account.reads)


@topic.gauge(
    "account_read_age_seconds",
    FigureSource.READS,
    "Time since an account read last worked, which is the age of what it shows; absent when it never did.",
    "read",
)
def _read_ages(account: AccountSnapshot, _: float) -> Rows:
    return (((read.read,), read.age_seconds) for read in account.reads if read.age_seconds is not None)


topic.counted(
    "account_reads_total",
    CounterSpec.READS,
    FigureSource.READS,
    "Account reads of our own, by outcome.",
)

topic.counted(
    "unknown_values_total",
    CounterSpec.UNKNOWN_VALUES,
    FigureSource.TRAFFIC,
    "Values from the provider that this version does not know, by field.",
)
