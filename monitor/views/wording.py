"""An account in words: what page and terminal both say of one topic."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.judgement.figures import unread
from monitor.judgement.limits import LimitKind
from monitor.judgement.outcomes import failed, judged
from monitor.views.figures import AccountFigures, ModelFigures
from monitor.views.formatting import (
    NOT_READ,
    UNKNOWN,
    amount,
    as_of,
    as_of_if_old,
    dollars,
    of_no_limit,
    share,
    usage_lags,
)
from monitor.views.replies import LimitFigures


def missing(account: AccountFigures) -> str:
    """What stands in place of money that is unknown."""
    return NOT_READ if unread(account.reads) else UNKNOWN


def balance_notes(account: AccountFigures, at: float) -> str:
    """What stands beside the balance in dollars: its credits, and its time if it is old."""
    credits_ = "" if account.balance_credits is None else f"{amount(account.balance_credits)} credits"
    return ", ".join(filter(None, (credits_, as_of_if_old(account.balance_at, at))))


def is_spend_known(account: AccountFigures) -> bool:
    """Whether the usage says anything of today or of 30 days."""
    return account.spent_today_dollars is not None or account.spent_30d_dollars is not None


def spend_notes(account: AccountFigures, at: float) -> str:
    """What stands beside the spend of today: that of 30 days, its time, and why the balance may say more."""
    notes = (f"{dollars(account.spent_30d_dollars)} in 30 days", as_of(account.spent_at, at))
    lags = usage_lags(account.spent_today_dollars, account.left_today_dollars)
    return "; ".join([", ".join(filter(None, notes)), *lags])


def model_name(name: str) -> str:
    """A model's name, also where the provider gives none."""
    return name or "no model"


def use(limit: LimitFigures) -> str:
    """Use of a finite limit: `3 of 5`."""
    return f"{amount(limit.used)} of {amount(limit.allowed)}"


def no_limit(model: ModelFigures, kind: LimitKind) -> str:
    """Use of a limit that is unlimited or unknown."""
    return of_no_limit(model.unlimited_used.get(kind), UNKNOWN if kind in model.unknown_limits else "unlimited")


def level(limit: LimitFigures) -> str:
    """How close a limit is: `bad` from its critical threshold, `warn` from its warning threshold, else nothing."""
    ratio = limit.saturation_ratio or 0.0
    return "bad" if ratio >= limit.hard else "warn" if ratio >= limit.soft else ""


def errors(outcomes: Mapping[str, int]) -> dict[str, int]:
    """The outcomes that are errors."""
    return {outcome: count for outcome, count in outcomes.items() if failed(outcome)}


def recent(outcomes: Mapping[str, int]) -> str:
    """Requests of the last minutes, and how many of them failed."""
    wrong = sum(errors(outcomes).values())
    rate = f", {amount(wrong)} failed ({share(wrong, judged(outcomes))})" if wrong else ""
    return f"{amount(sum(outcomes.values()))}{rate}"
