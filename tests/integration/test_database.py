"""Opening the database: schema, pragmas, refusals, which SQLite."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from adapters.store.database import HEAD, SAFE, Database, driver, sqlite_version
from adapters.store.migrations import configuration
from adapters.store.tables import metadata
from domain.project import Project
from services.ports.store import Changeset, StoreUnusable
from tests.stores import Opened, W, a_project, asked, opened
from tests.tiny_disks import freeze, tiny_disk

PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "trusted_schema": 0,
    "mmap_size": 0,
    "busy_timeout": 30_000,
}


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path) as everything:
        yield everything


def marked(file: Path, schema: str) -> None:
    """The file says that it has `schema`."""
    with closing(driver().connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (schema,))


async def filled(folder: Path, projects: int = 500) -> Path:
    with opened(folder) as at:
        await at.store.commit(Changeset(workspace_id=W, puts=[a_project(f"prj_{n:04}") for n in range(projects)]))
    return folder / "caseworks.db"


def test_the_newest_migration_is_the_one_that_the_code_expects() -> None:
    assert ScriptDirectory.from_config(configuration()).get_current_head() == HEAD


async def test_the_migrations_make_the_tables_that_the_code_describes(at: Opened) -> None:
    def differences(connection: Connection) -> list[Any]:
        options = {"include_name": lambda name, type, _: type != "table" or not name.startswith("passages_fts")}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    assert await at.database.read(differences) == []


async def test_a_newer_schema_is_refused_with_a_sentence(tmp_path: Path) -> None:
    file = await filled(tmp_path)
    marked(file, "9999")
    with pytest.raises(StoreUnusable, match=r"9999, newer than this Caseworks knows .* install the newer version"):
        Database(file)


async def test_before_a_migration_a_whole_copy_is_made(tmp_path: Path) -> None:
    file = await filled(tmp_path)
    with closing(driver().connect(file)) as connection:  # stays open, so that the change stays in the log
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
        connection.commit()
        assert file.with_name("caseworks.db-wal").stat().st_size > 0
        for _ in range(2):
            with pytest.raises(StoreUnusable, match="schema 0000, from which no way leads"):
                Database(file)
    marked(copy := tmp_path / f"caseworks.before-{HEAD}.db", HEAD)
    assert sorted(path.name for path in tmp_path.glob("*.db")) == [copy.name, file.name]
    with closing(driver().connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM projects").fetchone() == (500,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_file_that_is_no_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "caseworks.db"
    file.write_bytes(os.urandom(20_000))
    with pytest.raises(StoreUnusable, match=r"damaged; restore it from a backup"):
        Database(file)


async def test_damage_in_the_middle_is_told_by_reads_and_by_the_check(tmp_path: Path) -> None:
    file = await filled(tmp_path, 2000)
    size = file.stat().st_size
    with file.open("r+b") as damaged:
        damaged.seek(size - size // 4)
        damaged.write(os.urandom(size // 4))
    with opened(tmp_path) as at:
        with pytest.raises(StoreUnusable, match="damaged"):
            await at.store.find(Project, W)
        level, detail = await _health(at.database)
        assert level == "failed"
        assert "restore it from a backup" in detail


async def _health(database: Database) -> tuple[str, str]:
    try:
        return await database.health()
    except StoreUnusable as error:
        return "failed", str(error)


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="cannot be opened"):
        Database(tmp_path / "nowhere" / "caseworks.db")


async def test_a_directory_that_can_only_be_read_is_told(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk", "8m") as disk:
        await filled(disk)
        freeze(disk)
        with pytest.raises(StoreUnusable, match="writable for this user"), opened(disk) as at:
            await at.store.commit(Changeset(workspace_id=W, puts=[a_project()]))


async def test_a_file_that_another_program_holds_is_told(tmp_path: Path) -> None:
    file = await filled(tmp_path)
    with closing(driver().connect(file, isolation_level=None)) as other, opened(tmp_path) as at:
        await at.database.write(lambda connection: connection.exec_driver_sql("PRAGMA busy_timeout = 50").scalar())
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnusable, match="locked by another program"):
            await at.store.commit(Changeset(workspace_id=W, puts=[a_project()]))
        other.execute("ROLLBACK")
        await at.store.commit(Changeset(workspace_id=W, puts=[a_project()]))


async def test_the_pragmas_are_set_on_every_connection(at: Opened) -> None:
    together = threading.Barrier(4)

    def asked(connection: Connection) -> tuple[int, dict[str, object]]:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}
        return id(connection.connection.dbapi_connection), found

    def asked_together(connection: Connection) -> tuple[int, dict[str, object]]:
        together.wait(10)
        return asked(connection)

    await at.database.write(asked)
    answers = await asyncio.gather(*(at.database.read(asked_together) for _ in range(4)), at.database.write(asked))
    assert len({connection for connection, _ in answers}) == 5
    assert [found for _, found in answers] == [PRAGMAS] * 5


async def test_one_thread_writes_however_many_ask(at: Opened) -> None:
    async with asked(at) as statements:
        await asyncio.gather(
            *(at.store.commit(Changeset(workspace_id=W, puts=[a_project(f"prj_{n}")])) for n in range(20)),
            *(at.store.find(Project, W) for _ in range(20)),
            at.journal.abandon(),
        )
    reading = ("SELECT", "BEGIN", "ROLLBACK", "PRAGMA")
    writers = {thread for thread, statement in statements if statement.split()[0] not in reading}
    assert writers == {"store-writer"}


async def test_the_safe_sqlite_is_taken_and_an_old_one_is_named(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "a.db")) as database:
        level, detail = await database.health()
        assert level == ("ok" if sqlite_version() >= SAFE else "warning")
    with closing(Database(tmp_path / "b.db", sqlite3)) as database:
        level, detail = await database.health()
        assert level == ("ok" if sqlite3.sqlite_version_info >= SAFE else "warning")
        assert sqlite3.sqlite_version in detail
    assert driver().sqlite_version_info >= sqlite3.sqlite_version_info


@pytest.mark.parametrize(("first", "then"), [(sqlite3, None), (None, sqlite3)])
async def test_either_sqlite_reads_what_the_other_wrote(tmp_path: Path, first: Any, then: Any) -> None:
    for number, module in enumerate((first, then)):
        with opened(tmp_path, module) as at:
            await at.store.commit(Changeset(workspace_id=W, puts=[a_project(f"prj_{number}")]))
            assert len(await at.store.find(Project, W)) == number + 1
            assert await at.audit.check() == []


async def test_after_a_failed_opening_nothing_holds_the_file(tmp_path: Path) -> None:
    file = await filled(tmp_path)
    marked(file, "9999")
    with pytest.raises(StoreUnusable):
        Database(file)
    marked(file, HEAD)
    with opened(tmp_path) as at:
        assert len(await at.store.find(Project, W)) == 500
