"""The request log: what really happened, to compare the monitor's figures with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

_KEPT = 200_000


@dataclass(slots=True, kw_only=True)
class BaseRecord:
    """One request.

    `own` says that the monitor itself sent it. `status` is None if no status was sent. `fault` names what went wrong
    with the answer, empty if nothing did. `model` is the one that the request names. Times are Unix seconds;
    `finished_at` is None while the request is under way.
    """

    template: str
    kind: str
    own: bool
    started_at: float
    model: str = ""
    status: int | None = None
    fault: str = ""
    finished_at: float | None = None


RecordT = TypeVar("RecordT", bound=BaseRecord)


class BaseRequestLog(ABC, Generic[RecordT]):
    """Keeps the last 200,000 requests one by one, and counts them all in `total`."""

    def __init__(self) -> None:
        self.total = 0
        self._records: deque[RecordT] = deque(maxlen=_KEPT)

    def add(self, record: RecordT, now: float) -> None:
        """Log a request that finishes at `now`."""
        record.finished_at = now
        self.total += 1
        self._records.append(record)

    def requests(self, after: int) -> list[dict[str, Any]]:
        """Return the records numbered above `after`, in the order they finished. The first ever has number 1."""
        first = self.total - len(self._records) + 1
        return [
            {"number": number, **asdict(record)} for number, record in enumerate(self._records, first) if number > after
        ]

    @abstractmethod
    def counts(self) -> list[dict[str, Any]]:
        """Return the number of requests in each group."""


def grouped(names: tuple[str, ...], rows: Iterable[tuple[tuple[Any, ...], float]]) -> list[dict[str, Any]]:
    """Count rows by group and sum their amounts.

    A row is a group and an amount. `names` are the keys of the result: those of the group, of the count and of the sum.
    """
    counts: Counter[tuple[Any, ...]] = Counter()
    amounts: dict[tuple[Any, ...], float] = {}
    for group, amount in rows:
        counts[group] += 1
        amounts[group] = amounts.get(group, 0) + amount
    return [dict(zip(names, (*group, count, amounts[group]), strict=True)) for group, count in counts.items()]
