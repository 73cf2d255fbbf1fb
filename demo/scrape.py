"""Reading `/metrics` as Prometheus would, and the few queries that the table needs."""

from __future__ import annotations

import math
from collections import defaultdict

from prometheus_client.parser import text_string_to_metric_families


class Scrape:
    """One scrape. Label arguments select series; a label that is not named may have any value."""

    def __init__(self, text: str) -> None:
        self._series: dict[str, list[tuple[dict[str, str], float]]] = defaultdict(list)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self._series[sample.name].append((sample.labels, sample.value))

    def select(self, name: str, **labels: str) -> list[tuple[dict[str, str], float]]:
        """The labels and the value of every series that fits."""
        return [series for series in self._series[name] if labels.items() <= series[0].items()]

    def sum(self, name: str, **labels: str) -> float:
        """`sum(name{labels})`, 0 without a series."""
        return sum(value for _, value in self.select(name, **labels))

    def value(self, name: str, **labels: str) -> float | None:
        """The one series that fits; None where what it tells is unknown."""
        return next((value for _, value in self.select(name, **labels)), None)

    def models(self) -> list[str]:
        """Every model that the application has asked for."""
        asked = self.select("genmedia_requests_total", kind="create")
        return sorted({labels["model"] for labels, _ in asked if labels["model"]})

    def median(self, histogram: str, **labels: str) -> float | None:
        """`histogram_quantile(0.5, ...)`: linear within the bucket; None without observations."""
        counts: dict[float, float] = defaultdict(float)
        for bucket, value in self.select(f"{histogram}_bucket", **labels):
            counts[float(bucket["le"])] += value
        bounds = sorted(counts)
        if not bounds or not counts[bounds[-1]]:
            return None
        rank = counts[bounds[-1]] / 2
        index = next(index for index, bound in enumerate(bounds) if counts[bound] >= rank)
        low = bounds[index - 1] if index else 0.0
        below = counts[low] if index else 0.0
        if math.isinf(bounds[index]):
            return low
        return low + (bounds[index] - low) * (rank - below) / (counts[bounds[index]] - below)
