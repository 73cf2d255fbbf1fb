"""What the daily forecast would have said over a recorded history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.errors import MonitorError
from monitor.judgement.daily_limit.ledger import DAY, Ledger
from monitor.judgement.daily_limit.quality import JudgedWarning, Quality, judge, quality
from monitor.judgement.daily_limit.replay import replay
from monitor.judgement.daily_limit.warning import LimitWarning
from monitor.views.formatting import counted

UNNAMED = "unknown"


class Acceptance(msgspec.Struct, frozen=True):
    """One line of a history: when a generation was accepted, and of which model."""

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    model: str = UNNAMED


class Fault(msgspec.Struct, frozen=True):
    """Why a line was left out."""

    line: int
    fault: str


class Warned(msgspec.Struct, frozen=True):
    """A warning and what happened; `outcome` is right, wrong, or open where the history ends too early to tell."""

    raised_at: datetime
    expected_at: datetime
    promised_at: datetime
    withdrawn_at: datetime | None
    exhausted_at: datetime | None
    outcome: str


class ModelReport(msgspec.Struct, frozen=True):
    """What the forecast would have said of one model. `peak` is the highest count of 24 hours."""

    model: str
    accepted: int
    first_at: datetime
    last_at: datetime
    peak: int
    exhaustions: tuple[datetime, ...]
    foretold: int
    precision: float | None
    recall: float | None
    median_error_seconds: float | None
    warnings: tuple[Warned, ...]


class Report(msgspec.Struct, frozen=True):
    """The whole answer, as `--json` prints it."""

    limit: int
    bad_lines: tuple[Fault, ...]
    models: tuple[ModelReport, ...]


def read(file: Path) -> tuple[dict[str, list[float]], list[Fault]]:
    """Acceptance times by model, and the lines that could not be used.

    Raises:
        MonitorError: the file cannot be read, or holds no usable line.
    """
    decode = msgspec.json.Decoder(Acceptance).decode
    history: defaultdict[str, list[float]] = defaultdict(list)
    faults = []
    for number, line in _lines(file):
        try:
            accepted = decode(line)
            history[accepted.model].append(accepted.at.timestamp())
        except (msgspec.DecodeError, UnicodeDecodeError, OverflowError, ValueError) as error:
            faults.append(Fault(number, str(error)))
    if not history:
        wanted = '{"at": "2026-11-01T08:00:00Z", "model": "gen4.5"}'
        found = f"; line {faults[0].line}: {faults[0].fault}" if faults else ""
        raise MonitorError(f"{file}: no accepted generations; each line should read {wanted}{found}")
    return dict(history), faults


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, line
    except OSError as error:
        raise MonitorError(f"{file}: cannot be read: {error.strerror}; name a file of JSON lines") from None


def report(model: str, accepted: list[float], limit: int) -> ModelReport:
    """Replay one model's ascending acceptance times."""
    found = replay(accepted, limit)
    judged = [judge(warning, found.exhaustions, accepted[-1]) for warning in found.warnings]
    figures: Quality = quality(judged, found.exhaustions, accepted[0])
    ledger = Ledger(accepted)
    return ModelReport(
        model=model,
        accepted=len(accepted),
        first_at=_utc(accepted[0]),
        last_at=_utc(accepted[-1]),
        peak=max(ledger.between(at - DAY, at) for at in accepted),
        exhaustions=tuple(_utc(at) for at in found.exhaustions),
        foretold=figures.foretold,
        precision=figures.precision,
        recall=figures.recall,
        median_error_seconds=figures.median_error,
        warnings=tuple(_warned(each) for each in judged),
    )


def _warned(judged: JudgedWarning) -> Warned:
    warning: LimitWarning = judged.warning
    return Warned(
        raised_at=_utc(warning.raised_at),
        expected_at=_utc(warning.expected_at),
        promised_at=_utc(warning.promised_at),
        withdrawn_at=None if warning.withdrawn_at is None else _utc(warning.withdrawn_at),
        exhausted_at=None if judged.exhausted_at is None else _utc(judged.exhausted_at),
        outcome={True: "right", False: "wrong", None: "open"}[judged.right],
    )


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def show(answer: Report, console: Console) -> None:
    """Print the report as tables, one for each model."""
    for each in answer.models:
        console.print(Text.assemble((each.model, "bold"), f": {_summary(each, answer.limit)}"))
        if each.warnings:
            console.print(_table(each))


def _summary(each: ModelReport, limit: int) -> str:
    span = f"{each.first_at:%Y-%m-%d %H:%M} to {each.last_at:%Y-%m-%d %H:%M} UTC"
    use = f"{each.accepted} accepted, {span}; at most {each.peak} of {limit} in 24 hours"
    hits = (
        f"hit {counted(len(each.exhaustions), 'time')}, {each.foretold} foretold" if each.exhaustions else "never hit"
    )
    return f"{use}; {hits}; precision {_ratio(each.precision)}, recall {_ratio(each.recall)}"


def _ratio(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def _table(each: ModelReport) -> Table:
    table = Table("raised (UTC)", "expected in", "promised within", "what happened", "warning was")
    for warned in each.warnings:
        raised = warned.raised_at
        table.add_row(
            f"{raised:%Y-%m-%d %H:%M}",
            _span(raised, warned.expected_at),
            _span(raised, warned.promised_at),
            _event(warned),
            warned.outcome,
        )
    return table


def _event(warned: Warned) -> str:
    if warned.exhausted_at is not None:
        return f"hit after {_span(warned.raised_at, warned.exhausted_at)}"
    if warned.withdrawn_at is not None:
        return f"withdrawn after {_span(warned.raised_at, warned.withdrawn_at)}"
    return "history ends" if warned.outcome == "open" else "hit too late"


def _span(start: datetime, end: datetime) -> str:
    hours, minutes = divmod(round((end - start).total_seconds() / 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"
