"""The guards of tests/conftest.py, on a run of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest


def run(tmp_path: Path, test: str, **environ: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "conftest.py").write_text((Path(__file__).parent.parent / "conftest.py").read_text())
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text(test)
    clean = {name: value for name, value in os.environ.items() if name != "GENMEDIA_FAIL_ON_SKIP"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", tmp_path],
        env=clean | environ,
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )


SKIPS = [
    "import pytest\ndef test_it(): pytest.skip('no tool')",
    "import pytest\n@pytest.mark.skipif(True, reason='no tool')\ndef test_it(): pass",
    "import pytest\n@pytest.fixture\ndef tool(): pytest.skip('no tool')\ndef test_it(tool): pass",
    "import pytest\npytest.skip('no tool', allow_module_level=True)",
]


@pytest.mark.parametrize("test", SKIPS)
def test_a_skip_fails_with_its_reason_where_nothing_may_be_skipped(tmp_path: Path, test: str) -> None:
    done = run(tmp_path, test, GENMEDIA_FAIL_ON_SKIP="1")
    assert done.returncode not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
    assert "no tool" in done.stdout


@pytest.mark.parametrize("test", SKIPS[:3])
def test_a_skip_is_allowed_elsewhere(tmp_path: Path, test: str) -> None:
    assert run(tmp_path, test).returncode == pytest.ExitCode.OK


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    test = "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False"
    assert run(tmp_path, test, GENMEDIA_FAIL_ON_SKIP="1").returncode == pytest.ExitCode.OK


def test_a_run_without_tests_fails(tmp_path: Path) -> None:
    assert run(tmp_path, "").returncode == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.skipif(sys.platform != "linux", reason="orphans can be adopted on Linux only")
def test_a_process_left_behind_fails_the_run_and_is_ended(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    test = f"import subprocess\ndef test_it(): subprocess.run(['sh', '-c', 'sleep 60 & echo $! > {pid}'])"
    done = run(tmp_path, test)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "left running by a test" in done.stdout
    left = int(pid.read_text())
    assert not psutil.pid_exists(left) or psutil.Process(left).status() == psutil.STATUS_ZOMBIE
