"""What requests tell that the vendor only checks: they end, and make nothing."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from monitor.observations import AnyObservation, Kind, RequestSeen, TaskDeleted, TaskMissing, TaskSeen


def without_generations(told: Sequence[AnyObservation]) -> list[AnyObservation]:
    """The same without tasks, and with creates as requests of kind `other`, which ask for no generation."""
    return [_only_checked(each) for each in told if not isinstance(each, TaskSeen | TaskMissing | TaskDeleted)]


def _only_checked(seen: AnyObservation) -> AnyObservation:
    if isinstance(seen, RequestSeen) and seen.kind is Kind.CREATE:
        return replace(seen, kind=Kind.OTHER, model="")
    return seen
