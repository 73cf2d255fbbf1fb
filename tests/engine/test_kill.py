"""A process killed without warning: what it acknowledged is there, once."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from stores import figures

from monitor.store import Database

REQUEST = ("requests", "/v1/text_to_video", "create", "gen4.5", "200", "success")
HERE = Path(__file__).parent
KILLS = 5
TOGETHER = 20  # requests in one submit


def killed_writer(url: str, start: int, acknowledgements: int, later: float) -> int:
    """Run a writer, kill it some seconds after so many acknowledgements; the last number it acknowledged."""
    command = [sys.executable, HERE / "writer_process.py", url, str(start), str(TOGETHER)]
    paths = os.pathsep.join([str(HERE.parent.parent), str(HERE.parent), str(HERE)])
    environment = {**os.environ, "PYTHONPATH": paths}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as writer:
        assert writer.stdout
        lines = [writer.stdout.readline() for _ in range(acknowledgements)]
        time.sleep(later)
        writer.kill()
        lines += writer.stdout.read().splitlines()
    return int([line for line in lines if line.strip()][-1])


def test_what_was_acknowledged_before_a_kill_is_stored_exactly_once(database_url: str) -> None:
    moments = random.Random(1)
    acknowledged = 0
    for _ in range(KILLS):
        repeated = max(0, acknowledged // TOGETHER - 2)
        acknowledged = killed_writer(database_url, repeated, moments.randint(3, 12), moments.uniform(0, 0.08))

        database = Database.open(database_url)
        stored = figures(database)
        database.close()
        assert acknowledged <= stored[REQUEST] <= acknowledged + TOGETHER
        assert stored[REQUEST] == stored["tasks_created", "gen4.5"]
