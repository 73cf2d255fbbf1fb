"""Score every contender over the suite and print markdown tables."""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor

from benchmarks.forecast.contenders import CONTENDERS, used_by_minute
from benchmarks.forecast.suite import DAYS, KINDS, LIMITS, START, Trace, suite
from monitor.judgement.daily_limit.ledger import DAY
from monitor.judgement.daily_limit.quality import Quality, judge, quality
from monitor.judgement.daily_limit.replay import exhaustions

TUNING = range(100, 104)
REPORTED = range(200, 204)
OURS = "genmedia-monitor"

Scores = dict[str, Quality]


def score(trace: Trace) -> tuple[str, int, Scores]:
    """Every contender's figures on one trace."""
    used = used_by_minute(trace)
    hits = list(exhaustions(trace.accepted, trace.limit))
    since, until = START + DAY, START + DAYS * DAY
    scores = {}
    for name, warnings in CONTENDERS.items():
        judged = [judge(each, hits, until) for each in warnings(trace, used) if each.raised_at >= since]
        scores[name] = quality(judged, hits, since)
    return trace.kind, trace.limit, scores


def row(*cells: object) -> None:
    print("|", " | ".join(str(cell) for cell in cells), "|")


def head(*cells: str) -> None:
    print()
    row(*cells)
    row(*("---" for _ in cells))


def ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def figures(found: Quality, *, with_error: bool = True) -> list[str]:
    error = "-" if found.median_error is None or not with_error else f"{found.median_error / 60:.0f} min"
    counts = [f"{found.right} / {found.wrong}", f"{found.foretold} / {found.exhaustions}"]
    return [ratio(found.precision), ratio(found.recall), ratio(found.f1), error, *counts]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecast", description=__doc__)
    parser.add_argument("--tuning", action="store_true", help="score the tuning seeds instead")
    seeds = TUNING if parser.parse_args().tuning else REPORTED
    total: defaultdict[str, Quality] = defaultdict(Quality)
    by_kind: defaultdict[tuple[str, str], Quality] = defaultdict(Quality)
    by_limit: defaultdict[int, Quality] = defaultdict(Quality)
    with ProcessPoolExecutor(os.cpu_count()) as workers:
        for kind, limit, scores in workers.map(score, suite(seeds)):
            for name, found in scores.items():
                total[name] += found
                by_kind[name, kind] += found
            by_limit[limit] += scores[OURS]
    print(f"{len(seeds) * len(KINDS) * len(LIMITS)} traces of {DAYS} days, seeds {seeds.start} to {seeds.stop - 1}")
    columns = ("precision", "recall", "F1", "median error", "right / wrong", "foretold / hits")
    head("contender", *columns)
    for name, found in total.items():
        row(name, *figures(found, with_error=not name.startswith("static")))
    head("F1 by kind", *CONTENDERS)
    for kind in KINDS:
        row(kind, *(ratio(by_kind[name, kind].f1) for name in CONTENDERS))
    head(f"{OURS} by kind", *columns)
    for kind in KINDS:
        row(kind, *figures(by_kind[OURS, kind]))
    head(f"{OURS} by cap", *columns)
    for limit in LIMITS:
        row(limit, *figures(by_limit[limit]))


if __name__ == "__main__":
    main()
