"""The command line.

Each command imports what it needs when it runs, so that small commands start fast.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor import __version__
from monitor.cli.advice import advice
from monitor.cli.backtest import backtest
from monitor.cli.plan import plan
from monitor.cli.simulate import simulate
from monitor.cli.status.command import status
from monitor.errors import ConfigError, MonitorError
from monitor.views.formatting import counted

if TYPE_CHECKING:
    from monitor.config import Config

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="YAML file; without it, accounts come from the environment.")
]


def run(config: ConfigFile = None) -> None:
    """Run the daemon: gateway, account reads, metrics and status page, until SIGTERM or Ctrl-C.

    SIGHUP reloads the configuration. A second SIGTERM stops immediately.
    """
    # By default SIGHUP ends the process; it must not before the daemon handles it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    import uvloop

    from monitor.daemon.daemon import serve
    from monitor.runtime.clock import SystemClock

    uvloop.run(serve(_load(config), lambda: _load(config), SystemClock()))


def check_config(file: Annotated[Path, typer.Argument(help="The YAML file to check.")]) -> None:
    """Check a configuration file and list every fault with its place."""
    accounts = _load(file).accounts
    typer.echo(f"{file}: good; {counted(len(accounts), 'account')}")


def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def _load(path: Path | None) -> Config:
    from monitor.config import load
    from monitor.runtime.logs import configure_logging

    configure_logging()
    try:
        return load(path, os.environ)
    except ConfigError as error:
        raise ConfigError([_in_file(path, fault) for fault in error.faults]) from None


def _in_file(path: Path | None, fault: str) -> str:
    """Prefix a fault with its file, unless it names the file already."""
    return fault if path is None or fault.startswith(f"{path}: ") else f"{path}: {fault}"


app = typer.Typer(
    name="genmedia-monitor",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def genmedia_monitor(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Watch an application's use of generative-media APIs, and warn before a limit is hit."""


for command in (run, check_config, status, plan, advice, backtest, simulate, version):
    app.command()(command)


def main() -> None:
    """Run the command line. Errors that the user can fix print as plain lines and exit with status 1."""
    try:
        app(prog_name="genmedia-monitor")
    except ConfigError as error:
        for fault in error.faults:
            typer.echo(f"configuration: {fault}", err=True)
        sys.exit(1)
    except MonitorError as error:
        typer.echo(f"genmedia-monitor: {error}", err=True)
        sys.exit(1)
