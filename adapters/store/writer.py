"""One thread, one connection, group commit: everything that writes goes through here.

Callers put a unit of work and wait. The thread takes all that waits, runs each in a savepoint of one transaction,
commits (synchronous FULL), then tells the callers. A unit that is refused fails alone. Tried: SQLITE_FULL inside a
savepoint rolls the whole transaction back, and what comes after would commit by itself; so after every error the
connection is asked whether it is still in the transaction, and if not the whole batch fails. After a failed batch
the thread goes on with a fresh connection: a ROLLBACK may have failed too.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from services.ports.store import StoreError, StoreFull, StoreUnusable

T = TypeVar("T")
Unit = Callable[[Connection], Any]
MAX_BATCH = 256
CLOSED = "The store is closed; start Caseworks again."


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
        future.set_running_or_notify_cancel()  # from here on nobody can cancel it
        with self._lock:
            if self._closed:
                raise StoreUnusable(CLOSED)
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
        batch = self._take()
        while batch is not None:
            try:
                with self._engine.connect() as connection:
                    while batch is not None and self._write(connection, batch):
                        batch = self._take()
            except Exception as error:  # the database cannot be opened any more
                _fail(batch or [], error)
            batch = batch and self._take()

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

    def _write(self, connection: Connection, batch: list[tuple[Unit, Future[Any]]]) -> bool:
        """Commits `batch` and tells the callers. False when the connection is not to be used again."""
        outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            for unit, future in batch:
                outcomes.append((future, *_savepoint(connection, unit)))
            connection.exec_driver_sql("COMMIT")
        except BaseException as error:
            _roll_back(connection)
            connection.invalidate()
            _fail(batch, error)
            return False
        for future, result, refused in outcomes:
            if refused is not None:
                future.set_exception(refused)
            else:
                future.set_result(result)
        return True


def _fail(batch: list[tuple[Unit, Future[Any]]], error: BaseException) -> None:
    failure = translated(error)
    for _, future in batch:
        if not future.done():
            future.set_exception(failure)


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
    with suppress(Exception):
        if _in_transaction(connection):
            connection.exec_driver_sql("ROLLBACK")


def translated(error: BaseException) -> BaseException:
    """What SQLite says, in our words. What is not SQLite's stays."""
    if not isinstance(error, DBAPIError):
        return error
    text = str(error.orig).lower()
    return next(
        (kind(sentence) for words, kind, sentence in SAID if any(word in text for word in words)),
        StoreUnusable(f"The database refused a statement ({error.orig}); run `caseworks doctor --verify`."),
    )


SAID: tuple[tuple[tuple[str, ...], type[StoreError], str], ...] = (
    (
        ("full", "disk i/o"),
        StoreFull,
        "The disk of the data directory is full or fails; make room and go on: nothing that was stored is lost.",
    ),
    (
        ("readonly", "read-only"),
        StoreUnusable,
        "The data directory cannot be written; make it writable for this user.",
    ),
    (
        ("unable to open",),
        StoreUnusable,
        "The database cannot be opened; see that the data directory exists and is writable for this user.",
    ),
    (
        ("locked", "busy"),
        StoreUnusable,
        "The database is locked by another program; close that program, then try again.",
    ),
    (
        ("malformed", "not a database", "vtable constructor failed"),
        StoreUnusable,
        "The database is damaged; restore it from a backup, then run `caseworks doctor --verify`.",
    ),
)
