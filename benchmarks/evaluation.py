"""What figures cost a daemon of many accounts and models: forecasts, evaluation, and the exposition's text."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import structlog
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from monitor.config import Account
from monitor.engine.apply import Catalogue, apply_batch
from monitor.judgement.evaluate import Memory, evaluate
from monitor.metrics import Exposition, SelfMetrics
from monitor.observations import (
    AnyObservation,
    DaySpend,
    Kind,
    ModelLimits,
    Organization,
    Outcome,
    ReadFinished,
    RequestSeen,
    TaskSeen,
    TaskStatus,
    Usage,
)
from monitor.store import Database

ACCOUNTS = 5
MODELS = 80
USED = 10
INTERVAL = 5.0
ROUNDS = 36
DAY = 86400.0
TASKS = 100
"""Of each used model in the last day."""


class Figures(NamedTuple):
    """Share of a core, lines of the exposition, and ms of an evaluation and of a rendering."""

    share: float
    lines: int
    evaluating: float
    rendering: float


def measure(folder: Path) -> Figures:
    """Evaluate and render again and again, some tasks moving on before each, as it happens every 5 s."""
    # The made-up limits differ from every table, and it says so.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    database = Database.open(f"sqlite:///{folder}/evaluation.db")
    registry = CollectorRegistry()
    SelfMetrics(registry)
    exposition, memory = Exposition(registry), Memory()
    accounts = [
        Account(name=f"account{number}", provider="runway", api_key=SecretStr(""), base_url="http://127.0.0.1")
        for number in range(ACCOUNTS)
    ]
    now = 1_795_000_000.0
    for account in accounts:
        _apply(database, list(_history(account.name, now)), now)
    evaluating = rendering = 0.0
    for turn in range(ROUNDS + 1):
        now += INTERVAL
        _apply(database, [seen for account in accounts for seen in _news(account.name, turn, now)], now)
        started = time.process_time()
        snapshot = evaluate(database, accounts, memory, now)
        evaluated = time.process_time()
        exposition.publish(snapshot)
        if turn:  # the first reads all ledgers
            evaluating += evaluated - started
            rendering += time.process_time() - evaluated
    database.close()
    return Figures(
        share=(evaluating + rendering) / (ROUNDS * INTERVAL),
        lines=exposition.text.count(b"\n"),
        evaluating=evaluating / ROUNDS * 1000,
        rendering=rendering / ROUNDS * 1000,
    )


def _apply(database: Database, batch: list[AnyObservation], now: float) -> None:
    catalogue = Catalogue(frozenset(_models()), MODELS)
    with database.begin(write=True) as connection:
        apply_batch(connection, [(seen, "ingest") for seen in batch], lambda _: catalogue, now)


def _models() -> list[str]:
    return [f"model_{number}" for number in range(MODELS)]


def _history(account: str, now: float) -> Iterator[AnyObservation]:
    """What the account reads told, and the last day's tasks, all ended."""
    limits = {model: ModelLimits(concurrency=20, daily_generations=200) for model in _models()}
    organization = Organization(
        credit_balance=5000.0,
        monthly_spend_credits=10_000.0,
        limits=limits,
        daily_generations=dict.fromkeys(_models()[:USED], TASKS),
    )
    usage = Usage(days=tuple(DaySpend(date="2026-11-20", model=model, credits=12.0) for model in _models()[:USED]))
    for read, figures in (("organization", organization), ("usage", usage)):
        yield ReadFinished(
            account=account, at=now, read=read, outcome=Outcome.SUCCESS, duration_seconds=0.2, figures=figures
        )
    for model in _models()[:USED]:
        for number in range(TASKS):
            at = now - DAY * number / TASKS - 60.0
            yield from _life(account, model, f"{model}-{number}", at)
            yield TaskSeen(account=account, at=at + 40.0, task=f"{model}-{number}", status=TaskStatus.SUCCEEDED)


def _news(account: str, turn: int, now: float) -> Iterator[AnyObservation]:
    """One new task of every other model in use."""
    for model in _models()[turn % 2 : USED : 2]:
        yield from _life(account, model, f"{model}-new-{turn}", now)


def _life(account: str, model: str, task: str, at: float) -> Iterator[AnyObservation]:
    endpoint = "/v1/text_to_video"
    yield RequestSeen(
        account=account,
        at=at,
        endpoint=endpoint,
        kind=Kind.CREATE,
        outcome=Outcome.SUCCESS,
        duration_seconds=0.2,
        model=model,
        code="200",
    )
    yield TaskSeen(
        account=account, at=at, task=task, status=TaskStatus.PENDING, endpoint=endpoint, model=model, accepted=True
    )
    yield TaskSeen(account=account, at=at + 5.0, task=task, status=TaskStatus.RUNNING)


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="genmedia-bench-") as folder:
        print(measure(Path(folder)))


if __name__ == "__main__":
    main()
