"""The tables. Times are Unix seconds. The migrations lead to exactly these tables."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, MetaData, Table, Text, text

metadata = MetaData()

tasks = Table(
    "tasks",
    metadata,
    Column("account", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("endpoint", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("client_seen_at", Double, nullable=False),
    Column("throttled_at", Double),
    Column("queued_at", Double),
    Column("running_at", Double),
    Column("finished_at", Double),
    Column("missing_since", Double),
    Column("accepted", Boolean, nullable=False),
    Column("confirmed", Boolean, nullable=False),
    Column("has_webhook", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("estimated_credits", Double),
    Column("credits", Double),
    Column("written_off", Boolean, nullable=False),
    sqlite_with_rowid=False,
)
"""One row per task, the fields of `monitor.tasks.lifecycle.Task`. A task is open while `finished_at` is null."""

IS_OPEN = tasks.c.finished_at.is_(None)
Index("tasks_open", tasks.c.account, tasks.c.seen_at, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)
IS_UNCOLLECTED = text("status = 'succeeded' AND NOT written_off AND NOT has_webhook AND client_seen_at < finished_at")
Index("tasks_uncollected", tasks.c.finished_at, sqlite_where=IS_UNCOLLECTED, postgresql_where=IS_UNCOLLECTED)
Index("tasks_finished_at", tasks.c.account, tasks.c.finished_at, tasks.c.model)
Index("tasks_created_at", tasks.c.account, tasks.c.created_at, tasks.c.accepted, tasks.c.model)

tallies = Table(
    "tallies",
    metadata,
    Column("account", Text, primary_key=True),
    Column("tally", Text, primary_key=True),
    Column("labels", Text, primary_key=True),
    Column("value", Double, nullable=False),
    sqlite_with_rowid=False,
)
"""One row per series of `monitor.tasks.counters.CounterSpec`; `labels` is a JSON array of the label values in order."""

reads = Table(
    "reads",
    metadata,
    Column("account", Text, primary_key=True),
    Column("read", Text, primary_key=True),
    Column("up", Boolean, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("finished_at", Double, nullable=False),
    Column("ok_at", Double),
    Column("failures", Integer, nullable=False),
    Column("figures", Text),
)
"""One row per account read; `figures` is the JSON of the last good `monitor.observations.Figures`."""

forecasts = Table(
    "forecasts",
    metadata,
    Column("account", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("limit", Text, primary_key=True),
    Column("document", Text, nullable=False),
)
"""One row per limit that was ever forecast; `document` is the JSON of its `ForecastRecord`."""

capacities = Table(
    "capacities",
    metadata,
    Column("account", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("document", Text, nullable=False),
)
"""One row per model whose capacity is judged; `document` is the JSON of its `CapacityRecord`."""

purses = Table(
    "purses",
    metadata,
    Column("account", Text, primary_key=True),
    Column("document", Text, nullable=False),
)
"""The history of each account's balance: `document` is the JSON of its `BalanceHistory`."""

watches = Table(
    "watches",
    metadata,
    Column("account", Text, primary_key=True),
    Column("document", Text, nullable=False),
)
"""When each account's traffic was watched lately: a JSON array of `Span`."""

peaks = Table(
    "peaks",
    metadata,
    Column("account", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("document", Text, nullable=False),
)
"""One row per account and UTC day; `document` is the JSON of its `PeakDay`."""

models = Table(
    "models",
    metadata,
    Column("account", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("in_use", Boolean, nullable=False),
    sqlite_with_rowid=False,
)
"""Model names that are labels (`in_use`) or that an account read has listed."""

seen = Table(
    "seen",
    metadata,
    Column("account", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Index("seen_at", "at"),
    sqlite_with_rowid=False,
)
"""Ids of observations that were applied `at`; under the empty account those of whole batches."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("account", Text, nullable=False),
    Column("received_at", Double, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("deliveries_due", "account", "due_at"),
)
"""Webhooks received and not yet taken by the application; `size` is that of `body` in bytes."""

journal = Table(
    "journal",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("batch", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Index("journal_batch", "batch", "account", unique=True),
)
"""Observations not applied yet, in the order of `id`; `document` is what `monitor.engine.journal` encodes."""
