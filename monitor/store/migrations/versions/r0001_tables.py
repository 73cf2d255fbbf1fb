"""Tasks, counts, reads, forecasts, capacities, credits, peaks, names, ids already applied, webhooks, the journal."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_tasks()
    create_counts()
    create_forecasts()
    create_purses()
    create_peaks()
    create_names_and_ids()
    create_deliveries()
    create_journal()


def create_tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("endpoint", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
        sa.Column("client_seen_at", sa.Double, nullable=False),
        sa.Column("throttled_at", sa.Double),
        sa.Column("queued_at", sa.Double),
        sa.Column("running_at", sa.Double),
        sa.Column("finished_at", sa.Double),
        sa.Column("missing_since", sa.Double),
        sa.Column("accepted", sa.Boolean, nullable=False),
        sa.Column("confirmed", sa.Boolean, nullable=False),
        sa.Column("has_webhook", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("estimated_credits", sa.Double),
        sa.Column("credits", sa.Double),
        sa.Column("written_off", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    is_open = sa.text("finished_at IS NULL")
    op.create_index("tasks_open", "tasks", ["account", "seen_at"], sqlite_where=is_open, postgresql_where=is_open)
    uncollected = sa.text(
        "status = 'succeeded' AND NOT written_off AND NOT has_webhook AND client_seen_at < finished_at"
    )
    op.create_index(
        "tasks_uncollected", "tasks", ["finished_at"], sqlite_where=uncollected, postgresql_where=uncollected
    )
    op.create_index("tasks_finished_at", "tasks", ["account", "finished_at", "model"])
    op.create_index("tasks_created_at", "tasks", ["account", "created_at", "accepted", "model"])


def create_counts() -> None:
    op.create_table(
        "tallies",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("tally", sa.Text, primary_key=True),
        sa.Column("labels", sa.Text, primary_key=True),
        sa.Column("value", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reads",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("read", sa.Text, primary_key=True),
        sa.Column("up", sa.Boolean, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("finished_at", sa.Double, nullable=False),
        sa.Column("ok_at", sa.Double),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("figures", sa.Text),
    )


def create_forecasts() -> None:
    op.create_table(
        "forecasts",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("limit", sa.Text, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "capacities",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "watches",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
    )


def create_purses() -> None:
    op.create_table(
        "purses",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
    )


def create_peaks() -> None:
    op.create_table(
        "peaks",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("day", sa.Text, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
    )


def create_names_and_ids() -> None:
    op.create_table(
        "models",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("in_use", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "seen",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("seen_at", "seen", ["at"])


def create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("received_at", sa.Double, nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("deliveries_due", "deliveries", ["account", "due_at"])


def create_journal() -> None:
    op.create_table(
        "journal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("batch", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )
    op.create_index("journal_batch", "journal", ["batch", "account"], unique=True)
