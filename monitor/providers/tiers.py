"""Tables of usage tiers as dated data, and the inference of an account's tier from its live limits.

A table goes out of date. It serves to advise and to infer the number of a tier. The limits that the account itself
reports always win.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from monitor.observations import MODEL_LIMITS, ModelLimits, Organization


@dataclass(frozen=True, slots=True)
class Tier:
    """One row of a table. `columns` are the limits of a model in each column of the table.

    An account reaches the tier after buying `purchased_dollars` and waiting `wait_days`. None is unknown.
    """

    number: int
    columns: tuple[ModelLimits, ...]
    monthly_spend_dollars: int
    purchased_dollars: int | None = 0
    wait_days: int | None = 0


@dataclass(frozen=True, slots=True)
class TierTable:
    """A table as it was published at `source`.

    `date` is as exact as it is known. `doubt` is what the source leaves open. `columns` are the columns that may hold
    the limits of a modality: several if the names of the columns are lost, all for a modality that it lacks.
    """

    name: str
    date: str
    source: str
    doubt: str
    tiers: tuple[Tier, ...]
    columns: Mapping[str, tuple[int, ...]]

    def tier(self, number: int) -> Tier:
        """The row of this number.

        Raises:
            KeyError: the table has no such tier.
        """
        return {tier.number: tier for tier in self.tiers}[number]

    def limits(self, tier: Tier, modality: str) -> tuple[ModelLimits, ...]:
        """The possible limits of a model of this modality at a tier of this table. More than one means doubt."""
        everywhere = tuple(range(len(tier.columns)))
        return tuple(dict.fromkeys(tier.columns[place] for place in self.columns.get(modality, everywhere)))


@dataclass(frozen=True, slots=True)
class Claim:
    """A live limit and the values that a table may have for it. `model` is empty for a limit of the account.

    None is unlimited.
    """

    model: str
    limit: str
    live: float | None
    table: tuple[float, ...]

    @property
    def weight(self) -> float:
        """How much the live limit supports the table, 0 to 1. A right guess among several values counts less."""
        return 1 / len(self.table) if self.live in self.table else 0.0


@dataclass(frozen=True, slots=True)
class TierMatch:
    """The tier that live limits belong to, and the table that fits them best.

    `disagreements` are the live limits that differ from the newest table at that tier. The live limits win.
    """

    tier: Tier
    table: TierTable
    newest: TierTable
    disagreements: tuple[Claim, ...]


class TierTables:
    """A provider's tables, newest first, and the modalities of its models. No table has the models `untabled`."""

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
        """The table that advice uses."""
        return self.tables[0]

    def limits(self, table: TierTable, tier: Tier, model: str) -> tuple[ModelLimits, ...]:
        """The possible limits of a model at a tier. Empty for a model that no table has."""
        return () if model in self._untabled else table.limits(tier, self._modalities.get(model, ""))

    def monthly_spend_credits(self, tier: Tier) -> int:
        """Credits that may be bought in 30 days at a tier."""
        return round(tier.monthly_spend_dollars / self._dollars_per_credit)

    def infer(self, live: Organization) -> TierMatch | None:
        """The tier of an account. None if its limits fit no tier, or several equally well.

        Single limits may be negotiated, so a tier must fit only more than half of the limits that its table has. If
        tables suggest different tiers, the best-fitting table wins.
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
        """The tier of the newest table that fits the live limits best, the lowest one of several.

        None if the table has none of these limits.
        """
        tiers = self.newest.tiers
        if not any(True for _ in self._claims(self.newest, tiers[0], live)):
            return None
        return max(tiers, key=lambda tier: self._share(self.newest, tier, live))

    def disagreements(self, table: TierTable, tier: Tier, live: Organization) -> Iterator[Claim]:
        """The live limits that differ from the table."""
        return (claim for claim in self._claims(table, tier, live) if not claim.weight)

    def _share(self, table: TierTable, tier: Tier, live: Organization) -> float:
        claims = list(self._claims(table, tier, live))
        return sum(claim.weight for claim in claims) / len(claims) if claims else 0.0

    def _claims(self, table: TierTable, tier: Tier, live: Organization) -> Iterator[Claim]:
        """Every live limit that the table has a value for."""
        if live.monthly_spend_credits is not None:
            spend = self.monthly_spend_credits(tier)
            yield Claim("", "monthly_spend_credits", live.monthly_spend_credits, (spend,))
        for model, limits in live.limits.items():
            if known := self.limits(table, tier, model):
                for limit in filter(partial(live.knows, model), MODEL_LIMITS):
                    allowed = tuple(sorted({getattr(one, limit) for one in known}))
                    yield Claim(model, limit, getattr(limits, limit), allowed)
