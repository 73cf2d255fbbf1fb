"""Families of requests on the wire."""

from __future__ import annotations

from itertools import product

from monitor.metrics.family import ACCOUNT_LABELS, EMPTY, Family, FigureSource, Topic, Type
from monitor.observations import Kind, Outcome
from monitor.tasks.counters import CounterSpec

topic = Topic()

REQUEST_STARTS = tuple({"kind": kind.value, "outcome": outcome.value} for kind, outcome in product(Kind, Outcome))

topic.counted(
    "requests_total",
    CounterSpec.REQUESTS,
    FigureSource.TRAFFIC,
    "Requests on the wire; every attempt counts. A poll that reports a failed task is a success. Each kind and "
    "outcome starts at 0 with the other labels empty.",
    *REQUEST_STARTS,
)

topic.counted(
    "request_retries_total",
    CounterSpec.REQUEST_RETRIES,
    FigureSource.TRAFFIC,
    "Attempts that the client marked as retries, or that name a task which was sent before. Other retries are not "
    "seen.",
    EMPTY,
)

topic.counted(
    "request_duration_seconds",
    CounterSpec.REQUEST_SECONDS,
    FigureSource.TRAFFIC,
    "Time from the first byte of a request to the last byte of its reply. A slow client lengthens it.",
)


IN_FLIGHT = Family(
    "genmedia_requests_in_flight",
    Type.GAUGE,
    ACCOUNT_LABELS,
    "Requests that this daemon's gateway has passed on and that have not ended yet.",
    FigureSource.DAEMON,
)
topic.families.append(IN_FLIGHT)
