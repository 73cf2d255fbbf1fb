"""Model names that an account remembers."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, select

from monitor.store.dialect import upsert
from monitor.store.schema import models

OF_ACCOUNT = select(models.c.model, models.c.in_use).where(models.c.account == bindparam("account"))


def load(connection: Connection, account: str) -> dict[str, bool]:
    """Each remembered name, and whether it is in use as a label."""
    rows = connection.execute(OF_ACCOUNT, {"account": account})
    return {row.model: row.in_use for row in rows}


def save(connection: Connection, account: str, names: Mapping[str, bool]) -> None:
    """Insert or overwrite, in the form of `load`."""
    rows = [{"account": account, "model": model, "in_use": in_use} for model, in_use in names.items()]
    upsert(connection, models, rows)
