from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from monitor.cli.backtest import backtest
from monitor.errors import MonitorError

START = 1_793_577_600.0
HOUR = 3600.0

app = typer.Typer()
app.command()(backtest)


def line(at: float, model: str = "gen4.5") -> str:
    when = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({"at": when, "model": model})


def every(seconds: float, start: float, count: int) -> list[float]:
    return [start + k * seconds for k in range(count)]


def run(tmp_path: Path, lines: list[str], *options: str, limit: int = 200) -> Result:
    file = tmp_path / "history.jsonl"
    file.write_text("\n".join(lines) + "\n")
    return CliRunner().invoke(app, [str(file), "--limit", str(limit), *options], env={"COLUMNS": "120"})


def answer(tmp_path: Path, lines: list[str], limit: int = 200) -> dict[str, Any]:
    done = run(tmp_path, lines, "--json", limit=limit)
    assert done.exit_code == 0, done.output
    answered: dict[str, Any] = json.loads(done.stdout)
    return answered


def a_run_into_the_cap() -> list[str]:
    return [line(at) for at in every(72, START, 200)]


def test_a_run_into_the_cap_is_foretold_and_the_expected_time_is_near(tmp_path: Path) -> None:
    (model,) = answer(tmp_path, a_run_into_the_cap())["models"]
    assert (model["model"], model["accepted"], model["peak"]) == ("gen4.5", 200, 200)
    assert model["exhaustions"] == ["2026-11-02T03:58:48Z"]
    (warning,) = model["warnings"]
    assert warning["outcome"] == "right"
    assert warning["withdrawn_at"] is None
    raised, expected, hit = (
        datetime.fromisoformat(warning[key]) for key in ("raised_at", "expected_at", "exhausted_at")
    )
    assert (hit - raised).total_seconds() > HOUR
    assert abs((hit - expected).total_seconds()) < 0.2 * (hit - raised).total_seconds()
    assert (model["precision"], model["recall"], model["foretold"]) == (1.0, 1.0, 1)


def test_a_run_that_stops_short_of_the_cap_makes_a_wrong_warning_that_is_withdrawn(tmp_path: Path) -> None:
    lines = [line(at) for at in [*every(72, START, 180), START + 10 * HOUR]]
    (model,) = answer(tmp_path, lines)["models"]
    (warning,) = model["warnings"]
    assert warning["outcome"] == "wrong"
    assert warning["raised_at"] < warning["withdrawn_at"] < "2026-11-02T06"
    assert (model["precision"], model["recall"], model["exhaustions"]) == (0.0, None, [])


def test_a_warning_that_the_history_does_not_decide_is_open(tmp_path: Path) -> None:
    (model,) = answer(tmp_path, a_run_into_the_cap()[:180])["models"]
    assert [warning["outcome"] for warning in model["warnings"]] == ["open"]
    assert model["precision"] is None


def test_each_model_has_its_own_window(tmp_path: Path) -> None:
    lines = [line(at, model) for at in every(72, START, 150) for model in ("veo3.1", "gen4.5")]
    models = answer(tmp_path, lines)["models"]
    assert [(each["model"], each["peak"], each["exhaustions"]) for each in models] == [
        ("gen4.5", 150, []),
        ("veo3.1", 150, []),
    ]


def test_the_order_of_the_lines_does_not_matter(tmp_path: Path) -> None:
    lines = a_run_into_the_cap()
    shuffled = random.Random(1).sample(lines, len(lines))
    assert answer(tmp_path, shuffled) == answer(tmp_path, lines)


def test_years_of_silence_cost_nothing(tmp_path: Path) -> None:
    lines = [line(0.0), *a_run_into_the_cap()]
    (model,) = answer(tmp_path, lines)["models"]
    assert [warning["outcome"] for warning in model["warnings"]] == ["right"]


BAD = ["{", "[]", '{"model": "gen4.5"}', '{"at": "yesterday"}', '{"at": "2026-11-01T08:00:00"}', '{"at": 5}', "\x00"]


def test_bad_lines_are_named_and_the_rest_is_used(tmp_path: Path) -> None:
    good = a_run_into_the_cap()
    done = run(tmp_path, [*BAD, "", *good], "--json")
    assert done.exit_code == 0
    answered = json.loads(done.stdout)
    assert answered["models"] == answer(tmp_path, good)["models"]
    assert [each["line"] for each in answered["bad_lines"]] == list(range(1, len(BAD) + 1))
    for number in range(1, len(BAD) + 1):
        assert f"history.jsonl:{number}: left out: " in done.stderr


def test_many_bad_lines_do_not_flood_the_terminal(tmp_path: Path) -> None:
    done = run(tmp_path, ["{"] * 1000 + a_run_into_the_cap())
    assert len(done.stderr.splitlines()) == 21
    assert "980 more lines left out" in done.stderr


def test_a_line_without_a_model_counts_as_unknown(tmp_path: Path) -> None:
    assert answer(tmp_path, ['{"at": "2026-11-01T08:00:00+01:00"}'])["models"][0]["model"] == "unknown"


@pytest.mark.parametrize("content", ["", "\n\n", "{\n"])
def test_a_file_without_acceptances_is_one_clear_line(tmp_path: Path, content: str) -> None:
    done = run(tmp_path, [content])
    assert isinstance(done.exception, MonitorError)
    assert "no accepted generations; each line should read" in str(done.exception)
    assert "\n" not in str(done.exception)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [str(tmp_path / "none.jsonl"), "--limit", "5"])
    assert isinstance(done.exception, MonitorError)
    assert str(done.exception).endswith(
        "none.jsonl: cannot be read: No such file or directory; name a file of JSON lines"
    )


def test_a_limit_below_one_is_refused(tmp_path: Path) -> None:
    assert run(tmp_path, a_run_into_the_cap(), limit=0).exit_code == 2


def test_the_table_tells_the_same(tmp_path: Path) -> None:
    shown = run(tmp_path, a_run_into_the_cap()).stdout
    assert "gen4.5: 200 accepted" in shown
    assert "hit 1 time, 1 foretold" in " ".join(shown.split())
    assert "precision 1.00, recall 1.00" in " ".join(shown.split())
    assert "right" in shown


def test_a_models_name_is_no_markup(tmp_path: Path) -> None:
    assert "[red]evil[/red]" in run(tmp_path, [line(START, "[red]evil[/red]")]).stdout
