"""Entities, idempotency keys, recorded calls: the Store port on the tables."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal, select, text, tuple_

from adapters.store import statements, tables
from adapters.store.committing import apply
from adapters.store.costs import SUMS, usage_of
from adapters.store.database import Database
from adapters.store.entities import TABLES, adapter, entity_of
from adapters.store.statements import KEY_LIFETIME
from domain.plan import Plan
from domain.principal import User
from domain.run import Usage
from services.ports.store import Changeset, Counter, E, Idempotency, RecordedCall, Store

COUNTED = 1000
FILED = text(
    "SELECT count(*) FROM (SELECT 1 FROM artifacts WHERE workspace_id = :workspace AND project_id = :project "  # noqa: S608
    f"AND checked IS NOT NULL LIMIT {COUNTED})"
)
HOLDERS = text(
    "SELECT topics.value, (SELECT count(*) FROM (SELECT 1 FROM graph_edges AS e INDEXED BY ix_edges_target "  # noqa: S608
    "WHERE e.workspace_id = :workspace AND e.target = topics.value AND e.relation = 'about' "
    f"AND e.project_id = :project LIMIT {COUNTED})) FROM json_each(:topics) AS topics"
)


class SqlStore(Store):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def commit(self, changes: Changeset) -> None:
        await self._database.write(lambda connection: apply(connection, changes))

    async def get(self, kind: type[E], workspace_id: str, id: str) -> E | None:
        query, the = statements.entity(TABLES[kind]), {"the": id, "workspace": workspace_id}
        row = await self._database.read(lambda connection: query.first(connection, the))
        return None if row is None else entity_of(kind, *row)

    async def find(
        self,
        kind: type[E],
        workspace_id: str,
        *,
        where: Mapping[str, str | int | Sequence[str] | None] | None = None,
        after: str = "",
        limit: int = 1000,
        newest_first: bool = False,
    ) -> list[E]:
        table = TABLES[kind]
        query = select(table.c.body, table.c.version).where(table.c.workspace_id == workspace_id)
        query = query.where(*(_matches(table.c[name], value) for name, value in (where or {}).items()))
        number, last = _number(kind, table.c.id), _number(kind, literal(after))
        if after:
            query = query.where(tuple_(*number) < tuple_(*last) if newest_first else tuple_(*number) > tuple_(*last))
        query = query.order_by(*(each.desc() if newest_first else each for each in number)).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [entity_of(kind, row.body, row.version) for row in rows]

    async def owner(self) -> User | None:
        query = select(tables.users.c.body, tables.users.c.version).order_by(tables.users.c.id).limit(1)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else entity_of(User, row.body, row.version)

    async def idempotency(self, workspace_id: str, principal: str, key: str) -> Idempotency | None:
        table = tables.idempotency
        query = select(table).where(
            table.c.workspace_id == workspace_id,
            table.c.principal == principal,
            table.c.key == key,
            table.c.at > time.time() - KEY_LIFETIME,
        )
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            return None
        return Idempotency(principal=principal, key=key, request=row.request, kind=row.kind, id=row.id)

    async def calls(self, workspace_id: str, run_id: str) -> list[RecordedCall]:
        table = tables.calls
        query = select(table.c.body).where(table.c.workspace_id == workspace_id, table.c.run_id == run_id)
        query = query.order_by(table.c.started_at, table.c.key)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [adapter(RecordedCall).validate_json(row.body) for row in rows]

    async def usage(self, workspace_id: str, project_id: str) -> Usage:
        c = tables.calls.c
        query = select(*SUMS).where(c.workspace_id == workspace_id, c.project_id == project_id)
        return usage_of(await self._database.read(lambda connection: connection.execute(query).one()))

    async def tagged(self, workspace_id: str, project_id: str, topics: Sequence[str]) -> tuple[int, dict[str, int]]:
        values = {"workspace": workspace_id, "project": project_id, "topics": json.dumps(list(topics))}

        def query(connection: Connection) -> tuple[int, dict[str, int]]:
            rows = connection.execute(HOLDERS, values).all()
            return connection.execute(FILED, values).scalar_one(), {row[0]: row[1] for row in rows}

        return await self._database.read(query)

    async def counters(self, workspace_id: str, scopes: Sequence[str]) -> list[Counter]:
        c = tables.counters.c
        query = select(c.scope, c.name, c.spent, c.reserved).where(c.workspace_id == workspace_id, c.scope.in_(scopes))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Counter(scope=row.scope, name=row.name, spent=row.spent, reserved=row.reserved) for row in rows]


def _number(kind: type[E], id: ColumnElement[str]) -> Sequence[ColumnElement[Any]]:
    """What puts ids in the order of time: those of plans end in a number, the tenth comes after the ninth."""
    return (func.length(id), id) if kind is Plan else (id,)


def _matches(column: ColumnElement[str], value: str | int | Sequence[str] | None) -> ColumnElement[bool]:
    if value is None:
        return column.is_(None)
    if isinstance(value, str | int):
        return column == str(value)
    return column.in_(list(value))
