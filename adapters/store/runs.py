"""Claims, signals and segments: the Journal port on the tables."""

import time
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, select, update

from adapters.store import statements, tables
from adapters.store.committing import forget_ready, make_ready
from adapters.store.database import Database
from adapters.store.entities import adapter, entity_of, time_of
from domain.agent_graph import AgentGraph
from domain.run import Run
from services.ports.journal import Claim, Journal, ReadyRun, Segment
from services.ports.store import JournalEntry, RecordedCall, Signal

leases, ready = tables.leases, tables.ready


class SqlJournal(Journal):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, run_id: str, owner: str, seconds: float) -> Claim | None:
        return await self._database.write(lambda connection: _claim(connection, run_id, owner, seconds))

    async def renew(self, claim: Claim, seconds: float) -> bool:
        return await self._database.write(lambda connection: _renew(connection, claim, seconds))

    async def release(self, claim: Claim, snapshot: str, seq: int) -> bool:
        return await self._database.write(lambda connection: _release(connection, claim, snapshot, seq))

    async def abandon(self, owner_prefix: str = "") -> int:
        def unit(connection: Connection) -> int:
            held = select(leases.c.run_id).where(leases.c.owner.startswith(owner_prefix, autoescape=True))
            due = update(ready).where(ready.c.run_id.in_(held)).values(at=0.0)
            connection.execute(due)
            ended = update(leases).where(leases.c.owner.startswith(owner_prefix, autoescape=True))
            return connection.execute(ended.values(owner=None, until=0.0)).rowcount

        return await self._database.write(unit)

    async def segment(self, claim: Claim) -> Segment:
        return await self._database.read(lambda connection: _segment(connection, claim.run_id))

    async def signals(self, run_id: str) -> list[Signal]:
        values = {"run": run_id, "now": time.time()}
        rows = await self._database.read(lambda c: c.execute(statements.SIGNALS, values).all())
        return [
            Signal(
                run_id=row.run_id,
                name=row.name,
                due=time_of(row.due),
                payload=adapter(dict).validate_json(row.payload),
                position=row.position,
            )
            for row in rows
        ]

    async def ready(self, limit: int) -> list[ReadyRun]:
        values = {"now": time.time(), "most": limit}
        rows = await self._database.read(lambda connection: connection.execute(statements.READY, values).all())
        return [
            ReadyRun(
                run_id=row.run_id,
                workspace_id=row.workspace_id,
                project_id=row.project_id,
                priority=row.priority,
                at=time_of(row.at),
            )
            for row in rows
        ]

    async def next_due(self) -> datetime | None:
        values = {"now": time.time()}
        at = await self._database.read(lambda connection: connection.execute(statements.NEXT_DUE, values).scalar())
        return None if at is None else time_of(at)

    async def call(self, key: str) -> RecordedCall | None:
        body = await self._database.read(lambda c: c.execute(statements.CALL, {"call": key}).scalar())
        return None if body is None else adapter(RecordedCall).validate_json(body)


def _claim(connection: Connection, run_id: str, owner: str, seconds: float) -> Claim | None:
    run = connection.execute(statements.RUN, {"run": run_id}).first()
    if run is None or run.phase == "ended":
        forget_ready(connection, run_id)
        return None
    now = time.time()
    taken = connection.execute(statements.TAKE, {"run": run_id, "now": now, "by": owner, "end": now + seconds}).first()
    if taken is None:
        until = connection.execute(statements.LEASED_UNTIL, {"run": run_id}).scalar()
        connection.execute(statements.READY_AT, {"run": run_id, "due": until})
        return None
    again = connection.execute(statements.READY_AT, {"run": run_id, "due": now + seconds})
    if again.rowcount == 0:  # so that it is found if this owner dies
        make_ready(connection, adapter(Run).validate_json(run.body), now + seconds)
    return Claim(
        run_id=run_id,
        workspace_id=taken.workspace_id,
        owner=owner,
        epoch=taken.epoch,
        until=time_of(now + seconds),
    )


def _renew(connection: Connection, claim: Claim, seconds: float) -> bool:
    now = time.time()
    held = {"run": claim.run_id, "held": claim.epoch, "now": now}
    if connection.execute(statements.RENEW, {**held, "end": now + seconds}).rowcount != 1:
        return False
    connection.execute(statements.READY_AT, {"run": claim.run_id, "due": now + seconds})
    return True


def _release(connection: Connection, claim: Claim, snapshot: str, seq: int) -> bool:
    due = connection.execute(statements.NEXT_SIGNAL, {"run": claim.run_id}).scalar()
    run = connection.execute(statements.RUN, {"run": claim.run_id}).one()
    if due is not None and due <= time.time() and run.phase != "ended":
        return False
    held = {"run": claim.run_id, "held": claim.epoch}
    if connection.execute(statements.LET_GO, {**held, "state": snapshot, "last": seq}).rowcount != 1:
        return True
    forget_ready(connection, claim.run_id)
    if due is not None and run.phase != "ended":
        make_ready(connection, adapter(Run).validate_json(run.body), due)
    return True


@lru_cache(maxsize=256)
def _graph(digest: str, body: str) -> AgentGraph:
    """Read once: what a digest pins never changes."""
    return AgentGraph.model_validate_json(body)


def _segment(connection: Connection, run_id: str) -> Segment:
    row = connection.execute(statements.LEASED_RUN, {"run": run_id}).one()
    run = entity_of(Run, row.body, row.version)
    graph = connection.execute(statements.GRAPH, {"graph": run.graph_digest}).scalar_one()
    entries = connection.execute(statements.ENTRIES, {"run": run_id, "after": row.seq}).all()
    return Segment(
        run=run,
        graph=_graph(run.graph_digest, graph),
        snapshot=row.snapshot,
        entries=tuple(
            JournalEntry(run_id=run_id, seq=e.seq, tick=e.tick, effects=e.effects, at=time_of(e.at), codec=e.codec)
            for e in entries
        ),
    )
