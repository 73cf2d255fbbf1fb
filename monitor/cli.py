"""The command line: `genmedia-monitor run`, `check-config`, `status`, `plan`, `simulate`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from monitor import __version__
from monitor.app import serve
from monitor.clock import SystemClock
from monitor.config import Config, load
from monitor.errors import ConfigError, MonitorError
from monitor.logs import configure_logging
from monitor.plan.command import plan
from monitor.simulator.command import simulate
from monitor.status.command import status

app = typer.Typer(
    name="genmedia-monitor",
    help="Watch an application's use of generative-media APIs, and warn before a limit is hit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(status)
app.command()(plan)
app.command()(simulate)

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="YAML file; without it, accounts come from RUNWAYML_API_SECRET.")
]


@app.command()
def run(config: ConfigFile = None) -> None:
    """Run the daemon: gateway, account reads, metrics and status page, until SIGTERM or Ctrl-C.

    SIGHUP reads the configuration again. A second SIGTERM stops at once.
    """
    configure_logging()
    uvloop.run(serve(_load(config), lambda: _load(config), SystemClock()))


@app.command()
def check_config(file: Annotated[Path, typer.Argument(help="The YAML file to check.")]) -> None:
    """Check a configuration: list every fault with its place, or say that it is good."""
    configure_logging()
    accounts = _load(file).accounts
    typer.echo(f"{file}: good; {len(accounts)} account{'s' if len(accounts) > 1 else ''}")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def _load(path: Path | None) -> Config:
    return load(path, os.environ)


def main() -> None:
    """Run the command line; an error that its user can mend is shown as plain lines, with exit status 1."""
    try:
        app()
    except ConfigError as error:
        for fault in error.faults:
            typer.echo(f"configuration: {fault}", err=True)
        sys.exit(1)
    except MonitorError as error:
        typer.echo(f"genmedia-monitor: {error}", err=True)
        sys.exit(1)
