"""One thread, one connection, group commit: everything that writes goes through here.

Callers put a unit of work and wait. The thread takes all that waits, runs each in a savepoint of one transaction,
commits (synchronous FULL), then tells the callers. A unit that is refused fails alone. Tried: SQLITE_FULL inside a
savepoint rolls the whole transaction back, and what comes after would commit by itself; so after every error the
connection is asked whether it is still in the transaction, and if not the whole batch fails. After a failed batch
the thread goes on with a fresh connection: a ROLLBACK may have failed too.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from adapters.store.prepared import Prepared
from services.ports.store import StoreError, StoreFull, StoreUnusable

T = TypeVar("T")
Unit = Callable[[Connection], Any]
Asked = tuple[Unit, asyncio.Future[Any]]
Outcome = tuple[asyncio.Future[Any], Any, BaseException | None]
MAX_BATCH = 256
BEGIN, COMMIT, ROLLBACK, SAVEPOINT, ROLLBACK_TO, RELEASE = (
    Prepared(text(sql))
    for sql in ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", "SAVEPOINT unit", "ROLLBACK TO unit", "RELEASE unit")
)
CLOSED = "The store is closed; start Caseworks again."


class Writer:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: queue.SimpleQueue[Asked | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, unit: Callable[[Connection], T]) -> asyncio.Future[T]:
        """Hands `unit` over. The future, of the running loop, resolves after the commit; cancelling it takes nothing
        back."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
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

    def _take(self) -> list[Asked] | None:
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

    def _write(self, connection: Connection, batch: list[Asked]) -> bool:
        """Commits `batch` and tells the callers. False when the connection is not to be used again."""
        outcomes: list[Outcome] = []
        try:
            BEGIN.run(connection)
            for unit, future in batch:
                outcomes.append((future, *_savepoint(connection, unit)))
            COMMIT.run(connection)
        except BaseException as error:
            _roll_back(connection)
            connection.invalidate()
            _fail(batch, error)
            return False
        _tell(outcomes)
        return True


def _fail(batch: list[Asked], error: BaseException) -> None:
    failure = translated(error)
    _tell([(future, None, failure) for _, future in batch])


def _tell(outcomes: Sequence[Outcome]) -> None:
    """One message to each loop for the whole batch: waking it for every unit took longer than writing most of them."""
    for loop in {future.get_loop() for future, _, _ in outcomes}:
        with suppress(RuntimeError):  # the loop was closed; nobody waits
            loop.call_soon_threadsafe(_resolve, [outcome for outcome in outcomes if outcome[0].get_loop() is loop])


def _resolve(outcomes: Sequence[Outcome]) -> None:
    for future, result, error in outcomes:
        if future.done():  # the caller was cancelled
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


def _savepoint(connection: Connection, unit: Unit) -> tuple[Any, BaseException | None]:
    SAVEPOINT.run(connection)
    try:
        result = unit(connection)
    except Exception as error:
        if not _in_transaction(connection) or isinstance(translated(error), StoreFull):
            raise
        ROLLBACK_TO.run(connection)
        RELEASE.run(connection)
        return None, translated(error)
    RELEASE.run(connection)
    return result, None


def _in_transaction(connection: Connection) -> bool:
    return bool(connection.connection.dbapi_connection.in_transaction)  # type: ignore[union-attr]


def _roll_back(connection: Connection) -> None:
    with suppress(Exception):
        if _in_transaction(connection):
            ROLLBACK.run(connection)


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
