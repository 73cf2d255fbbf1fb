"""Opening a database: migrations, and what can be wrong with it."""

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from stores import accepted, administer, catalogue_of, create, figures, postgresql_database

from monitor.engine.apply import apply_batch
from monitor.errors import StoreError, StoreInUseError
from monitor.store import Database
from monitor.store.migrate import REVISION
from monitor.store.schema import metadata
from monitor.store.upgrade import upgrade


def refusal(url: str) -> str:
    with pytest.raises(StoreError) as caught:
        Database.open(url)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("store")
    return message


def migrate_anew(database: Database) -> None:
    """Let the migrations make the tables that opening an empty database made at once."""
    with database.begin(write=True) as connection:
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
        upgrade(connection, "here")


def test_an_empty_database_gets_the_tables_of_the_schema(database: Database) -> None:
    with database.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_migrations_lead_to_exactly_the_tables_of_the_schema(database: Database) -> None:
    migrate_anew(database)

    with database.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_revision_that_needs_no_migration_is_the_newest(database: Database) -> None:
    """Alembic, not asked when the revision is there, would have left exactly that."""
    config = Config()
    config.set_main_option("script_location", "monitor.store:migrations")

    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]
    for _ in range(2):
        with database.begin() as connection:
            assert MigrationContext.configure(connection).get_current_heads() == (REVISION,)
        migrate_anew(database)


def test_partial_indexes_and_key_tables_are_as_the_schema_says(tmp_path: Path) -> None:
    Database.open(f"sqlite:///{tmp_path / 'created.db'}").close()
    migrated = Database.open(f"sqlite:///{tmp_path / 'migrated.db'}")
    migrate_anew(migrated)
    migrated.close()

    def statements(name: str) -> set[str]:
        with sqlite3.connect(tmp_path / name) as connection:
            rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        connection.close()
        return {re.sub(r"\s+", " ", sql) for (sql,) in rows}

    assert statements("migrated.db") == statements("created.db")


def test_opening_again_keeps_what_is_stored(database_url: str) -> None:
    first = Database.open(database_url)
    with first.begin(write=True) as connection:
        apply_batch(connection, [(create(), "ingest"), (accepted(), "ingest")], catalogue_of, 0.0)
    before = figures(first)
    first.close()

    second = Database.open(database_url)

    assert figures(second) == before != {}
    second.close()


def test_daemons_that_start_together_on_an_empty_database_all_open_it(database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        databases = list(pool.map(Database.open, [database_url] * 4))

    for database in databases:
        assert figures(database) == {}
        database.close()


def test_a_database_of_a_newer_version_is_refused(database: Database, database_url: str) -> None:
    with database.begin(write=True) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    assert refusal(database_url).endswith("a newer version wrote it (revision 9999): upgrade genmedia-monitor")


def test_a_failed_migration_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE tallies (mine)")
    connection.close()

    assert "table tallies already exists" in refusal(f"sqlite:///{path}")

    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    connection.close()
    assert tables == [("tallies",)]


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    assert refusal(f"sqlite:///{tmp_path}/absent/monitor.db") == (
        f"store {tmp_path}/absent/monitor.db: the folder does not exist: create it"
    )


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "monitor.db"
    path.write_bytes(b"no database at all. " * 500)

    assert refusal(f"sqlite:///{path}") == (
        f"store {path}: file is not a database: restore the file from a backup, or move it away to start anew"
    )


def test_a_database_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "monitor.db"
    Database.open(f"sqlite:///{path}").close()

    message = refusal(f"sqlite:///file:{path}?mode=ro&uri=true")

    assert message.endswith("attempt to write a readonly database: make the file and its folder writable")


def test_a_locked_database_is_refused_after_a_moment(tmp_path: Path) -> None:
    path = tmp_path / "monitor.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    message = refusal(f"sqlite:///{path}?timeout=0.05")

    assert message == f"store {path}: database is locked: another program holds it locked"
    other.close()


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("rubbish", "write sqlite:///FILE or postgresql://USER@HOST/NAME"),
        ("sqlite://", "write sqlite:///FILE"),
        ("sqlite:///:memory:", "write sqlite:///FILE"),
        ("mysql://u:hunter2@h/n", "use sqlite or postgresql"),
        ("postgresql://u:hun@ter2@127.0.0.1/n", "percent-encoded"),
        ("postgresql://u:hunter2@127.0.0.1:hunter2/n", "write sqlite:///FILE or postgresql://USER@HOST/NAME"),
        ("postgresql://u:hunter2@127.0.0.1:1/n", "127.0.0.1"),
        ("postgresql://u@127.0.0.1:1/n?password=hunter2", "127.0.0.1"),
    ],
)
def test_a_wrong_url_is_explained_without_its_password(url: str, hint: str) -> None:
    message = refusal(url)

    assert hint in message
    assert "hunter2" not in message
    assert "ter2" not in message


def test_a_wrong_password_is_explained_without_it(postgres_url: str) -> None:
    with postgresql_database(postgres_url) as url:
        opened = Database.open(url)
        with opened.begin() as connection:
            hba = Path(connection.scalar(text("SHOW hba_file")) or "")
            name = connection.scalar(text("SELECT current_database()"))
        opened.close()
        rules = hba.read_text()
        hba.write_text(f"local {name} all scram-sha-256\n{rules}")
        administer(postgres_url, "ALTER ROLE postgres PASSWORD 'right'", "SELECT pg_reload_conf()")
        try:
            message = refusal(url.replace("postgres:@", "postgres:hunter2@"))
        finally:
            hba.write_text(rules)
            administer(postgres_url, "SELECT pg_reload_conf()")

    assert "password authentication failed" in message
    assert message.endswith("check the password in the store URL")
    assert "hunter2" not in message


def test_an_unknown_host_is_one_line() -> None:
    assert "monitor.invalid" in refusal("postgresql://monitor.invalid/monitor")


def test_readers_see_one_picture_while_a_writer_commits(database: Database) -> None:
    with database.begin() as reader:
        assert reader.scalar(text("SELECT count(*) FROM tallies")) == 0
        with database.begin(write=True) as writer:
            apply_batch(writer, [(create(), "ingest")], catalogue_of, 0.0)
        assert reader.scalar(text("SELECT count(*) FROM tallies")) == 0
    assert len(figures(database)) == 3


def test_a_removed_file_is_noticed_and_created_again(tmp_path: Path) -> None:
    path = tmp_path / "monitor.db"
    database = Database.open(f"sqlite:///{path}")
    path.unlink()

    with pytest.raises(StoreError, match="was removed or replaced"), database.begin(write=True):
        pass
    database.reopen()

    with database.begin(write=True):
        assert path.exists()
    database.close()


def test_nothing_is_read_or_written_before_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "monitor.db"
    database = Database(f"sqlite:///{path}")
    for write in (False, True):
        with pytest.raises(StoreError, match="not open yet"), database.begin(write=write):
            pass
    assert not path.exists()


@pytest.mark.parametrize("put_back", [False, True], ids=["removed", "replaced"])
@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_a_log_that_is_removed_or_replaced_is_noticed_and_loses_nothing(
    tmp_path: Path, suffix: str, put_back: bool
) -> None:
    path = tmp_path / "monitor.db"
    database = Database.open(f"sqlite:///{path}")
    with database.begin(write=True) as connection:
        apply_batch(connection, [(create(), "ingest")], catalogue_of, 0.0)
    stored = figures(database)
    beside = Path(f"{path}{suffix}")
    content = beside.read_bytes()
    beside.unlink()
    if put_back:
        beside.write_bytes(content)
    with pytest.raises(StoreError, match="removed or replaced"), database.begin(write=True):
        pass

    database.reopen()

    with sqlite3.connect(f"file:{path}?immutable=1", uri=True) as on_disk:
        assert on_disk.execute("SELECT count(*) FROM tallies").fetchone()[0] == len(stored)
    on_disk.close()
    assert figures(database) == stored
    with database.begin(write=True) as connection:
        apply_batch(connection, [(create(), "ingest")], catalogue_of, 0.0)
        assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
    database.close()


def test_one_daemon_has_a_file_and_the_next_gets_it_after(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'monitor.db'}"
    first, second = (Database(url, exclusive=True) for _ in range(2))
    second.claim()  # there is nothing to claim yet
    first.reopen()
    first.reopen()
    for refused in (second.claim, second.reopen):
        with pytest.raises(StoreInUseError, match="another genmedia-monitor uses it"):
            refused()
    assert figures(first) == {}
    first.close()

    second.reopen()
    second.close()


def test_a_file_that_took_the_place_of_the_claimed_one_is_claimed_in_turn(tmp_path: Path) -> None:
    path = tmp_path / "monitor.db"
    first = Database(f"sqlite:///{path}", exclusive=True)
    first.reopen()
    path.rename(tmp_path / "old.db")
    first.reopen()

    with pytest.raises(StoreInUseError):
        Database(f"sqlite:///file:{path}?uri=true", exclusive=True).reopen()
    Database(f"sqlite:///{tmp_path}/old.db", exclusive=True).claim()
    first.close()


@pytest.mark.parametrize("name", ["monitor.db", "link.db"])
def test_files_are_for_their_owner_and_folders_are_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "monitor.db")
    (tmp_path / "folder").mkdir(mode=0o755)
    database = Database.open(f"sqlite:///{tmp_path}/{name}")

    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob("monitor.db*")}
    assert modes == dict.fromkeys(("monitor.db", "monitor.db-wal", "monitor.db-shm"), 0o600)
    database.close()
    refusal(f"sqlite:///{tmp_path}/folder")
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o755
