"""Claims, signals and segments: the Journal port on the tables."""

import time
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, select, update

from adapters.store import statements, tables
from adapters.store.committing import due_now, forget_ready, make_ready, unpark
from adapters.store.database import Database
from adapters.store.entities import adapter, entity_of, time_of
from domain.agent_graph import AgentGraph
from domain.run import Run
from services.ports.journal import Claim, History, Journal, ParkedRun, ReadyRun, Segment
from services.ports.store import JournalEntry, RecordedCall, Signal

leases, ready = tables.leases, tables.ready
NEVER = 32_503_680_000.0
"""The year 3000: when a run is due that waits for something else than a time."""


class SqlJournal(Journal):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, run_id: str, owner: str, seconds: float) -> Segment | None:
        def unit(connection: Connection) -> Segment | None:
            claim = _claim(connection, run_id, owner, seconds)
            return None if claim is None else _segment(connection, claim)

        return await self._database.write(unit)

    async def renew(self, claim: Claim, seconds: float) -> bool:
        return await self._database.write(lambda connection: _renew(connection, claim, seconds))

    async def history(self, workspace_id: str, run_id: str) -> History | None:
        return await self._database.read(lambda connection: _history(connection, workspace_id, run_id))

    async def release(self, claim: Claim, snapshot: str, seq: int, needs: Sequence[str] = ()) -> bool:
        return await self._database.write(lambda connection: _release(connection, claim, snapshot, seq, needs))

    async def parked(self, limit: int) -> list[ParkedRun]:
        rows = await self._database.read(lambda c: c.execute(statements.PARKED, {"most": limit}).all())
        return [
            ParkedRun(
                run_id=row.run_id,
                workspace_id=row.workspace_id,
                project_id=row.project_id,
                priority=row.priority,
                needs=tuple(row.needs.splitlines()),
            )
            for row in rows
        ]

    async def unpark(self, needs: str) -> list[str]:
        return await self._database.write(lambda connection: unpark(connection, needs))

    async def due(self, run_id: str) -> None:
        await self._database.write(lambda connection: due_now(connection, run_id))

    async def abandon(self, owner_prefix: str = "") -> int:
        def unit(connection: Connection) -> int:
            held = select(leases.c.run_id).where(leases.c.owner.startswith(owner_prefix, autoescape=True))
            due = update(ready).where(ready.c.run_id.in_(held)).values(at=0.0)
            connection.execute(due)
            ended = update(leases).where(leases.c.owner.startswith(owner_prefix, autoescape=True))
            return connection.execute(ended.values(owner=None, until=0.0)).rowcount

        return await self._database.write(unit)

    async def signals(self, run_id: str) -> list[Signal]:
        return await self._database.read(lambda connection: _due(connection, run_id))

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

    async def set_back(self, before: datetime) -> None:
        moments = {"now": time.time(), "before": before.timestamp()}

        def unit(connection: Connection) -> None:
            connection.execute(statements.READY_BEFORE, moments)
            connection.execute(statements.SIGNALS_BEFORE, moments)

        await self._database.write(unit)

    async def graph(self, digest: str) -> AgentGraph:
        pinned = {"graph": digest}
        ((body,),) = await self._database.read(lambda connection: statements.GRAPH.all(connection, pinned))
        return _graph(digest, body)

    async def call(self, key: str) -> RecordedCall | None:
        row = await self._database.read(lambda connection: statements.CALL.first(connection, {"call": key}))
        return None if row is None else adapter(RecordedCall).validate_json(row[0])


def _claim(connection: Connection, run_id: str, owner: str, seconds: float) -> Claim | None:
    body, phase = statements.RUN.first(connection, {"run": run_id}) or ("", "ended")
    if phase == "ended":
        forget_ready(connection, run_id)
        return None
    now = time.time()
    taken = statements.TAKE.first(connection, {"run": run_id, "now": now, "by": owner, "end": now + seconds})
    if taken is None:
        ((until,),) = statements.LEASED_UNTIL.all(connection, {"run": run_id})
        statements.READY_AT.run(connection, {"run": run_id, "due": until})
        return None
    epoch, workspace_id = taken
    if statements.READY_AT.run(connection, {"run": run_id, "due": now + seconds}) == 0:
        make_ready(connection, adapter(Run).validate_json(body), now + seconds)  # found if this owner dies
    return Claim(
        run_id=run_id,
        workspace_id=workspace_id,
        owner=owner,
        epoch=epoch,
        until=time_of(now + seconds),
    )


def _renew(connection: Connection, claim: Claim, seconds: float) -> bool:
    now = time.time()
    held = {"run": claim.run_id, "held": claim.epoch, "now": now}
    if statements.RENEW.run(connection, {**held, "end": now + seconds}) != 1:
        return False
    statements.READY_AT.run(connection, {"run": claim.run_id, "due": now + seconds})
    return True


def _release(connection: Connection, claim: Claim, snapshot: str, seq: int, needs: Sequence[str]) -> bool:
    ((due,),) = statements.NEXT_SIGNAL.all(connection, {"run": claim.run_id})
    ((body, phase),) = statements.RUN.all(connection, {"run": claim.run_id})
    if due is not None and due <= time.time() and phase != "ended":
        return False
    held = {"run": claim.run_id, "held": claim.epoch}
    if statements.LET_GO.run(connection, {**held, "state": snapshot, "last": seq}) != 1:
        return True
    forget_ready(connection, claim.run_id)
    if phase != "ended" and (needs or due is not None):
        at = NEVER if due is None else due
        make_ready(connection, adapter(Run).validate_json(body), at, "\n".join(needs))
    return True


@lru_cache(maxsize=256)
def _graph(digest: str, body: str) -> AgentGraph:
    """Read once: what a digest pins never changes."""
    return AgentGraph.model_validate_json(body)


def _history(connection: Connection, workspace_id: str, run_id: str) -> History | None:
    found = statements.entity(tables.runs).first(connection, {"the": run_id, "workspace": workspace_id})
    if found is None:
        return None
    run = entity_of(Run, *found)
    ((graph,),) = statements.GRAPH.all(connection, {"graph": run.graph_digest})
    return History(graph=_graph(run.graph_digest, graph), entries=_entries(connection, run_id, after=0))


def _entries(connection: Connection, run_id: str, after: int) -> tuple[JournalEntry, ...]:
    return tuple(
        JournalEntry(run_id=run_id, seq=seq, tick=tick, effects=effects, at=time_of(at), codec=codec)
        for seq, tick, effects, at, codec in statements.ENTRIES.all(connection, {"run": run_id, "after": after})
    )


def _segment(connection: Connection, claim: Claim) -> Segment:
    ((body, version, snapshot, last),) = statements.LEASED_RUN.all(connection, {"run": claim.run_id})
    run = entity_of(Run, body, version)
    ((graph,),) = statements.GRAPH.all(connection, {"graph": run.graph_digest})
    return Segment(
        claim=claim,
        run=run,
        graph=_graph(run.graph_digest, graph),
        snapshot=snapshot,
        entries=_entries(connection, run.id, last),
        signals=tuple(_due(connection, run.id)),
    )


def _due(connection: Connection, run_id: str) -> list[Signal]:
    return [
        Signal(
            run_id=run_id, name=name, due=time_of(due), payload=adapter(dict).validate_json(payload), position=position
        )
        for position, name, payload, due in statements.SIGNALS.all(connection, {"run": run_id, "now": time.time()})
    ]
