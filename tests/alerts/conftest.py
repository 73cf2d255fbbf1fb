from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the mutation score of what ran."""
    reports = [*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())]
    scores = [dict(report.user_properties) for report in reports if report.when == "call"]
    tried = sum(score.get("mutants", 0) for score in scores)
    survived = sum(score.get("survivors", 0) for score in scores)
    if tried:
        percent = 100 * (tried - survived) / tried
        terminalreporter.write_line(
            f"mutation score of the alert rules: {tried - survived} of {tried}, {percent:.1f} %"
        )
