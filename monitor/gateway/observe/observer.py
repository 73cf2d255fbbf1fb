"""What all observers share. A fault in observing is counted and logged here, and never touches the traffic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import structlog
from msgspec.structs import replace

from monitor.engine.engine import Sink
from monitor.gateway.observe.retries import RetryDetector
from monitor.http.turns import Turns
from monitor.metrics import SelfMetrics, Stage
from monitor.observations import AnyObservation, Kind, RequestSeen, Source, TaskDeleted, TaskMissing, TaskSeen
from monitor.providers.base import UnansweredTasks
from monitor.runtime.clock import Clock

SOURCE: Source = "gateway"
SECONDS_BETWEEN_LOG_LINES = 60.0

log = structlog.get_logger()
Result = TypeVar("Result")


class Observer:
    """Takes observations to the sink, and guards the steps of observing that may raise."""

    def __init__(self, sink: Sink, own: SelfMetrics, clock: Clock) -> None:
        self._sink = sink
        self._own = own
        self.clock = clock
        self.turns = Turns()
        self.retries = RetryDetector()
        self.unanswered_tasks: defaultdict[str, UnansweredTasks] = defaultdict(UnansweredTasks)
        self._logged_at: dict[str, float] = {}

    def attempt(self, stage: Stage, work: Callable[..., Result], *arguments: object) -> Result | None:
        """Return the result of `work`, or None if it raises."""
        try:
            return work(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, the traffic goes on
            self.failed(stage, error)
            return None

    def publish(self, observations: Sequence[AnyObservation], *, is_dry_run: bool) -> None:
        """Hand observations to the sink; of a dry run, only what is true of one."""
        if is_dry_run:
            observations = list(_of_dry_run(observations))
        if observations:
            self.attempt("sink", self._sink.put, observations, SOURCE)

    def failed(self, stage: Stage, error: Exception) -> None:
        """Count and log a fault. The log never shows the error's text, which may quote a header or a body."""
        self._own.observer_errors.labels(stage).inc()
        now = self.clock.now()
        if stage not in self._logged_at or abs(now - self._logged_at[stage]) >= SECONDS_BETWEEN_LOG_LINES:
            self._logged_at[stage] = now
            log.warning("observer.failed", stage=stage, error=type(error).__name__)


def _of_dry_run(observations: Sequence[AnyObservation]) -> Iterator[AnyObservation]:
    """The provider only checks such a request: it makes no task, and a create asks for no generation."""
    for seen in observations:
        if isinstance(seen, RequestSeen) and seen.kind is Kind.CREATE:
            yield replace(seen, kind=Kind.OTHER, model="")
        elif not isinstance(seen, TaskSeen | TaskMissing | TaskDeleted):
            yield seen
