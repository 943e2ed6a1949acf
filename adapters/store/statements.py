"""The statements of a commit, built once: building them again each time took longer than SQLite does."""

from functools import cache

from sqlalchemy import Table, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from adapters.store import tables
from adapters.store.prepared import Prepared, filled

KEY_LIFETIME = 24 * 3600.0  # seconds for which an Idempotency-Key answers

LEASE = Prepared(
    select(tables.leases.c.epoch, tables.leases.c.until).where(
        tables.leases.c.run_id == bindparam("run"), tables.leases.c.workspace_id == bindparam("workspace")
    )
)
NEW_LEASE, NEW_ENTRY, NEW_SIGNAL, NEW_EVENT, NEW_LEDGER = (
    Prepared(insert(table), filled(table))
    for table in (tables.leases, tables.journal, tables.signals, tables.events, tables.ledger)
)
NEW_GRAPH = Prepared(upsert(tables.graphs).on_conflict_do_nothing())
_key = upsert(tables.idempotency)
NEW_KEY = Prepared(
    _key.on_conflict_do_update(
        index_elements=list(tables.idempotency.primary_key),
        set_={name: _key.excluded[name] for name in ("request", "kind", "id", "at")},
        where=tables.idempotency.c.at <= _key.excluded.at - KEY_LIFETIME,
    )
)
CONSUME = Prepared(
    update(tables.signals)
    .where(tables.signals.c.position == bindparam("taken"), tables.signals.c.workspace_id == bindparam("workspace"))
    .values(consumed=1)
)
SIGNALLED = Prepared(
    select(tables.runs.c.body, tables.runs.c.phase).where(
        tables.runs.c.id == bindparam("run"), tables.runs.c.workspace_id == bindparam("workspace")
    )
)
_ready = upsert(tables.ready)
MAKE_READY = Prepared(
    _ready.on_conflict_do_update(
        index_elements=[tables.ready.c.run_id],
        set_={"at": _ready.excluded.at},
        where=tables.ready.c.at > _ready.excluded.at,
    )
)
_call = upsert(tables.calls)
PUT_CALL = Prepared(
    _call.on_conflict_do_update(
        index_elements=[tables.calls.c.key],
        set_={column.name: _call.excluded[column.name] for column in tables.calls.c if not column.primary_key},
        where=tables.calls.c.workspace_id == _call.excluded.workspace_id,
    )
)
NEW_COUNTER = Prepared(upsert(tables.counters).on_conflict_do_nothing())
_move = (
    update(tables.counters)
    .where(
        tables.counters.c.workspace_id == bindparam("of_workspace"),
        tables.counters.c.scope == bindparam("of_scope"),
        tables.counters.c.name == bindparam("of_name"),
    )
    .values(
        spent=tables.counters.c.spent + bindparam("spend"), reserved=tables.counters.c.reserved + bindparam("reserve")
    )
)
MOVE_COUNTER = Prepared(_move)
MOVE_UNDER_CAP = Prepared(
    _move.where(tables.counters.c.spent + tables.counters.c.reserved + bindparam("grow") <= bindparam("cap"))
)
COUNTER = Prepared(
    select(tables.counters.c.spent, tables.counters.c.reserved).where(
        tables.counters.c.workspace_id == bindparam("workspace_id"),
        tables.counters.c.scope == bindparam("scope"),
        tables.counters.c.name == bindparam("name"),
    )
)
CHAIN = Prepared(
    select(tables.chains.c.position, tables.chains.c.hash).where(tables.chains.c.workspace_id == bindparam("workspace"))
)
_chain = upsert(tables.chains)
PUT_CHAIN = Prepared(
    _chain.on_conflict_do_update(
        index_elements=[tables.chains.c.workspace_id],
        set_={"position": _chain.excluded.position, "hash": _chain.excluded.hash},
    )
)

# carrying runs on

_leases, _ready_runs, _signals = tables.leases, tables.ready, tables.signals
RUN = Prepared(select(tables.runs.c.body, tables.runs.c.phase).where(tables.runs.c.id == bindparam("run")))
TAKE = Prepared(
    update(_leases)
    .where(_leases.c.run_id == bindparam("run"), _leases.c.until <= bindparam("now"))
    .values(owner=bindparam("by"), epoch=_leases.c.epoch + 1, until=bindparam("end"))
    .returning(_leases.c.epoch, _leases.c.workspace_id)
)
_held = (_leases.c.run_id == bindparam("run"), _leases.c.epoch == bindparam("held"))
END_LEASE = Prepared(update(_leases).where(_leases.c.run_id == bindparam("run")).values(owner=None, until=0.0))
RENEW = Prepared(update(_leases).where(*_held, _leases.c.until > bindparam("now")).values(until=bindparam("end")))
LET_GO = Prepared(
    update(_leases).where(*_held).values(owner=None, until=0.0, snapshot=bindparam("state"), seq=bindparam("last"))
)
LEASED_UNTIL = Prepared(select(_leases.c.until).where(_leases.c.run_id == bindparam("run")))
READY_AT = Prepared(
    update(_ready_runs).where(_ready_runs.c.run_id == bindparam("run")).values(at=bindparam("due"), needs="")
)
FORGET_READY = Prepared(delete(_ready_runs).where(_ready_runs.c.run_id == bindparam("run")))
READY = (
    select(_ready_runs)
    .where(_ready_runs.c.at <= bindparam("now"))
    .order_by(_ready_runs.c.priority, _ready_runs.c.at)
    .limit(bindparam("most"))
)
PARKED = (
    select(_ready_runs)
    .where(_ready_runs.c.needs != "")
    .order_by(_ready_runs.c.priority, _ready_runs.c.run_id)
    .limit(bindparam("most"))
)
WAITING_FOR = select(_ready_runs).where(_ready_runs.c.needs.contains(bindparam("needed"), autoescape=False))
NEXT_DUE = select(func.min(_ready_runs.c.at)).where(_ready_runs.c.at > bindparam("now"))
_waiting = (_signals.c.run_id == bindparam("run"), _signals.c.consumed == 0)
SIGNALS = Prepared(
    select(_signals.c.position, _signals.c.name, _signals.c.payload, _signals.c.due)
    .where(*_waiting, _signals.c.due <= bindparam("now"))
    .order_by(_signals.c.position)
)
NEXT_SIGNAL = Prepared(select(func.min(_signals.c.due)).where(*_waiting))
READY_BEFORE = (
    update(_ready_runs)
    .where(_ready_runs.c.at > bindparam("now"), _ready_runs.c.at <= bindparam("before"))
    .values(at=bindparam("now"))
)
SIGNALS_BEFORE = (
    update(_signals)
    .where(_signals.c.consumed == 0, _signals.c.due > bindparam("now"), _signals.c.due <= bindparam("before"))
    .values(due=bindparam("now"))
)
LEASED_RUN = Prepared(
    select(tables.runs.c.body, tables.runs.c.version, _leases.c.snapshot, _leases.c.seq)
    .join_from(tables.runs, _leases, _leases.c.run_id == tables.runs.c.id)
    .where(tables.runs.c.id == bindparam("run"))
)
GRAPH = Prepared(select(tables.graphs.c.body).where(tables.graphs.c.digest == bindparam("graph")))
_entries = tables.journal.c
ENTRIES = Prepared(
    select(_entries.seq, _entries.tick, _entries.effects, _entries.at, _entries.codec)
    .where(_entries.run_id == bindparam("run"), _entries.seq > bindparam("after"))
    .order_by(_entries.seq)
)
CALL = Prepared(select(tables.calls.c.body).where(tables.calls.c.key == bindparam("call")))


@cache
def entity(table: Table) -> Prepared:
    return Prepared(
        select(table.c.body, table.c.version).where(
            table.c.id == bindparam("the"), table.c.workspace_id == bindparam("workspace")
        )
    )


@cache
def new_row(table: Table) -> Prepared:
    return Prepared(insert(table))


@cache
def version_of(table: Table) -> Prepared:
    return Prepared(
        select(table.c.version).where(table.c.id == bindparam("the"), table.c.workspace_id == bindparam("workspace"))
    )


@cache
def replace_row(table: Table) -> Prepared:
    the = (table.c.id == bindparam("the"), table.c.workspace_id == bindparam("workspace"))
    kept = {"id", "workspace_id"}
    return Prepared(
        update(table).where(*the, table.c.version == bindparam("expected")),
        [column.name for column in table.c if column.name not in kept],
    )
