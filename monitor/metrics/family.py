"""What a metric family is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from monitor.tasks.counters import CounterSpec


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
    """One metric family under its public name; `counter` is the durable count that it shows, if it shows one."""

    name: str
    type: Type
    labels: tuple[str, ...]
    help: str
    source: FigureSource
    counter: CounterSpec | None = None
