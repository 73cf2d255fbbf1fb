"""Scheduled work: account reads, task follow-up, evaluation, retention."""

from monitor.collect.collector import Collector

__all__ = ["Collector"]
