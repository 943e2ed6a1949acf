"""The statements of a commit, built once: building them again each time took longer than SQLite does."""

from functools import cache

from sqlalchemy import Insert, Select, Table, Update, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from adapters.store import tables

KEY_LIFETIME = 24 * 3600.0  # seconds for which an Idempotency-Key answers

LEASE = select(tables.leases.c.epoch, tables.leases.c.until).where(
    tables.leases.c.run_id == bindparam("run"), tables.leases.c.workspace_id == bindparam("workspace")
)
NEW_LEASE, NEW_ENTRY, NEW_SIGNAL, NEW_EVENT, NEW_LEDGER = map(
    insert, (tables.leases, tables.journal, tables.signals, tables.events, tables.ledger)
)
NEW_GRAPH = upsert(tables.graphs).on_conflict_do_nothing()
_key = upsert(tables.idempotency)
NEW_KEY = _key.on_conflict_do_update(
    index_elements=list(tables.idempotency.primary_key),
    set_={name: _key.excluded[name] for name in ("request", "kind", "id", "at")},
    where=tables.idempotency.c.at <= _key.excluded.at - KEY_LIFETIME,
)
CONSUME = (
    update(tables.signals)
    .where(tables.signals.c.position == bindparam("taken"), tables.signals.c.workspace_id == bindparam("workspace"))
    .values(consumed=1)
)
SIGNALLED = select(tables.runs.c.body, tables.runs.c.phase).where(
    tables.runs.c.id == bindparam("run"), tables.runs.c.workspace_id == bindparam("workspace")
)
_ready = upsert(tables.ready)
MAKE_READY = _ready.on_conflict_do_update(
    index_elements=[tables.ready.c.run_id],
    set_={"at": _ready.excluded.at},
    where=tables.ready.c.at > _ready.excluded.at,
)
_call = upsert(tables.calls)
PUT_CALL = _call.on_conflict_do_update(
    index_elements=[tables.calls.c.key],
    set_={column.name: _call.excluded[column.name] for column in tables.calls.c if not column.primary_key},
    where=tables.calls.c.workspace_id == _call.excluded.workspace_id,
)
NEW_COUNTER = upsert(tables.counters).on_conflict_do_nothing()
MOVE_COUNTER = (
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
MOVE_UNDER_CAP = MOVE_COUNTER.where(
    tables.counters.c.spent + tables.counters.c.reserved + bindparam("grow") <= bindparam("cap")
)
CHAIN = select(tables.chains).where(tables.chains.c.workspace_id == bindparam("workspace"))
_chain = upsert(tables.chains)
PUT_CHAIN = _chain.on_conflict_do_update(
    index_elements=[tables.chains.c.workspace_id],
    set_={"position": _chain.excluded.position, "hash": _chain.excluded.hash},
)

# carrying runs on

_leases, _ready_runs, _signals = tables.leases, tables.ready, tables.signals
RUN = select(tables.runs.c.body, tables.runs.c.phase).where(tables.runs.c.id == bindparam("run"))
TAKE = (
    update(_leases)
    .where(_leases.c.run_id == bindparam("run"), _leases.c.until <= bindparam("now"))
    .values(owner=bindparam("by"), epoch=_leases.c.epoch + 1, until=bindparam("end"))
    .returning(_leases.c.epoch, _leases.c.workspace_id)
)
_held = (_leases.c.run_id == bindparam("run"), _leases.c.epoch == bindparam("held"))
END_LEASE = update(_leases).where(_leases.c.run_id == bindparam("run")).values(owner=None, until=0.0)
RENEW = update(_leases).where(*_held, _leases.c.until > bindparam("now")).values(until=bindparam("end"))
LET_GO = update(_leases).where(*_held).values(owner=None, until=0.0, snapshot=bindparam("state"), seq=bindparam("last"))
LEASED_UNTIL = select(_leases.c.until).where(_leases.c.run_id == bindparam("run"))
READY_AT = update(_ready_runs).where(_ready_runs.c.run_id == bindparam("run")).values(at=bindparam("due"))
FORGET_READY = delete(_ready_runs).where(_ready_runs.c.run_id == bindparam("run"))
READY = (
    select(_ready_runs)
    .where(_ready_runs.c.at <= bindparam("now"))
    .order_by(_ready_runs.c.priority, _ready_runs.c.at)
    .limit(bindparam("most"))
)
NEXT_DUE = select(func.min(_ready_runs.c.at)).where(_ready_runs.c.at > bindparam("now"))
_waiting = (_signals.c.run_id == bindparam("run"), _signals.c.consumed == 0)
SIGNALS = select(_signals).where(*_waiting, _signals.c.due <= bindparam("now")).order_by(_signals.c.position)
NEXT_SIGNAL = select(func.min(_signals.c.due)).where(*_waiting)
LEASED_RUN = (
    select(tables.runs.c.body, tables.runs.c.version, _leases.c.snapshot, _leases.c.seq)
    .join_from(tables.runs, _leases, _leases.c.run_id == tables.runs.c.id)
    .where(tables.runs.c.id == bindparam("run"))
)
GRAPH = select(tables.graphs.c.body).where(tables.graphs.c.digest == bindparam("graph"))
ENTRIES = (
    select(tables.journal)
    .where(tables.journal.c.run_id == bindparam("run"), tables.journal.c.seq > bindparam("after"))
    .order_by(tables.journal.c.seq)
)
CALL = select(tables.calls.c.body).where(tables.calls.c.key == bindparam("call"))


@cache
def entity(table: Table) -> Select[str, int]:
    return select(table.c.body, table.c.version).where(
        table.c.id == bindparam("the"), table.c.workspace_id == bindparam("workspace")
    )


@cache
def new_row(table: Table) -> Insert:
    return insert(table)


@cache
def version_of(table: Table) -> Select[int]:
    return select(table.c.version).where(table.c.id == bindparam("the"), table.c.workspace_id == bindparam("workspace"))


@cache
def replace_row(table: Table) -> Update:
    return update(table).where(
        table.c.id == bindparam("the"),
        table.c.workspace_id == bindparam("workspace"),
        table.c.version == bindparam("expected"),
    )
