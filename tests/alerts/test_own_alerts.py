"""The alerts that docs/how-to/own-alerts.md shows: each fires on its figure, beside the shipped rules."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from alerts.vocabulary import unknown_names

from alerts import pack

PAGE = pack.ROOT / "docs" / "how-to" / "own-alerts.md"
ACCOUNT = 'account="a",provider="runway"'
BUCKETS = f'genmedia_task_duration_seconds_bucket{{{ACCOUNT},model="m",phase="total",le='
SERIES = {
    "CreatesFailing": {
        f'genmedia_requests_total{{{ACCOUNT},kind="create",outcome="success",code="200"}}': "0+9x60",
        f'genmedia_requests_total{{{ACCOUNT},kind="create",outcome="overloaded",code="503"}}': "0+1x60",
    },
    "GenerationsSlow": {
        BUCKETS + '"120"}': "0+1x60",
        BUCKETS + '"300"}': "0+9x60",
        BUCKETS + '"+Inf"}': "0+9x60",
    },
    "MostTasksThrottled": {
        f'genmedia_tasks{{{ACCOUNT},model="m",status="throttled"}}': "7x60",
        f'genmedia_tasks{{{ACCOUNT},model="m",status="running"}}': "3x60",
    },
}


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    (text,) = re.findall(r"```yaml\n(.+?)```", PAGE.read_text(), re.DOTALL)
    return yaml.safe_load(text)


def test_the_page_names_only_series_that_exist() -> None:
    assert unknown_names(PAGE.read_text()) == set()


def test_every_alert_of_the_page_is_tried(shown: dict[str, Any]) -> None:
    assert {rule["alert"] for rule in shown["groups"][0]["rules"]} == set(SERIES)


@pytest.mark.parametrize("alert", SERIES)
def test_an_alert_of_the_page_fires(promtool: str, shown: dict[str, Any], alert: str, tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_text(yaml.safe_dump(shown))
    series = [{"series": name, "values": values} for name, values in SERIES[alert].items()]
    asked = {
        "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
        "eval_time": "50m",
        "exp_samples": [{"value": 1}],
    }
    case = {
        "rule_files": [*map(str, pack.rule_files()), str(tmp_path / "own.yml")],
        "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": [asked]}],
    }
    (tmp_path / "case.yml").write_text(yaml.safe_dump(case))
    done = subprocess.run(
        [promtool, "test", "rules", tmp_path / "case.yml"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
