"""Fuzzes every provider with both engines; `--help` tells the options."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec

from hypothesis import HealthCheck, Phase, given, seed, settings

from benchmarks.fuzz.cases import cases
from benchmarks.fuzz.exercise import Exercise
from monitor.providers import PROVIDERS

SECONDS = 600.0
EXAMPLES = 1000
LIBFUZZER = ("-max_len=8192", "-timeout=10", "-rss_limit_mb=512", "-print_final_stats=1", "-artifact_prefix=./")


def with_hypothesis(name: str, seconds: float) -> bool:
    """Rounds of examples, each from a seed of its own, until the time is up. A failure is shown at its smallest."""
    until, exercise, number = time.monotonic() + seconds, Exercise(PROVIDERS[name]), time.time_ns()
    hurried = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    while time.monotonic() < until:
        number += 1
        seed(number)(hurried(given(cases)(exercise.__call__)))()
    print(f"{name}: hypothesis, {exercise.done:,} cases in {seconds:.0f} s, nothing found")
    return True


def with_atheris(name: str, seconds: float) -> bool:
    """One process, ended by libFuzzer; it writes a case that fails beside the working directory's files."""
    if find_spec("atheris") is None:
        print(f"{name}: atheris is not installed, left out")
        return True
    with tempfile.TemporaryDirectory(prefix="genmedia-fuzz-") as folder:
        command = [sys.executable, "-m", "benchmarks.fuzz.coverage", name, folder, f"-max_total_time={seconds:.0f}"]
        done = subprocess.run([*command, *LIBFUZZER], check=False, capture_output=True, text=True)
    said = done.stderr + done.stdout
    if done.returncode:
        print(said[-4000:])
        return False
    cases_run = next((line.split()[-1] for line in said.splitlines() if "number_of_executed_units" in line), "?")
    print(f"{name}: atheris, {cases_run} cases in {seconds:.0f} s, nothing found")
    return True


ENGINES = {"hypothesis": with_hypothesis, "atheris": with_atheris}


def main() -> None:
    """Exit with 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each provider with each engine")
    parser.add_argument("--provider", choices=PROVIDERS, action="append", help="all unless named")
    parser.add_argument("--engine", choices=ENGINES, action="append", help="all unless named")
    told = parser.parse_args()
    names, engines = told.provider or list(PROVIDERS), told.engine or list(ENGINES)
    sys.exit(not all(ENGINES[engine](name, told.seconds) for name in names for engine in engines))


if __name__ == "__main__":
    main()
