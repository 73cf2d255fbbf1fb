"""Scheduled work: account reads, task follow-up, evaluation, retention."""

from monitor.collect.collector import Jobs

__all__ = ["Jobs"]
