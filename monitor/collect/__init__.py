"""Scheduled work: account reads, task follow-up, evaluation, retention."""

from monitor.collect.collector import Collector
from monitor.collect.vendor import open_client

__all__ = ["Collector", "open_client"]
