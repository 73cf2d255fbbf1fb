"""Prints the tables of docs/explanation/capacity.md."""

from __future__ import annotations

from benchmarks.capacity.overload import HOUR, OVERLOAD, SCRAPE, Result, overloaded, run
from benchmarks.capacity.vendor import Model, Phase

FIXED = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64)


OTHERS: dict[str, tuple[Model, float]] = {
    "2 s, 16 at once": (OVERLOAD, HOUR),
    "2 s, 4 at once": (overloaded(4), HOUR),
    "2 s, 64 at once": (overloaded(64, places=800), HOUR),
    "2 s, two thirds within a factor of 2 of it": (overloaded(16, spread=0.7), HOUR),
    "2 s, two thirds within a factor of 2.7 of it": (overloaded(16, spread=1.0), HOUR),
    "2 s, a queue of 24 with patience for 6 s": (overloaded(16, places=24, patience=6.0), HOUR),
    "60 s, 4 at once": (overloaded(4, seconds=60.0, patience=600.0), HOUR),
    "60 s, 16 at once": (overloaded(16, seconds=60.0, patience=600.0), HOUR),
    "60 s, 16 at once, over four hours": (overloaded(16, 4 * HOUR, seconds=60.0, patience=600.0), 4 * HOUR),
}
SEEDS = (1, 2, 3)
GROWN = (8, 16, 32, 64)
TRIED = (4, 8, 16, 24, 32, 64, 96)


def main() -> None:
    """Every client through the same hour; one that follows before every model; how long it takes to grow."""
    every_client()
    every_model()
    every_growth()


def every_client() -> None:
    """The main case."""
    results: dict[str, Result] = {f"{each} at once": run(OVERLOAD, each) for each in FIXED}
    best = max(result.well for result in results.values())
    results["as recommended"] = run(OVERLOAD, None)
    print("| client | tasks done | of the best | timed out or refused | mean duration | states |")
    print("|---|---|---|---|---|---|")
    for name, result in results.items():
        path = ", ".join(result.path)
        print(
            f"| {name} | {result.well:,} | {result.well / best:.1%} | {result.timeout_ratio:.2%} "
            f"| {result.mean_seconds:.1f} s | {path} |"
        )


def every_model() -> None:
    """Who follows, beside the best fixed number; the worst of some seeds."""
    print("\n| model | of the best | timed out or refused | states |")
    print("|---|---|---|---|")
    for name, (model, end) in OTHERS.items():
        shares, refused, paths = [], [], set()
        for seed in SEEDS:
            followed = run(model, None, seed, end)
            shares.append(followed.well / max(run(model, fixed, seed, end).well for fixed in TRIED))
            refused.append(followed.timeout_ratio)
            paths.add(", ".join(followed.path))
        told = "; or ".join(sorted(paths, key=len))
        print(f"| {name} | {min(shares):.1%} | {max(refused):.2%} | {told} |")


def every_growth() -> None:
    """Minutes until so many are recommended, where there is room for more."""
    print("\n| seconds a task takes | 8 at once | 16 | 32 | 64 |")
    print("|---|---|---|---|---|")
    for seconds in (2.0, 10.0, 60.0):
        limits = run(Model([Phase(0, 128)], seconds, patience=600.0), None, end=4 * HOUR).limits
        reached = (next(f"{at * SCRAPE / 60:.0f} min" for at, limit in enumerate(limits) if limit >= n) for n in GROWN)
        print(f"| {seconds:.0f} | {' | '.join(reached)} |")


if __name__ == "__main__":
    main()
