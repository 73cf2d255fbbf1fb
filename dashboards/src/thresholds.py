"""The thresholds of the alerts that are not series of the daemon, read from where the rules have them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml

RULES = Path(__file__).parents[2] / "alerts" / "rules" / "thresholds.yml"
CONSTANT = re.compile(r"vector\(([0-9.e+-]+)\)")


@cache
def _constants() -> dict[str, float]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    found = {rule["record"]: CONSTANT.fullmatch(str(rule["expr"])) for rule in rules}
    return {name: float(match[1]) for name, match in found.items() if match}


def threshold(name: str) -> float:
    """The constant recorded as `genmedia:threshold:NAME`. Raises KeyError when there is none."""
    return _constants()[f"genmedia:threshold:{name}"]
