"""Claims, signals and segments: the Journal port on the tables."""

import time
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from adapters.store import tables
from adapters.store.committing import forget_ready, make_ready
from adapters.store.database import Database
from adapters.store.entities import adapter, entity_of, time_of
from domain.agent_graph import AgentGraph
from domain.run import Run
from services.ports.journal import Claim, Journal, ReadyRun, Segment
from services.ports.store import JournalEntry, RecordedCall, Signal

leases, ready, signals = tables.leases, tables.ready, tables.signals


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
        query = select(signals).where(signals.c.run_id == run_id, signals.c.consumed == 0, signals.c.due <= time.time())
        rows = await self._database.read(lambda c: c.execute(query.order_by(signals.c.position)).all())
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
        query = select(ready).where(ready.c.at <= time.time()).order_by(ready.c.priority, ready.c.at).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
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
        query = select(func.min(ready.c.at)).where(ready.c.at > time.time())
        at = await self._database.read(lambda connection: connection.execute(query).scalar())
        return None if at is None else time_of(at)

    async def call(self, key: str) -> RecordedCall | None:
        query = select(tables.calls.c.body).where(tables.calls.c.key == key)
        body = await self._database.read(lambda connection: connection.execute(query).scalar())
        return None if body is None else adapter(RecordedCall).validate_json(body)


def _claim(connection: Connection, run_id: str, owner: str, seconds: float) -> Claim | None:
    run = connection.execute(select(tables.runs.c.body, tables.runs.c.phase).where(tables.runs.c.id == run_id)).first()
    if run is None or run.phase == "ended":
        forget_ready(connection, run_id)
        return None
    now = time.time()
    taken = connection.execute(
        update(leases)
        .where(leases.c.run_id == run_id, leases.c.until <= now)
        .values(owner=owner, epoch=leases.c.epoch + 1, until=now + seconds)
        .returning(leases.c.epoch, leases.c.workspace_id)
    ).first()
    if taken is None:
        until = select(leases.c.until).where(leases.c.run_id == run_id).scalar_subquery()
        connection.execute(update(ready).where(ready.c.run_id == run_id).values(at=until))
        return None
    again = update(ready).where(ready.c.run_id == run_id).values(at=now + seconds)
    if connection.execute(again).rowcount == 0:  # so that it is found if this owner dies
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
    held = (leases.c.run_id == claim.run_id, leases.c.epoch == claim.epoch, leases.c.until > now)
    if connection.execute(update(leases).where(*held).values(until=now + seconds)).rowcount != 1:
        return False
    connection.execute(update(ready).where(ready.c.run_id == claim.run_id).values(at=now + seconds))
    return True


def _release(connection: Connection, claim: Claim, snapshot: str, seq: int) -> bool:
    now = time.time()
    waiting = select(func.min(signals.c.due)).where(signals.c.run_id == claim.run_id, signals.c.consumed == 0)
    due = connection.execute(waiting).scalar()
    run = connection.execute(
        select(tables.runs.c.body, tables.runs.c.phase).where(tables.runs.c.id == claim.run_id)
    ).one()
    if due is not None and due <= now and run.phase != "ended":
        return False
    held = (leases.c.run_id == claim.run_id, leases.c.epoch == claim.epoch)
    freed = update(leases).where(*held).values(owner=None, until=0.0, snapshot=snapshot, seq=seq)
    if connection.execute(freed).rowcount != 1:
        return True
    forget_ready(connection, claim.run_id)
    if due is not None and run.phase != "ended":
        make_ready(connection, adapter(Run).validate_json(run.body), due)
    return True


def _segment(connection: Connection, run_id: str) -> Segment:
    row = connection.execute(
        select(tables.runs.c.body, tables.runs.c.version, leases.c.snapshot, leases.c.seq)
        .join_from(tables.runs, leases, leases.c.run_id == tables.runs.c.id)
        .where(tables.runs.c.id == run_id)
    ).one()
    run = entity_of(Run, row.body, row.version)
    graph = connection.execute(
        select(tables.graphs.c.body).where(tables.graphs.c.digest == run.graph_digest)
    ).scalar_one()
    entries = connection.execute(
        select(tables.journal)
        .where(tables.journal.c.run_id == run_id, tables.journal.c.seq > row.seq)
        .order_by(tables.journal.c.seq)
    ).all()
    return Segment(
        run=run,
        graph=AgentGraph.model_validate_json(graph),
        snapshot=row.snapshot,
        entries=tuple(
            JournalEntry(run_id=run_id, seq=e.seq, tick=e.tick, effects=e.effects, at=time_of(e.at), codec=e.codec)
            for e in entries
        ),
    )
