"""Starts simulated vendors, the monitor and two applications, and shows what the monitor sees until Ctrl-C.

Where Prometheus and Alertmanager are installed, they run too, and alerts are printed as they begin and end.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
from rich.console import Console
from rich.live import Live
from rich.table import Table

from demo.alerting import Alerting, installed, missing
from demo.processes import DemoError, Program, check_free, module
from demo.scrape import Scrape
from demo.table import table

KEY = "key_simulated"
START_SECONDS = 20.0
CONFIG = """\
listen: 127.0.0.1:{port}
gateway: {{listen: "127.0.0.1:{gateway_port}"}}
store: sqlite:///{folder}/monitor.db
evaluate_interval: 1s
accounts:
  - name: demo
    provider: runway
    api_key_env: SIMULATED_API_KEY
    base_url: http://127.0.0.1:{simulator_port}
    poll_interval: 5s
    limits:
      autobilling: {{threshold: 50000, amount: 20000}}
  - name: demo-runware
    provider: runware
    api_key_env: SIMULATED_API_KEY
    base_url: http://127.0.0.1:{runware_port}
    poll_interval: 5s
"""


class Demo:
    """The programs in a folder of their own. `stopped` is set when the user has had enough."""

    def __init__(self, given: argparse.Namespace, folder: Path, stopped: threading.Event) -> None:
        self._given = given
        self._folder = folder
        self._stopped = stopped
        self._programs: list[Program] = []
        self._alerting = Alerting(given.port, folder) if installed() else None
        self._monitor = httpx.Client(base_url=f"http://127.0.0.1:{given.port}", trust_env=False)

    @property
    def addresses(self) -> str:
        """Where the user can look, and what the application was told."""
        port, gateway = self._given.port, self._given.gateway_port
        return (
            f"status page  http://127.0.0.1:{port}/\n"
            f"metrics      http://127.0.0.1:{port}/metrics\n"
            f"gateway      RUNWAYML_BASE_URL=http://127.0.0.1:{gateway}/demo RUNWAYML_API_SECRET={KEY}\n"
            f"             http://127.0.0.1:{gateway}/demo-runware/v1 RUNWARE_API_KEY={KEY}\n"
            + "\n".join(self._alerting.addresses() if self._alerting else [missing()])
        )

    def news(self) -> Iterator[str]:
        """What has begun or ceased to alert since the last call."""
        return self._alerting.news() if self._alerting else iter(())

    def start(self) -> None:
        """Start vendors, monitor and applications, each once what it needs is ready.

        Raises DemoError when one does not start.
        """
        given = self._given
        runway, runware = (f"127.0.0.1:{port}" for port in (given.simulator_port, given.runware_port))
        self._simulate("simulator", runway, "--tier", "2")
        self._simulate("simulated Runware", runware, "--vendor", "runware", "--credits", "100")
        config = self._folder / "monitor.yml"
        config.write_text(CONFIG.format(folder=self._folder, **vars(given)))
        self._run("monitor", module("monitor", "run", "--config", str(config)))
        self._wait_until_ready("/-/ready")
        self._apply("workload", "demo.workload", "demo", runway)
        self._apply("Runware workload", "demo.runware_workload", "demo-runware", runware)
        if self._alerting and (binaries := installed()):
            prometheus, alertmanager = binaries
            self._run("alertmanager", self._alerting.alertmanager(alertmanager))
            self._run("prometheus", self._alerting.prometheus(prometheus))
            self._wait_until(self._alerting.is_ready, "alerting")

    def _simulate(self, name: str, address: str, *options: str) -> None:
        self._run(name, module("monitor", "simulate", "--listen", address, "--key", KEY, *options))
        self._wait_until_ready(f"http://{address}/_control/faults")

    def _apply(self, name: str, program: str, account: str, simulator: str) -> None:
        """Start an application that uses an account through the gateway."""
        gateway = f"http://127.0.0.1:{self._given.gateway_port}/{account}"
        self._run(name, module(program, "--base-url", gateway, "--simulator", f"http://{simulator}"))

    def _run(self, name: str, command: list[str]) -> None:
        if self._stopped.is_set():
            return
        environ = {"SIMULATED_API_KEY": KEY, "RUNWAYML_API_SECRET": KEY, "RUNWARE_API_KEY": KEY}
        self._programs.append(Program(name, command, self._folder, environ))

    def _wait_until_ready(self, url: str) -> None:
        def is_ready() -> bool:
            try:
                return self._monitor.get(url).is_success
            except httpx.TransportError:
                return False

        self._wait_until(is_ready, self._programs[-1].name)

    def _wait_until(self, is_ready: Callable[[], bool], name: str) -> None:
        for _ in range(round(START_SECONDS / 0.1)):
            self.check()
            if is_ready() or self._stopped.wait(0.1):
                return
        raise DemoError(f"the {name} was not ready within {START_SECONDS:.0f} s")

    def check(self) -> None:
        """Raise DemoError when a program has ended by itself."""
        for program in self._programs:
            program.check()

    def scrape(self) -> Scrape:
        """What the monitor tells now. Raises DemoError when it does not answer."""
        try:
            return Scrape(self._monitor.get("/metrics").raise_for_status().text)
        except httpx.HTTPError as error:
            self.check()
            raise DemoError(f"the monitor's metrics cannot be read: {error}") from None

    def stop(self) -> None:
        """Stop what watches first, then the application, the vendor last."""
        while self._programs:
            self._programs.pop().stop()
        self._monitor.close()
        if self._alerting:
            self._alerting.close()


@contextmanager
def display(console: Console) -> Iterator[Callable[[Table], None]]:
    """How a table is shown: in place on a terminal, else one below the other."""
    if not console.is_terminal:
        yield console.print
        return
    with Live(console=console, auto_refresh=False) as live:
        yield partial(live.update, refresh=True)


def watch(demo: Demo, stopped: threading.Event, interval: float) -> None:
    """Show the table every `interval` seconds until `stopped`."""
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(demo.addresses, highlight=False, soft_wrap=True)
    console.print("Ctrl-C stops everything. The application polls its tasks every 6 s, so the first show after that.\n")
    with display(console) as show:
        while not stopped.wait(interval):
            demo.check()
            for line in demo.news():
                console.print(f"{time.strftime('%X')} {line}", highlight=False, markup=False, soft_wrap=True)
            show(table(demo.scrape()))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--port", type=int, default=10190, help="status page and metrics")
    parser.add_argument("--gateway-port", type=int, default=10191)
    parser.add_argument("--simulator-port", type=int, default=10195)
    parser.add_argument("--runware-port", type=int, default=10196, help="the simulated Runware")
    parser.add_argument("--interval", type=float, default=3.0, help="seconds between tables")
    return parser.parse_args()


def run(given: argparse.Namespace, stopped: threading.Event) -> None:
    """The demo from start to `stopped`; leaves nothing behind. Raises DemoError when it cannot go on."""
    for flag in ("--port", "--gateway-port", "--simulator-port", "--runware-port"):
        check_free(getattr(given, flag.strip("-").replace("-", "_")), flag)
    with tempfile.TemporaryDirectory(prefix="genmedia-demo-") as folder:
        demo = Demo(given, Path(folder), stopped)
        try:
            demo.start()
            watch(demo, stopped, given.interval)
        finally:
            demo.stop()


def main() -> None:
    """Run until a signal; what goes wrong is one line."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopped.set())
    try:
        run(arguments(), stopped)
    except DemoError as error:
        sys.exit(f"demo: {error}")


main()
