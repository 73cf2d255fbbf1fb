"""What the daemon does not use, it does not load."""

import subprocess
import sys

UNUSED = ("alembic", "mako", "psycopg", "sqlalchemy.orm", "monitor.simulator.runway.app")


def test_the_daemon_loads_nothing_large_that_it_does_not_use() -> None:
    code = "import sys, monitor.cli, monitor.daemon.daemon; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert "monitor.daemon.daemon" in loaded
    assert [name for name in UNUSED if name in loaded] == []
