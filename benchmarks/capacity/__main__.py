"""Prints the table of docs/capacity.md."""

from __future__ import annotations

from benchmarks.capacity.overload import OVERLOAD, Result, run

FIXED = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64)


def main() -> None:
    """Every client through the same hour."""
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


if __name__ == "__main__":
    main()
