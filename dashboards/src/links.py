"""Where boards and panels lead: to each other with what is chosen, and to the runbooks."""

from __future__ import annotations

from pathlib import Path

import yaml
from grafana_foundation_sdk.models import dashboard as models

BOARDS = {
    "genmedia-overview": "Overview",
    "genmedia-limits": "Limits and credits",
    "genmedia-tasks": "Tasks and latency",
    "genmedia-api": "API",
    "genmedia-monitor": "Monitor",
}
_PROMETHEUS = Path(__file__).parents[2] / "deploy" / "prometheus.yml"
RUNBOOKS: str = yaml.safe_load(_PROMETHEUS.read_text())["global"]["external_labels"]["genmedia_runbooks_url"]
"""Where the alerts' own links to runbooks lead, too."""


def link(title: str, url: str) -> models.DashboardLink:
    """A link of a panel or a cell."""
    return models.DashboardLink(title=title, type_val=models.DashboardLinkType.LINK, url=url)


def to(uid: str) -> models.DashboardLink:
    """A link to a board, with the time and the variables as they are."""
    return link(BOARDS[uid], f"/d/{uid}?${{__url_time_range}}&${{__all_variables}}")


def runbook(alert: str) -> models.DashboardLink:
    """A link to what to do when this alert fires."""
    return link(f"Runbook: {alert}", f"{RUNBOOKS}/{alert}.md")
