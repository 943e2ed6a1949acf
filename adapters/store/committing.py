"""A changeset, applied to a connection inside a transaction."""

import hashlib
import time
from collections.abc import Iterable

import rfc8785
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError

from adapters.store import projections, tables
from adapters.store.entities import KINDS, TABLES, adapter, row_of, stamp
from domain.errors import LimitReached, VersionMoved
from domain.events import Event
from domain.run import Run
from services.ports.store import (
    Changeset,
    CounterMove,
    Entity,
    Fence,
    Idempotency,
    JournalEntry,
    LeaseLost,
    LedgerEntry,
    RecordedCall,
    Signal,
)

GENESIS = "sha256:" + "0" * 64
LIMIT_MESSAGES = {
    "money": "The project's budget does not allow this call; raise it or choose a cheaper model.",
    "calls": "The project has used up its calls to models; raise its budget.",
}


def apply(connection: Connection, changes: Changeset) -> None:
    """Raises VersionMoved, LimitReached or LeaseLost; the caller rolls back to its savepoint."""
    if changes.fence is not None:
        check_fence(connection, changes.fence)
    for kind, id, version in changes.asserts:
        _assert(connection, kind, changes.workspace_id, id, version)
    for entity in changes.puts:
        _put(connection, entity)
    if changes.idempotency is not None:
        _remember(connection, changes.workspace_id, changes.idempotency)
    for digest, graph in changes.graphs:
        row = {"digest": digest, "name": graph.name, "body": graph.model_dump_json()}
        connection.execute(upsert(tables.graphs).values(row).on_conflict_do_nothing())
    for entry in changes.entries:
        _journal(connection, entry)
    _work(connection, changes)
    _account(connection, changes)
    append_events(connection, changes.workspace_id, changes.events)
    for indexed in changes.indexed:
        projections.index(connection, changes.workspace_id, indexed)


def check_fence(connection: Connection, fence: Fence) -> None:
    """Raises LeaseLost. The store's clock decides."""
    row = connection.execute(
        select(tables.leases.c.epoch, tables.leases.c.until).where(tables.leases.c.run_id == fence.run_id)
    ).first()
    if row is None or row.epoch != fence.epoch or row.until <= time.time():
        raise LeaseLost(fence.run_id)


def _assert(connection: Connection, kind: type[Entity], workspace_id: str, id: str, version: int) -> None:
    table = TABLES[kind]
    found = connection.execute(
        select(table.c.version).where(table.c.id == id, table.c.workspace_id == workspace_id)
    ).scalar()
    if (found or 0) != version:
        raise VersionMoved(KINDS[kind], id)


def _put(connection: Connection, entity: Entity) -> None:
    table, row = TABLES[type(entity)], row_of(entity)
    if entity.version == 0:
        try:
            connection.execute(insert(table), row)
        except IntegrityError:
            raise VersionMoved(KINDS[type(entity)], entity.id) from None
    else:
        where = (
            table.c.id == entity.id,
            table.c.workspace_id == entity.workspace_id,
            table.c.version == entity.version,
        )
        if connection.execute(update(table).where(*where).values(row)).rowcount != 1:
            raise VersionMoved(KINDS[type(entity)], entity.id)
    if isinstance(entity, Run) and entity.version == 0:
        lease = {"run_id": entity.id, "workspace_id": entity.workspace_id, "owner": None}
        connection.execute(insert(tables.leases), {**lease, "epoch": 0, "until": 0.0, "snapshot": "", "seq": 0})


def _remember(connection: Connection, workspace_id: str, item: Idempotency) -> None:
    row = {"workspace_id": workspace_id, "principal": item.principal, "key": item.key, "request": item.request}
    try:
        connection.execute(insert(tables.idempotency), {**row, "kind": item.kind, "id": item.id, "at": time.time()})
    except IntegrityError:
        raise VersionMoved("request with Idempotency-Key", item.key) from None


def _journal(connection: Connection, entry: JournalEntry) -> None:
    row = {"run_id": entry.run_id, "seq": entry.seq, "codec": entry.codec, "at": stamp(entry.at)}
    try:
        connection.execute(insert(tables.journal), {**row, "tick": entry.tick, "effects": entry.effects})
    except IntegrityError:
        raise LeaseLost(entry.run_id) from None


def _work(connection: Connection, changes: Changeset) -> None:
    for position in changes.consumed:
        connection.execute(update(tables.signals).where(tables.signals.c.position == position).values(consumed=1))
    for run in changes.ready:
        make_ready(connection, run, time.time())
    for signal in changes.signals:
        _signal(connection, changes.workspace_id, signal)


def _signal(connection: Connection, workspace_id: str, signal: Signal) -> None:
    run = connection.execute(
        select(tables.runs.c.body, tables.runs.c.phase).where(
            tables.runs.c.id == signal.run_id, tables.runs.c.workspace_id == workspace_id
        )
    ).first()
    if run is None or run.phase == "ended":
        return
    payload = adapter(dict).dump_json(dict(signal.payload)).decode()
    row = {"workspace_id": workspace_id, "run_id": signal.run_id, "name": signal.name, "consumed": 0}
    connection.execute(insert(tables.signals), {**row, "payload": payload, "due": stamp(signal.due)})
    make_ready(connection, adapter(Run).validate_json(run.body), stamp(signal.due))


def make_ready(connection: Connection, run: Run, at: float) -> None:
    """Due at `at`, or earlier if it already is."""
    row = {"run_id": run.id, "workspace_id": run.workspace_id, "project_id": run.project_id, "at": at}
    statement = upsert(tables.ready).values({**row, "priority": run.priority, "needs": ""})
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[tables.ready.c.run_id],
            set_={"at": statement.excluded.at},
            where=tables.ready.c.at > statement.excluded.at,
        )
    )


def _account(connection: Connection, changes: Changeset) -> None:
    for call in changes.calls:
        row = call_row(call)
        connection.execute(
            upsert(tables.calls).values(row).on_conflict_do_update(index_elements=[tables.calls.c.key], set_=row)
        )
    for move in changes.counters:
        _move(connection, changes.workspace_id, move)
    for entry in changes.ledger:
        connection.execute(insert(tables.ledger), _ledger_row(changes.workspace_id, entry))


def call_row(call: RecordedCall) -> dict[str, object]:
    return {
        "key": call.key,
        "workspace_id": call.workspace_id,
        "project_id": call.project_id,
        "run_id": call.run_id,
        "state": call.state,
        "started_at": stamp(call.started_at),
        "input_tokens": call.usage.input_tokens,
        "output_tokens": call.usage.output_tokens,
        "money": call.usage.money,
        "seconds": call.usage.seconds,
        "body": adapter(RecordedCall).dump_json(call).decode(),
    }


def _move(connection: Connection, workspace_id: str, move: CounterMove) -> None:
    table = tables.counters
    key = {"workspace_id": workspace_id, "scope": move.scope, "name": move.name}
    connection.execute(upsert(table).values({**key, "spent": 0, "reserved": 0}).on_conflict_do_nothing())
    statement = (
        update(table)
        .where(table.c.workspace_id == workspace_id, table.c.scope == move.scope, table.c.name == move.name)
        .values(spent=table.c.spent + move.spend, reserved=table.c.reserved + move.reserve)
    )
    if move.cap is not None and move.spend + move.reserve > 0:
        statement = statement.where(table.c.spent + table.c.reserved + move.spend + move.reserve <= move.cap)
    if connection.execute(statement).rowcount != 1:
        raise LimitReached(move.name, LIMIT_MESSAGES.get(move.name, f"The limit on {move.name} is reached."))


def _ledger_row(workspace_id: str, entry: LedgerEntry) -> dict[str, object]:
    row = {name: getattr(entry, name) for name in entry.__dataclass_fields__}
    return {**row, "workspace_id": workspace_id, "at": stamp(entry.at)}


def append_events(connection: Connection, workspace_id: str, events: Iterable[Event]) -> None:
    """Chains, stores and projects `events`: hash = SHA-256 over the previous hash and the canonical JSON (RFC 8785)."""
    events = tuple(events)
    if not events:
        return
    head = connection.execute(select(tables.chains).where(tables.chains.c.workspace_id == workspace_id)).first()
    position, previous = (head.position, head.hash) if head else (0, GENESIS)
    for event in events:
        body = canonical(event)
        position, hash = position + 1, chained(previous, body)
        row = {"workspace_id": workspace_id, "position": position, "type": event.type, "subject": event.subject}
        row |= {"project_id": event.project_id, "root_id": event.root_id, "body": body}
        connection.execute(insert(tables.events), {**row, "previous": previous, "hash": hash})
        projections.project(connection, event, position)
        previous = hash
    values = {"workspace_id": workspace_id, "position": position, "hash": previous}
    connection.execute(
        upsert(tables.chains)
        .values(values)
        .on_conflict_do_update(index_elements=[tables.chains.c.workspace_id], set_=values)
    )


def canonical(event: Event) -> str:
    return rfc8785.dumps(adapter(Event).dump_python(event, mode="json")).decode()


def chained(previous: str, body: str) -> str:
    return "sha256:" + hashlib.sha256((previous + body).encode()).hexdigest()


def forget_ready(connection: Connection, run_id: str) -> None:
    connection.execute(delete(tables.ready).where(tables.ready.c.run_id == run_id))
