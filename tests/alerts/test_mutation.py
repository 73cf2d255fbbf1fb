"""Each number, comparison, set operator and duration in the rules matters to a case of theirs.

One rule alone: `pytest tests/alerts/test_mutation.py -k GenmediaRateLimited`.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from alerts.mutation import Bench, mutants, survivors
from alerts.pack import Rule

from alerts import pack

CHANGED = [rule for rule in pack.rules() if list(mutants(rule))]


@pytest.fixture
def bench(promtool: str, tmp_path: Path) -> Bench:
    return Bench(promtool, tmp_path)


@pytest.mark.parametrize("rule", CHANGED, ids=str)
def test_a_case_notices_every_change_of_the_rule(
    bench: Bench, rule: Rule, record_property: Callable[[str, object], None]
) -> None:
    assert not bench.fails(rule, rule.body), "its cases fail without a change; see test_rules.py"
    tried = list(mutants(rule))
    left = survivors(bench, tried)
    record_property("mutants", len(tried))
    record_property("survivors", len(left))
    assert not left, "no case notices:\n" + "\n".join(map(str, left))
