"""`genmedia-monitor backtest`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

if TYPE_CHECKING:
    from monitor.planning.backtest import Fault

FAULTS_SHOWN = 20


def backtest(
    file: Annotated[Path, typer.Argument(help='JSON lines: {"at": "2026-11-01T08:00:00Z", "model": "gen4.5"}')],
    limit: Annotated[int, typer.Option(min=1, help="Generations that one model may accept in any 24 hours.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Replay the daily forecast over accepted generations and compare each warning with what happened.

    The forecast runs once a minute, as in the daemon. It only uses generations accepted up to that moment.
    """
    # Rich would cost every other command its start.
    from rich.console import Console

    from monitor.planning.backtest import Report, read, report, show

    history, faults = read(file)
    _complain(file, faults)
    models = tuple(report(model, sorted(times), limit) for model, times in sorted(history.items()))
    answer = Report(limit, tuple(faults), models)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(answer)).decode())
    else:
        show(answer, Console())


def _complain(file: Path, faults: list[Fault]) -> None:
    for each in faults[:FAULTS_SHOWN]:
        typer.echo(f"{file}:{each.line}: left out: {each.fault}", err=True)
    if len(faults) > FAULTS_SHOWN:
        typer.echo(f"{file}: {len(faults) - FAULTS_SHOWN} more lines left out", err=True)
