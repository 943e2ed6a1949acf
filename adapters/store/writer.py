"""One thread, one connection, group commit: everything that writes goes through here.

Callers put a unit of work and wait. The thread takes all that waits, runs each in a savepoint of one transaction,
commits (synchronous FULL), then tells the callers. A unit that is refused fails alone. Tried: SQLITE_FULL inside a
savepoint rolls the whole transaction back, and what comes after would commit by itself; so after every error the
connection is asked whether it is still in the transaction, and if not the whole batch fails.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError

from services.ports.store import StoreError, StoreFull, StoreUnusable

T = TypeVar("T")
Unit = Callable[[Connection], Any]
MAX_BATCH = 256


class Writer:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: queue.SimpleQueue[tuple[Unit, Future[Any]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, unit: Callable[[Connection], T]) -> Future[T]:
        """Hands `unit` over. The future resolves after the commit; cancelling it takes nothing back."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise StoreUnusable("The store is closed; start Caseworks again.")
            self._queue.put((unit, future))
        return future

    def close(self) -> None:
        """Writes what waits, then ends the thread."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        with self._engine.connect() as connection:
            while (batch := self._take()) is not None:
                self._write(connection, batch)

    def _take(self) -> list[tuple[Unit, Future[Any]]] | None:
        first = self._queue.get()
        if first is None:
            return None
        batch = [first]
        while len(batch) < MAX_BATCH:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                self._queue.put(None)
                break
            batch.append(item)
        return batch

    def _write(self, connection: Connection, batch: list[tuple[Unit, Future[Any]]]) -> None:
        outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            for unit, future in batch:
                outcomes.append((future, *_savepoint(connection, unit)))
            connection.exec_driver_sql("COMMIT")
        except BaseException as error:
            _roll_back(connection)
            failure = translated(error)
            for _, future in batch:
                future.set_exception(failure)
            return
        for future, result, refused in outcomes:
            if refused is not None:
                future.set_exception(refused)
            else:
                future.set_result(result)


def _savepoint(connection: Connection, unit: Unit) -> tuple[Any, BaseException | None]:
    connection.exec_driver_sql("SAVEPOINT unit")
    try:
        result = unit(connection)
    except Exception as error:
        if not _in_transaction(connection) or isinstance(translated(error), StoreFull):
            raise
        connection.exec_driver_sql("ROLLBACK TO unit")
        connection.exec_driver_sql("RELEASE unit")
        return None, translated(error)
    connection.exec_driver_sql("RELEASE unit")
    return result, None


def _in_transaction(connection: Connection) -> bool:
    return bool(connection.connection.dbapi_connection.in_transaction)  # type: ignore[union-attr]


def _roll_back(connection: Connection) -> None:
    try:
        if _in_transaction(connection):
            connection.exec_driver_sql("ROLLBACK")
    except DatabaseError:
        connection.invalidate()


def translated(error: BaseException) -> BaseException:
    """What SQLite says, in our words. What is already ours stays."""
    if isinstance(error, StoreError) or not isinstance(error, DatabaseError):
        return error
    text = str(error.orig).lower()
    if "full" in text or "disk i/o" in text:
        return StoreFull(
            "The disk of the data directory is full; make room and go on: nothing that was stored is lost."
        )
    if "readonly" in text or "read-only" in text:
        return StoreUnusable("The data directory cannot be written; make it writable for this user.")
    if "malformed" in text or "not a database" in text:
        return StoreUnusable("The database is damaged; restore it from a backup, then run `caseworks doctor --verify`.")
    return error
