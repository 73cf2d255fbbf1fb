"""Which model names become labels. A typing error or a hostile sender must not create series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from monitor.observations import AnyObservation, Kind, Organization, Outcome, ReadFinished, RequestSeen, TaskSeen

UNKNOWN = "unknown"
OTHER = "other"
ALWAYS_ALLOWED = frozenset({"", UNKNOWN, OTHER, "mixed", "workflow"})


class Models:
    """The model names of one account.

    `remembered` maps each stored name to whether it is in use as a label. A name that is not in use was listed by an
    account read. `known` are the provider's own ids. At most `maximum` names come into use. `changed` collects names to
    store, in the form of `remembered`. `capped` counts the observations whose model came beyond the maximum.
    """

    def __init__(self, remembered: Mapping[str, bool], known: frozenset[str], maximum: int) -> None:
        self._names = dict(remembered)
        self._known = known
        self._maximum = maximum
        self.changed: dict[str, bool] = {}
        self.capped = 0

    def list(self, names: Iterable[str]) -> None:
        """Remember the names in the account's limits."""
        for name in names:
            if name not in self._names:
                self._remember(name, in_use=False)

    def label(self, name: str, *, vouched: bool) -> str:
        """The label for `name`. `vouched` says that the provider has just accepted a task of this model."""
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
    """The observation with a model that may be a label. Most observations have no model and stay as they are."""
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
