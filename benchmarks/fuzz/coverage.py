"""Atheris on one provider; never returns.

`python -m benchmarks.fuzz.coverage PROVIDER SEEDS [option of libFuzzer ...]`
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris


def main() -> None:
    """Fuzz, guided by the coverage of what reads; libFuzzer ends the process."""
    with atheris.instrument_imports(include=["monitor.providers", "monitor.gateway"], enable_loader_override=False):
        from benchmarks.fuzz.cases import case_of, seeds  # noqa: PLC0415 - what is imported here is instrumented
        from benchmarks.fuzz.exercise import Exercise  # noqa: PLC0415
        from monitor.providers import PROVIDERS  # noqa: PLC0415
    name, folder, *options = sys.argv[1:]
    for number, seed in enumerate(seeds()):
        (Path(folder) / f"{number:03}").write_bytes(seed)
    exercise = Exercise(PROVIDERS[name])
    atheris.Setup([sys.argv[0], *options, folder], lambda data: exercise(case_of(data)))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
