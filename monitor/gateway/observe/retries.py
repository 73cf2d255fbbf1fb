"""What was lately asked for, so that a request that is sent again is known as a retry."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

MOST_TASKS = 50_000
REMEMBERED_SECONDS = 3600.0


class RetryDetector:
    """Ids of tasks that requests have named, by account: an hour long, and the newest 50,000."""

    def __init__(self) -> None:
        self._named: OrderedDict[tuple[str, str], float] = OrderedDict()

    def repeated(self, account: str, tasks: Sequence[str], now: float) -> frozenset[str]:
        """Those of `tasks` that were named before; from now on all of them were."""
        again = frozenset(task for task in tasks if self._is_fresh((account, task), now))
        for task in tasks:
            self._named[account, task] = now
            self._named.move_to_end((account, task))
        while len(self._named) > MOST_TASKS:
            self._named.popitem(last=False)
        return again

    def _is_fresh(self, key: tuple[str, str], now: float) -> bool:
        return key in self._named and now - self._named[key] < REMEMBERED_SECONDS
