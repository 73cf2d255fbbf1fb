from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest

from demo.alerting import installed
from demo.scrape import Scrape
from demo.table import COLUMNS, row, summary

DEADLINE_SECONDS = 60.0
PROGRAMS_WITHOUT_ALERTS = 5
PROGRAMS = 7 if installed() else PROGRAMS_WITHOUT_ALERTS


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class Run:
    """`python -m demo` on ports of its own, its output in a file."""

    def __init__(self, root: Path, folder: Path, **environ: str) -> None:
        self.port, self.gateway, self.simulator, self.runware = free_ports(4)
        self._output = folder / "output"
        ports = {"--port": self.port, "--gateway-port": self.gateway, "--simulator-port": self.simulator}
        ports["--runware-port"] = self.runware
        flags = [part for flag, port in ports.items() for part in (flag, str(port))]
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "demo", "--interval", "1", *flags],
                cwd=root,
                env={**os.environ, "TMPDIR": str(folder), **environ},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def programs(self) -> list[psutil.Process]:
        """What the demo started, in that order."""
        return sorted(psutil.Process(self.process.pid).children(), key=psutil.Process.create_time)

    def wait_for(self, happened: Callable[[], object]) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not happened():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.1)

    def end(self, number: signal.Signals) -> int:
        """Send a signal, wait, and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_SECONDS)


@pytest.fixture
def demo(root: Path, tmp_path: Path) -> Iterator[Run]:
    run = Run(root, tmp_path)
    yield run
    if run.process.poll() is None:
        run.end(signal.SIGTERM)


def throttled(output: str, model: str) -> list[int]:
    """The throttled tasks of a model, table after table."""
    lines = output.splitlines()
    heading = next((line for line in lines if "throttled" in line and "oldest" in line), "")
    start, end = (heading.find(name) + len(name) for name in ("pending", "throttled"))
    return [int(line[start:end].strip() or 0) for line in lines if line.strip().startswith(model)]


def test_the_demo_shows_throttled_tasks_and_leaves_nothing_behind(demo: Run) -> None:
    demo.wait_for(lambda: any(throttled(demo.output, "gen4.5")))
    programs = demo.programs()
    assert len(programs) == PROGRAMS
    links = re.findall(r"^(?:status page|metrics|Prometheus|Alertmanager) +(\S+)$", demo.output, re.MULTILINE)
    assert len(links) == PROGRAMS - PROGRAMS_WITHOUT_ALERTS + 2
    assert {httpx.get(link, follow_redirects=True, trust_env=False).status_code for link in links} == {200}
    assert demo.end(signal.SIGINT) == 0
    assert not any(program.is_running() for program in programs)
    assert f"http://127.0.0.1:{demo.port}/metrics" in demo.output
    assert f"RUNWAYML_BASE_URL=http://127.0.0.1:{demo.gateway}/demo" in demo.output
    assert "Traceback" not in demo.output


def test_without_prometheus_the_demo_says_what_it_would_show(root: Path, tmp_path: Path) -> None:
    run = Run(root, tmp_path, PATH=str(tmp_path))
    try:
        run.wait_for(lambda: "installed (Debian: apt-get install prometheus prometheus-alertmanager)" in run.output)
        assert len(run.programs()) == PROGRAMS_WITHOUT_ALERTS
    finally:
        assert run.end(signal.SIGTERM) == 0


def test_the_demo_can_be_stopped_while_it_starts(demo: Run, tmp_path: Path) -> None:
    demo.wait_for(demo.programs)
    programs = demo.programs()
    assert demo.end(signal.SIGTERM) == 0
    assert not any(program.is_running() for program in programs)
    assert "Traceback" not in demo.output
    assert not list(tmp_path.glob("genmedia-demo-*"))


def test_a_program_that_dies_ends_the_demo_with_one_line(demo: Run) -> None:
    demo.wait_for(lambda: len(demo.programs()) == PROGRAMS)
    programs = demo.programs()
    programs[2].kill()
    assert demo.process.wait(DEADLINE_SECONDS) == 1
    assert demo.output.strip().splitlines()[-1].startswith("demo: the monitor ended with status -9: ")
    assert not any(program.is_running() for program in programs)


def test_a_port_that_is_taken_is_named_with_the_way_out(root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port, other, another = taken.getsockname()[1], *free_ports(2)
        command = [sys.executable, "-m", "demo", "--gateway-port", str(port)]
        ports = ["--port", str(other), "--simulator-port", str(another)]
        done = subprocess.run([*command, *ports], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        done.stderr == f"demo: port {port} is taken; stop what listens there, or choose another with --gateway-port\n"
    )


EXPOSITION = """\
genmedia_requests_total{kind="create",model="",outcome="success"} 0
genmedia_requests_total{kind="create",model="gen4.5",outcome="success"} 12
genmedia_requests_total{kind="create",model="gen4.5",outcome="invalid_request"} 2
genmedia_requests_total{kind="poll",model="",outcome="success"} 100
genmedia_request_retries_total{endpoint="/v1/text_to_video"} 1
genmedia_tasks_created_total{model="gen4.5"} 12
genmedia_tasks_finished_total{model="gen4.5",outcome="failed",reason="internal"} 1
genmedia_tasks_finished_total{model="gen4.5",outcome="succeeded",reason=""} 3
genmedia_tasks{model="gen4.5",status="throttled"} 5
genmedia_tasks{model="gen4.5",status="running"} 3
genmedia_tasks{model="gen4.5",status="pending"} 0
genmedia_tasks_orphaned{model="gen4.5"} 1
genmedia_throttled_oldest_age_seconds{model="gen4.5"} 61.2
genmedia_throttled_drain_seconds{model="gen4.5"} 20
genmedia_limit{model="gen4.5",limit="concurrency"} 3
genmedia_limit_used{model="gen4.5",limit="concurrency"} 3
genmedia_limit_used{model="gen4.5",limit="daily_generations"} 12
genmedia_credit_balance_credits 99000
# TYPE genmedia_task_duration_seconds histogram
genmedia_task_duration_seconds_bucket{model="gen4.5",phase="total",le="10"} 1
genmedia_task_duration_seconds_bucket{model="gen4.5",phase="total",le="20"} 3
genmedia_task_duration_seconds_bucket{model="gen4.5",phase="total",le="+Inf"} 4
genmedia_task_duration_seconds_bucket{model="gen4.5",phase="running",le="+Inf"} 9
"""


def test_a_row_says_what_the_metrics_say() -> None:
    scrape = Scrape(EXPOSITION)
    assert scrape.models() == ["gen4.5"]
    assert dict(zip(COLUMNS, row(scrape, "gen4.5"), strict=True)) == {
        "model": "gen4.5",
        "created": "12",
        "refused": "2",
        "failed": "1",
        "pending": "",
        "throttled": "5",
        "running": "3",
        "oldest": "1m01s",
        "drain": "20s",
        "p50": "15s",
        "at once": "3/3",
        "in 24 h": "",
    }


def test_the_summary_counts_everything_and_does_not_guess_a_balance() -> None:
    line = "114 requests, of them 100 polls and 1 retry; 2 refused; 1 task orphaned; "
    assert summary(Scrape(EXPOSITION)) == line + "balance 99,000 credits"
    unread = EXPOSITION.replace("genmedia_credit_balance_credits 99000\n", "")
    assert summary(Scrape(unread)) == line + "balance unknown"


@pytest.mark.parametrize(
    ("buckets", "median"),
    [({}, None), ({"10": 0, "+Inf": 0}, None), ({"10": 4, "+Inf": 4}, 5.0), ({"10": 1, "+Inf": 4}, 10.0)],
)
def test_the_median_is_what_prometheus_would_answer(buckets: dict[str, int], median: float | None) -> None:
    lines = [f'wait_bucket{{le="{bound}"}} {count}\n' for bound, count in buckets.items()]
    assert Scrape("# TYPE wait histogram\n" + "".join(lines)).median("wait") == median
