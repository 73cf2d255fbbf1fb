"""Which model names may become labels: a typing error or a hostile sender must not mint series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from monitor.observations import AnyObservation, Kind, Organization, Outcome, ReadFinished, RequestSeen, TaskSeen

UNKNOWN = "unknown"
OTHER = "other"
ALWAYS_ALLOWED = frozenset({"", UNKNOWN, OTHER, "mixed", "workflow"})


class Models:
    """The model names of one account.

    `remembered` maps each stored name to whether it is in use as a label; a name not in use is one that an account
    read has listed. `known` are the provider's ids, and at most `maximum` names come into use. `changed` collects what
    must be stored, in the form of `remembered`, and `capped` counts the observations whose model found no room.
    """

    def __init__(self, remembered: Mapping[str, bool], known: frozenset[str], maximum: int) -> None:
        self._names = dict(remembered)
        self._known = known
        self._maximum = maximum
        self.changed: dict[str, bool] = {}
        self.capped = 0

    def list(self, names: Iterable[str]) -> None:
        """Remember names that the account's own limits mention."""
        for name in names:
            if name not in self._names:
                self._remember(name, in_use=False)

    def label(self, name: str, *, vouched: bool) -> str:
        """The label for `name`; `vouched` says that the vendor has just accepted it."""
        if name in ALWAYS_ALLOWED or self._names.get(name):
            return name
        if not (vouched or name in self._names or name in self._known):
            return UNKNOWN
        if sum(self._names.values()) >= self._maximum:
            self.capped += 1
            return OTHER
        self._remember(name, in_use=True)
        return name

    def _remember(self, name: str, *, in_use: bool) -> None:
        self._names[name] = self.changed[name] = in_use


def admit(seen: AnyObservation, models: Models) -> AnyObservation:
    """The observation with a model that may be a label; one without a model, as most are, stays so."""
    if isinstance(seen, (RequestSeen, TaskSeen)):
        return _relabel(seen, models) if seen.model else seen
    if isinstance(seen, ReadFinished) and isinstance(seen.figures, Organization):
        models.list(seen.figures.limits)
    return seen


def _relabel(seen: RequestSeen | TaskSeen, models: Models) -> AnyObservation:
    if isinstance(seen, TaskSeen):
        vouched = seen.accepted
    else:
        vouched = seen.kind is Kind.CREATE and seen.outcome is Outcome.SUCCESS
    label = models.label(seen.model, vouched=vouched)
    return seen if label == seen.model else replace(seen, model=label)
