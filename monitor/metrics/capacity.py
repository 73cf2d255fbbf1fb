"""From an account's snapshot to the samples of its models' capacity."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.judgement.capacity.outlook import QueueState
from monitor.judgement.snapshot import AccountSnapshot

Rows = Iterable[tuple[tuple[str, ...], float]]


def states(account: AccountSnapshot, _: float) -> Rows:
    """Every state of the models of which enough is seen."""
    for one in account.capacity:
        if one.state is not None:
            yield from (((one.model, state.value), float(state is one.state)) for state in QueueState)


def recommended(account: AccountSnapshot, _: float) -> Rows:
    """How many tasks to have open at once."""
    return (((one.model,), one.recommended_concurrency) for one in account.capacity)
