"""What every command line owes its user: a version, help under both spellings, completion."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import monitor

COMMANDS = ("run", "check-config", "status", "plan", "advice", "backtest", "simulate", "version")


def genmedia_monitor(*arguments: str) -> str:
    command = [sys.executable, "-m", "monitor", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("spelling", ["--version", "version"])
def test_the_version_is_printed_by_either_spelling(spelling: str) -> None:
    assert genmedia_monitor(spelling) == f"{monitor.__version__}\n"


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_is_printed_by_either_spelling(command: tuple[str, ...]) -> None:
    shown = genmedia_monitor(*command, "-h")
    assert " ".join(["Usage: genmedia-monitor", *command]) in shown
    assert shown == genmedia_monitor(*command, "--help")


def test_bash_completes_a_command() -> None:
    script = """
        eval "$(_GENMEDIA_MONITOR_COMPLETE=source_bash genmedia-monitor)"
        COMP_WORDS=(genmedia-monitor st) COMP_CWORD=1
        _genmedia_monitor_completion genmedia-monitor
        echo "${COMPREPLY[@]}"
    """
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    completed = subprocess.run(["bash", "-c", script], env={"PATH": path}, check=True, capture_output=True, text=True)
    assert completed.stdout == "status\n"
