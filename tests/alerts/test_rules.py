import subprocess
from pathlib import Path

import pytest

from alerts import pack


def run(promtool: str, *arguments: str | Path) -> None:
    done = subprocess.run([promtool, *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_the_rules(promtool: str) -> None:
    run(promtool, "check", "rules", *pack.rule_files())


@pytest.mark.parametrize("path", pack.test_files(), ids=lambda path: path.stem)
def test_alerts_do_what_their_cases_say(promtool: str, path: Path) -> None:
    run(promtool, "test", "rules", path)
