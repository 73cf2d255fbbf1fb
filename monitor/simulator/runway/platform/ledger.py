"""The credits of an organization: purchases, charges, refunds and autobilling. Pure: the time is an argument."""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import UTC, datetime

from monitor.simulator.runway.settings import Autobilling

_THIRTY_DAYS = 30 * 86_400.0
_RETRY_SECONDS = 86_400.0
_ATTEMPTS = 3
SMALLEST_PURCHASE = 1_000
"""The fewest credits that Runway sells ($10)."""


def utc_day(now: float) -> str:
    """Return the UTC calendar day of a Unix time, as `YYYY-MM-DD`."""
    return datetime.fromtimestamp(now, UTC).date().isoformat()


class Ledger:
    """The balance, the net credits used per UTC day and model, and the purchases of the last 30 days.

    A refund is booked on the day on which it is made, so a day's use can be negative.
    """

    def __init__(self, balance: int) -> None:
        self.balance = balance
        self.used: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.bought = 0
        self._purchases: deque[tuple[float, int]] = deque()

    def charge(self, model: str, credits_: int, now: float) -> None:
        """Charge credits for a generation. A negative amount is a refund."""
        self.balance -= credits_
        self.used[utc_day(now)][model] += credits_

    def buy(self, credits_: int, now: float) -> None:
        self.balance += credits_
        self.bought += credits_
        self._purchases.append((now, credits_))

    def bought_in_30_days(self, now: float) -> int:
        while self._purchases and self._purchases[0][0] <= now - _THIRTY_DAYS:
            self._purchases.popleft()
        return sum(credits_ for _, credits_ in self._purchases)


class Autobiller:
    """Decides at each hourly check whether to buy credits.

    A purchase is clipped to what the month still allows, and fails below the smallest purchase. A failed charge is
    retried after 24 hours. After three failures in a row autobilling stops until a purchase by hand works.
    """

    def __init__(self) -> None:
        self.failed_attempts = 0
        self._not_before = 0.0

    @property
    def stopped(self) -> bool:
        return self.failed_attempts >= _ATTEMPTS

    def check(self, plan: Autobilling, monthly_credits: int, ledger: Ledger, now: float) -> None:
        """Run the hourly check."""
        if not self.stopped and now >= self._not_before and ledger.balance < plan.threshold:
            self.trigger(plan, monthly_credits, ledger, now)

    def trigger(self, plan: Autobilling, monthly_credits: int, ledger: Ledger, now: float) -> bool:
        """Purchase now, whatever the balance. Return whether it worked."""
        amount = min(plan.amount, monthly_credits - ledger.bought_in_30_days(now))
        if plan.charge_fails or amount < SMALLEST_PURCHASE:
            self.failed_attempts += 1
            self._not_before = now + _RETRY_SECONDS
            return False
        ledger.buy(amount, now)
        self.failed_attempts = 0
        return True
