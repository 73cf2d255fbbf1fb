"""Every exported family, and the source of `docs/reference/metrics.md`. A public name keeps its meaning."""

from __future__ import annotations

from monitor.metrics import capacity, limits, money, reads, requests, tasks, tiers, usage
from monitor.metrics.daemon_families import DAEMON_FAMILIES

TOPICS = (requests, tasks, limits, tiers, money, usage, capacity, reads)
FAMILIES = (*(family for topic in TOPICS for family in topic.topic.families), *DAEMON_FAMILIES)
ACCOUNT_FAMILIES = tuple((family, family.rows) for family in FAMILIES if family.rows is not None)
"""The families whose rows come from snapshots, with what gives them."""
HISTOGRAMS = {family: family.counter for family in FAMILIES if family.counter and family.counter.bounds}
