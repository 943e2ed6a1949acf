"""Opening the database: which SQLite, the pragmas, the schema's version, the thread that writes."""

import asyncio
import importlib
import sqlite3
import types
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from adapters.store.prepared import Prepared
from adapters.store.writer import CLOSED, ROLLBACK, Writer, translated
from services.ports.store import StoreError, StoreUnusable

T = TypeVar("T")
HEAD = "0006"  # the newest migration; a test compares it with the scripts
SAFE = (3, 51, 3)  # the first SQLite without the WAL-reset corruption
READERS = 4
SNAPSHOT = Prepared(text("BEGIN"))


def driver() -> types.ModuleType:
    """The SQLite to use: pysqlite3 (3.53, no WAL-reset bug) where it has a wheel, else the standard library's.
    With the older one the single writer keeps the file safe."""
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return sqlite3


def sqlite_version(module: types.ModuleType | None = None) -> tuple[int, ...]:
    return tuple(int(part) for part in str((module or driver()).sqlite_version).split("."))


class Database:
    """One SQLite file. `write` goes through the one writer; `read` through pooled connections in threads."""

    def __init__(self, path: Path, module: types.ModuleType | None = None) -> None:
        """`module` is the SQLite to use, by default the safest there is. Raises StoreUnusable, StoreFull."""
        self.path, self._module = path, module or driver()
        self._engine = _engine(path, self._module)
        try:
            _migrate(self._engine, path)
        except DBAPIError as error:
            self._engine.dispose()
            raise translated(error) from error
        except BaseException:
            self._engine.dispose()
            raise
        self._writer = Writer(self._engine)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")

    async def write(self, unit: Callable[[Connection], T]) -> T:
        """The unit's result, after the commit. A cancelled caller does not take it back."""
        return await self._writer.submit(unit)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """`query` on one snapshot."""
        try:
            reading = asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, query)
        except RuntimeError as error:  # after `close`
            raise StoreUnusable(CLOSED) from error
        return await reading

    def read_now(self, query: Callable[[Connection], T]) -> T:
        try:
            with self._engine.connect() as connection:
                SNAPSHOT.run(connection)
                try:
                    return query(connection)
                finally:
                    if connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
                        ROLLBACK.run(connection)
        except DBAPIError as error:
            raise translated(error) from error

    async def health(self) -> tuple[Literal["ok", "warning", "failed"], str]:
        """Whether the file is sound and which SQLite reads it, with what to do."""
        fault = await asyncio.to_thread(self._quick_check)
        version = ".".join(map(str, sqlite_version(self._module)))
        if fault != "ok":
            return "failed", f"{self.path} is damaged ({fault}): restore it from a backup."
        if sqlite_version(self._module) < SAFE:
            return "warning", f"sound; SQLite {version} is old, which the single writer makes safe"
        return "ok", f"sound; SQLite {version}, schema {HEAD}"

    async def alive(self) -> bool:
        """Whether the database answers at all; cheap."""
        try:
            return await self.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar()) == 1
        except StoreError:
            return False

    def _quick_check(self) -> str:
        """On a connection of its own: the check of a full-text table trusts what a used one remembers of it."""
        connection = self._module.connect(f"file:{self.path}?mode=ro", uri=True, timeout=30)
        try:
            return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        except self._module.DatabaseError as error:
            return str(error)
        finally:
            connection.close()

    def close(self) -> None:
        self._writer.close()
        self._readers.shutdown()
        self._engine.dispose()


def _engine(path: Path, module: types.ModuleType) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        module=module,
        isolation_level="AUTOCOMMIT",
        poolclass=QueuePool,
        pool_size=READERS + 1,
        connect_args={"check_same_thread": False, "timeout": 30},
    )
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "trusted_schema=OFF",
        "mmap_size=0",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _migrate(engine: Engine, path: Path) -> None:
    """To the newest schema, with a copy of the file made before. Raises StoreUnusable for a newer one."""
    found = _schema(engine)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        raise StoreUnusable(
            f"The database {path} has the schema {found}, newer than this Caseworks knows ({HEAD}); "
            "install the newer version again, or use another --data-dir."
        )
    if found is not None:
        _copy(engine, path.with_suffix(f".before-{HEAD}.db"))
    from alembic.util import CommandError

    from adapters.store.migrations import upgrade

    try:
        upgrade(engine)
    except CommandError as error:
        raise StoreUnusable(
            f"The database {path} has the schema {found}, from which no way leads to {HEAD}; restore a backup."
        ) from error


def _copy(engine: Engine, target: Path) -> None:
    """By SQLite itself: the file alone lacks what is still in the write-ahead log."""
    draft = target.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with engine.connect() as connection:
        connection.exec_driver_sql("VACUUM INTO ?", (str(draft),))
    draft.replace(target)


def _schema(engine: Engine) -> str | None:
    with engine.connect() as connection:
        known = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name = 'alembic_version'").first()
        if known is None:
            return None
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
