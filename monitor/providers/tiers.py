"""Tables of usage tiers as dated data, and which tier an account's live limits betray.

A table is perishable: it serves to advise and to infer a tier's number. What the account itself answers always wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from monitor.observations import MODEL_LIMITS, ModelLimits, Organization


@dataclass(frozen=True, slots=True)
class Tier:
    """One row of a table. `columns` are the limits of one model by the table's columns.

    `purchased_dollars` have to have been bought to reach the tier, and then `wait_days` to pass; None is unknown.
    """

    number: int
    columns: tuple[ModelLimits, ...]
    monthly_spend_dollars: int
    purchased_dollars: int | None = 0
    wait_days: int | None = 0


@dataclass(frozen=True, slots=True)
class TierTable:
    """A table as it once stood at `source`.

    `date` says when as well as is known, `doubt` what the source leaves open. `columns` are the places where limits of
    a modality may stand: several where the source has lost the columns' names. A modality that is not in it may
    stand anywhere.
    """

    name: str
    date: str
    source: str
    doubt: str
    tiers: tuple[Tier, ...]
    columns: Mapping[str, tuple[int, ...]]

    def tier(self, number: int) -> Tier:
        """The row of this number. Raises KeyError where there is none."""
        return {tier.number: tier for tier in self.tiers}[number]

    def limits(self, tier: Tier, modality: str) -> tuple[ModelLimits, ...]:
        """What a model of the modality may be allowed at a tier of this table: more than one where it is in doubt."""
        everywhere = tuple(range(len(tier.columns)))
        return tuple(dict.fromkeys(tier.columns[place] for place in self.columns.get(modality, everywhere)))


@dataclass(frozen=True, slots=True)
class Claim:
    """A live limit beside what a table may have for it. `model` is empty for the account's limit; None is unlimited."""

    model: str
    limit: str
    live: float | None
    table: tuple[float, ...]

    @property
    def weight(self) -> float:
        """How much the live limit speaks for the table: a claim of several values is worth less when one is right."""
        return 1 / len(self.table) if self.live in self.table else 0.0


@dataclass(frozen=True, slots=True)
class TierMatch:
    """The tier that live limits are of, and the table that knows it best.

    `disagreements` are those of the newest table at that tier: the live limits hold.
    """

    tier: Tier
    table: TierTable
    newest: TierTable
    disagreements: tuple[Claim, ...]


class TierTables:
    """A provider's tables, newest first, and the modalities of its models; models `untabled` stand in none of them."""

    def __init__(
        self,
        tables: Sequence[TierTable],
        modalities: Mapping[str, str],
        untabled: frozenset[str],
        dollars_per_credit: float,
    ) -> None:
        self.tables = tuple(tables)
        self._modalities = modalities
        self._untabled = untabled
        self._dollars_per_credit = dollars_per_credit

    @property
    def newest(self) -> TierTable:
        """The table to advise by."""
        return self.tables[0]

    def limits(self, table: TierTable, tier: Tier, model: str) -> tuple[ModelLimits, ...]:
        """What the model may be allowed at a tier; nothing for a model whose limits the table does not hold."""
        return () if model in self._untabled else table.limits(tier, self._modalities.get(model, ""))

    def monthly_spend_credits(self, tier: Tier) -> int:
        """Credits that may be bought in 30 days at a tier."""
        return round(tier.monthly_spend_dollars / self._dollars_per_credit)

    def infer(self, live: Organization) -> TierMatch | None:
        """The tier of an account; None where its limits are those of no tier or of several.

        A limit may have been negotiated, so a tier needs more than half of the limits that its table speaks of. Where
        tables name different tiers, the one that is right about the larger share wins; equal shares tell nothing.
        """
        shares = {
            (table.name, tier.number): self._share(table, tier, live) for table in self.tables for tier in table.tiers
        }
        best = max(shares.values())
        found = [key for key, share in shares.items() if share == best]
        if best <= 1 / 2 or len({number for _, number in found}) > 1:
            return None
        name, number = found[0]
        table = next(table for table in self.tables if table.name == name)
        disagreements = tuple(self.disagreements(self.newest, self.newest.tier(number), live))
        return TierMatch(table.tier(number), table, self.newest, disagreements)

    def nearest(self, live: Organization) -> Tier | None:
        """The tier of the newest table that fits the live limits best, the lowest of several.

        None where the table speaks of none of these limits.
        """
        tiers = self.newest.tiers
        if not any(True for _ in self._claims(self.newest, tiers[0], live)):
            return None
        return max(tiers, key=lambda tier: self._share(self.newest, tier, live))

    def disagreements(self, table: TierTable, tier: Tier, live: Organization) -> Iterator[Claim]:
        """The live limits that the table has otherwise."""
        return (claim for claim in self._claims(table, tier, live) if not claim.weight)

    def _share(self, table: TierTable, tier: Tier, live: Organization) -> float:
        claims = list(self._claims(table, tier, live))
        return sum(claim.weight for claim in claims) / len(claims) if claims else 0.0

    def _claims(self, table: TierTable, tier: Tier, live: Organization) -> Iterator[Claim]:
        """Every live limit beside what the table has for it, where it has anything."""
        if live.monthly_spend_credits is not None:
            spend = self.monthly_spend_credits(tier)
            yield Claim("", "monthly_spend_credits", live.monthly_spend_credits, (spend,))
        for model, limits in live.limits.items():
            if known := self.limits(table, tier, model):
                for limit in filter(partial(live.knows, model), MODEL_LIMITS):
                    allowed = tuple(sorted({getattr(one, limit) for one in known}))
                    yield Claim(model, limit, getattr(limits, limit), allowed)
