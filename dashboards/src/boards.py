"""All boards, and their JSON."""

from __future__ import annotations

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.src.api import api
from dashboards.src.limits import limits
from dashboards.src.monitor import monitor
from dashboards.src.overview import overview
from dashboards.src.tasks import tasks

FOLDER = Path(__file__).parent.parent


def rendered() -> dict[str, str]:
    """Each board's file name and content."""
    boards = [overview(), limits(), tasks(), api(), monitor()]
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {f"{board.uid}.json": encoder.encode(board) + "\n" for board in boards}
