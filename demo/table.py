"""What the monitor sees, as a table: everything in it comes from one scrape."""

from __future__ import annotations

from rich import box
from rich.table import Table

from demo.scrape import Scrape
from monitor.views.formatting import amount, counted

COLUMNS = ("model", "created", "refused", "failed", "pending", "throttled", "running", "oldest", "drain", "p50",
           "at once", "in 24 h")  # fmt: skip


def duration(seconds: float | None) -> str:
    """`47s` or `3m05s`; empty when unknown or nothing."""
    if not seconds:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


def count(value: float | None) -> str:
    """A whole number; empty when unknown or nothing."""
    return f"{value:.0f}" if value else ""


def use(scrape: Scrape, limit: str, model: str) -> str:
    """`used/limit`, as far as each is known, and how many open tasks more no poll has confirmed."""
    used = scrape.value("genmedia_limit_used", limit=limit, model=model)
    full = scrape.value("genmedia_limit", limit=limit, model=model)
    if used is None or full is None:
        return ""
    unconfirmed = scrape.value("genmedia_tasks_unconfirmed", model=model) if limit == "concurrency" else 0
    return f"{used:.0f}/{full:.0f}" + (f" +{unconfirmed:.0f}?" if unconfirmed else "")


def refused(scrape: Scrape, **labels: str) -> float:
    """Requests for a generation that got none."""
    asked = {"kind": "create", **labels}
    return scrape.sum("genmedia_requests_total", **asked) - scrape.sum(
        "genmedia_requests_total", outcome="success", **asked
    )


def row(scrape: Scrape, model: str) -> tuple[str, ...]:
    """A model's cells, in the order of `COLUMNS`."""
    return (
        model,
        count(scrape.sum("genmedia_tasks_created_total", model=model)),
        count(refused(scrape, model=model)),
        count(scrape.sum("genmedia_tasks_finished_total", model=model, outcome="failed")),
        *(
            count(scrape.sum("genmedia_tasks", model=model, status=each))
            for each in ("pending", "throttled", "running")
        ),
        duration(scrape.value("genmedia_throttled_oldest_age_seconds", model=model)),
        duration(scrape.value("genmedia_throttled_drain_seconds", model=model)),
        duration(scrape.median("genmedia_task_duration_seconds", model=model, phase="total")),
        use(scrape, "concurrency", model),
        use(scrape, "daily_generations", model),
    )


def summary(scrape: Scrape) -> str:
    """The accounts in one line."""
    requests = scrape.sum("genmedia_requests_total")
    polls = scrape.sum("genmedia_requests_total", kind="poll")
    retries = scrape.sum("genmedia_request_retries_total")
    orphaned = scrape.sum("genmedia_tasks_orphaned")
    credits_ = scrape.value("genmedia_credit_balance_credits")
    balance = "balance unknown" if credits_ is None else f"balance {credits_:,.0f} credits"
    runware = scrape.value("genmedia_balance_dollars", provider="runware")
    dollars = "" if runware is None else f" and ${runware:,.2f} at Runware"
    return (
        f"{counted(requests, 'request')}, of them {counted(polls, 'poll')} and {counted(retries, 'retry', 'retries')}; "
        f"{amount(refused(scrape))} refused; {counted(orphaned, 'task')} orphaned; {balance}{dollars}"
    )


def table(scrape: Scrape) -> Table:
    """One row a model."""
    shown = Table(caption=summary(scrape), box=box.SIMPLE_HEAD, padding=0)
    for name in COLUMNS:
        shown.add_column(name, justify="left" if name == "model" else "right", overflow="fold")
    for model in scrape.models():
        shown.add_row(*row(scrape, model))
    return shown
