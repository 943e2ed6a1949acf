"""A changeset, applied to a connection inside a transaction."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence

import rfc8785
from pydantic import JsonValue
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from adapters.store import projections, statements
from adapters.store.entities import KINDS, TABLES, adapter, row_of, stamp
from domain.errors import CapReached, Forbidden, VersionMoved
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
PLAIN = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def apply(connection: Connection, changes: Changeset) -> None:
    """Raises VersionMoved, CapReached, LeaseLost, or Forbidden for what is another workspace's; the caller rolls
    back to its savepoint."""
    _check_workspace(changes)
    if changes.fence is not None:
        check_fence(connection, changes.workspace_id, changes.fence)
    for kind, id, version in changes.asserts:
        _assert(connection, kind, changes.workspace_id, id, version)
    for entity in changes.puts:
        _put(connection, entity)
    if changes.idempotency is not None:
        _remember(connection, changes.workspace_id, changes.idempotency)
    for digest, graph in changes.graphs:
        statements.NEW_GRAPH.run(connection, {"digest": digest, "name": graph.name, "body": graph.model_dump_json()})
    for entry in changes.entries:
        _journal(connection, entry)
    _work(connection, changes)
    _account(connection, changes)
    append_events(connection, changes.workspace_id, changes.events)
    for indexed in changes.indexed:
        projections.index(connection, changes.workspace_id, indexed)


def _check_workspace(changes: Changeset) -> None:
    for thing in (*changes.puts, *changes.events, *changes.calls, *changes.ready):
        if thing.workspace_id != changes.workspace_id:
            raise Forbidden(
                f"A changeset of {changes.workspace_id} cannot write a {type(thing).__name__.lower()} of "
                f"{thing.workspace_id}; commit it in its own workspace."
            )


def check_fence(connection: Connection, workspace_id: str, fence: Fence) -> None:
    """Raises LeaseLost. The store's clock decides."""
    epoch, until = statements.LEASE.first(connection, {"run": fence.run_id, "workspace": workspace_id}) or (None, 0.0)
    if epoch != fence.epoch or until <= time.time():
        raise LeaseLost(fence.run_id)


def _assert(connection: Connection, kind: type[Entity], workspace_id: str, id: str, version: int) -> None:
    (found,) = statements.version_of(TABLES[kind]).first(connection, {"the": id, "workspace": workspace_id}) or (0,)
    if found != version:
        raise VersionMoved(KINDS[kind], id)


def _put(connection: Connection, entity: Entity) -> None:
    table, row = TABLES[type(entity)], row_of(entity)
    if entity.version == 0:
        try:
            statements.new_row(table).run(connection, row)
        except IntegrityError:
            raise VersionMoved(KINDS[type(entity)], entity.id) from None
    else:
        the = {"the": row.pop("id"), "workspace": row.pop("workspace_id"), "expected": entity.version}
        if statements.replace_row(table).run(connection, {**row, **the}) != 1:
            raise VersionMoved(KINDS[type(entity)], entity.id)
    if isinstance(entity, Run) and entity.version == 0:
        lease = {"run_id": entity.id, "workspace_id": entity.workspace_id, "owner": None}
        statements.NEW_LEASE.run(connection, {**lease, "epoch": 0, "until": 0.0, "snapshot": "", "seq": 0})
    if isinstance(entity, Run) and entity.phase == "ended":
        statements.END_LEASE.run(connection, {"run": entity.id})
        forget_ready(connection, entity.id)


def _remember(connection: Connection, workspace_id: str, item: Idempotency) -> None:
    row: dict[str, object] = {"workspace_id": workspace_id, "principal": item.principal, "key": item.key}
    row |= {"request": item.request}
    row |= {"kind": item.kind, "id": item.id, "at": time.time()}
    if statements.NEW_KEY.run(connection, row) != 1:
        raise VersionMoved("request with Idempotency-Key", item.key)


def _journal(connection: Connection, entry: JournalEntry) -> None:
    row = {"run_id": entry.run_id, "seq": entry.seq, "codec": entry.codec, "at": stamp(entry.at)}
    try:
        statements.NEW_ENTRY.run(connection, {**row, "tick": entry.tick, "effects": entry.effects})
    except IntegrityError:
        raise LeaseLost(entry.run_id) from None


def _work(connection: Connection, changes: Changeset) -> None:
    for position in changes.consumed:
        statements.CONSUME.run(connection, {"taken": position, "workspace": changes.workspace_id})
    for run in changes.ready:
        make_ready(connection, run, time.time())
    for needs in changes.unparked:
        unpark(connection, needs)
    for signal in changes.signals:
        _signal(connection, changes.workspace_id, signal)


def _signal(connection: Connection, workspace_id: str, signal: Signal) -> None:
    found = statements.SIGNALLED.first(connection, {"run": signal.run_id, "workspace": workspace_id})
    if found is None:
        return
    body, phase = found
    if phase == "ended":
        return
    payload = adapter(dict).dump_json(dict(signal.payload)).decode()
    row = {"workspace_id": workspace_id, "run_id": signal.run_id, "name": signal.name, "consumed": 0}
    statements.NEW_SIGNAL.run(connection, {**row, "payload": payload, "due": stamp(signal.due)})
    make_ready(connection, adapter(Run).validate_json(body), stamp(signal.due))


def make_ready(connection: Connection, run: Run, at: float, needs: str = "") -> None:
    """Due at `at`, or earlier if it already is; `needs`, a line for each, say what else makes it go on."""
    row = {"run_id": run.id, "workspace_id": run.workspace_id, "project_id": run.project_id, "at": at}
    statements.MAKE_READY.run(connection, {**row, "priority": run.priority, "needs": needs})


def unpark(connection: Connection, needs: str) -> list[str]:
    """Makes the runs that wait for it ready at once; their ids."""
    rows = connection.execute(statements.WAITING_FOR, {"needed": needs}).all()
    found = [row.run_id for row in rows if needs in row.needs.splitlines()]
    for run_id in found:
        due_now(connection, run_id)
    return found


def due_now(connection: Connection, run_id: str) -> None:
    statements.READY_AT.run(connection, {"run": run_id, "due": time.time()})


def _account(connection: Connection, changes: Changeset) -> None:
    for call in changes.calls:
        statements.PUT_CALL.run(connection, call_row(call))
    for move in changes.counters:
        _move(connection, changes.workspace_id, move)
    for entry in changes.ledger:
        statements.NEW_LEDGER.run(connection, _ledger_row(changes.workspace_id, entry))


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
        "agent": call.agent,
        "model": call.model,
        "purpose": call.purpose,
        "task_id": call.task_id or "",
        "body": adapter(RecordedCall).dump_json(call).decode(),
    }


def _move(connection: Connection, workspace_id: str, move: CounterMove) -> None:
    key = {"workspace_id": workspace_id, "scope": move.scope, "name": move.name}
    statements.NEW_COUNTER.run(connection, {**key, "spent": 0, "reserved": 0})
    grow = move.spend + move.reserve
    values: dict[str, object] = {f"of_{name.removesuffix('_id')}": value for name, value in key.items()}
    values |= {"spend": move.spend, "reserve": move.reserve}
    capped = move.cap is not None and grow > 0
    statement = statements.MOVE_UNDER_CAP if capped else statements.MOVE_COUNTER
    if statement.run(connection, values | ({"grow": grow, "cap": move.cap} if capped else {})) != 1:
        raise _reached(connection, key, move)


def _reached(connection: Connection, key: Mapping[str, str], move: CounterMove) -> CapReached:
    ((spent, reserved),) = statements.COUNTER.all(connection, key)
    return CapReached(
        move.name,
        f"The budget of {move.name} of {move.scope} does not allow this; raise it.",
        scope=move.scope,
        cap=move.cap or 0,
        used=spent,
        held=reserved,
        wanted=move.spend + move.reserve,
    )


def _ledger_row(workspace_id: str, entry: LedgerEntry) -> dict[str, object]:
    row = {name: getattr(entry, name) for name in entry.__dataclass_fields__}
    return {**row, "workspace_id": workspace_id, "at": stamp(entry.at)}


def append_events(connection: Connection, workspace_id: str, events: Sequence[Event]) -> None:
    """Chains, stores and projects `events`: hash = SHA-256 over the previous hash and the canonical JSON (RFC 8785)."""
    if not events:
        return
    start, previous = statements.CHAIN.first(connection, {"workspace": workspace_id}) or (0, GENESIS)
    rows: list[dict[str, object]] = []
    for position, event in enumerate(events, start + 1):
        body = canonical(event)
        hash = chained(previous, body)
        row = {"workspace_id": workspace_id, "position": position, "type": event.type, "subject": event.subject}
        row |= {"project_id": event.project_id, "root_id": event.root_id, "body": body}
        rows.append({**row, "previous": previous, "hash": hash})
        previous = hash
    statements.NEW_EVENT.run_each(connection, rows)
    projections.project(connection, list(enumerate(events, start + 1)))
    statements.PUT_CHAIN.run(
        connection, {"workspace_id": workspace_id, "position": start + len(events), "hash": previous}
    )


def canonical(event: Event) -> str:
    value: JsonValue = adapter(Event).dump_python(event, mode="json")
    return PLAIN.encode(value) if _plain(value) else rfc8785.dumps(value).decode()


def _plain(value: JsonValue) -> bool:
    """Where the standard library's encoder, which is much faster, writes what RFC 8785 asks for: without fractions,
    large numbers and keys that sort differently in UTF-16."""
    if isinstance(value, dict):
        return all(key.isascii() and _plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_plain, value))
    return value is None or isinstance(value, str) or (isinstance(value, int) and abs(value) < 2**53)


def chained(previous: str, body: str) -> str:
    return "sha256:" + hashlib.sha256((previous + body).encode()).hexdigest()


def forget_ready(connection: Connection, run_id: str) -> None:
    statements.FORGET_READY.run(connection, {"run": run_id})
