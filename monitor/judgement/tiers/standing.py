"""Which tier an account is at, and how the newest table differs from the provider's live limits."""

from __future__ import annotations

import structlog
from msgspec.structs import replace

from monitor.judgement.tiers.outlook import Mismatch, TierState
from monitor.observations import ModelLimits, Organization
from monitor.providers.tiers import TierTables

log = structlog.get_logger()

Told = tuple[int | None, float | None, dict[str, ModelLimits]]


class TierTracker:
    """Follows one account's tier. Each change is logged once, and again after a restart.

    The state is computed only when the configured tier or the live limits have changed.
    """

    def __init__(self, account: str, tables: TierTables) -> None:
        self._account = account
        self._tables = tables
        self._told: Told | None = None
        self._logged: TierState | None = None
        self.state = TierState(table=tables.newest.name)

    def update(self, configured: int | None, live: Organization | None) -> TierState:
        """The tier by these limits. `live` is None while they are unknown, which is no change to log."""
        told = (configured, live.monthly_spend_credits, live.limits) if live else (configured, None, {})
        if told != self._told:
            self._told = told
            self.state = tier_state(self._tables, configured, live)
            if live is not None:
                self._log(self.state)
        return self.state

    def completed(self, live: Organization | None) -> Organization | None:
        """The live limits. If the provider does not report the limit of purchases, it is the newest table's."""
        number = self.state.number
        if live is None or live.monthly_spend_credits is not None or number is None:
            return live
        tier = self._tables.newest.tier(number)
        return replace(live, monthly_spend_credits=self._tables.monthly_spend_credits(tier))

    def _log(self, new: TierState) -> None:
        old = self._logged or TierState(table=new.table, mismatches=())
        if new.number != old.number:
            log.info("tier.changed", account=self._account, tier=new.number, before=old.number)
        if (new.compared, new.mismatches) != (old.compared, old.mismatches):
            if new.mismatches:
                told = [describe(mismatch) for mismatch in new.mismatches]
                log.warning(
                    "tier.table_disagrees", account=self._account, tier=new.compared, table=new.table, limits=told
                )
            elif old.mismatches:
                log.info("tier.table_agrees", account=self._account, tier=new.compared, table=new.table)
        self._logged = new


def tier_state(tables: TierTables, configured: int | None, live: Organization | None) -> TierState:
    """The tier of an account with these limits, compared with the newest table."""
    if live is None:
        return TierState(table=tables.newest.name, configured=configured)
    match = tables.infer(live)
    inferred = match.tier.number if match else None
    nearest = tables.nearest(live)
    compared = configured or inferred or (nearest.number if nearest else None)
    return TierState(
        table=tables.newest.name,
        configured=configured,
        inferred=inferred,
        compared=compared,
        mismatches=None if nearest is None or compared is None else mismatches(tables, compared, live),
    )


def mismatches(tables: TierTables, number: int, live: Organization) -> tuple[Mismatch, ...]:
    """The live limits that differ from the newest table's at this tier."""
    claims = tables.disagreements(tables.newest, tables.newest.tier(number), live)
    return tuple(Mismatch(claim.model, claim.limit, claim.live, claim.table) for claim in claims)


def describe(mismatch: Mismatch) -> str:
    """A mismatch, for the log."""
    live = "unlimited" if mismatch.live is None else f"{mismatch.live:.12g}"
    table = " or ".join(f"{value:.12g}" for value in mismatch.table)
    return f"{mismatch.model} {mismatch.limit}: live {live}, table {table}".lstrip()
