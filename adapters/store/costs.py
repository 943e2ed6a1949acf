"""Adding up calls: the Costs port on the tables."""

from typing import Any

from sqlalchemy import JSON, ColumnElement, Select, and_, func, or_, select, type_coerce

from adapters.store import tables
from adapters.store.database import Database
from adapters.store.entities import adapter
from domain.run import Usage
from services.ports.costs import By, Costs, Share, Worked
from services.ports.store import RecordedCall

c = tables.calls.c
SUMS: tuple[ColumnElement[Any], ...] = (
    func.coalesce(func.sum(c.input_tokens), 0),
    func.coalesce(func.sum(c.output_tokens), 0),
    func.coalesce(func.sum(c.money), 0),
    func.count(),
    func.coalesce(func.sum(c.seconds), 0.0),
)
DEAREST = (func.sum(c.money).desc(), func.sum(c.input_tokens + c.output_tokens).desc())


RUNG: ColumnElement[Any] = func.coalesce(type_coerce(c.body, JSON)[("fit", "rung")].as_string(), "")


class SqlCosts(Costs):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def shares(self, workspace_id: str, project_id: str | None, by: By, limit: int) -> tuple[Share, ...]:
        key = RUNG if by == "rung" else c[by]
        query = _of(select(key, *SUMS), workspace_id, project_id).group_by(key)
        query = query.order_by(*DEAREST, key).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(Share(key=row[0], usage=usage_of(row[1:])) for row in rows)

    async def of_artifacts(self, workspace_id: str, project_id: str, limit: int) -> tuple[Share, ...]:
        a, v = tables.artifacts.c, tables.versions.c
        by_model = func.json_extract(tables.versions.c.body, "$.model").is_not(None)
        makers = select(v.run_id).where(v.artifact_id == a.id, v.state == "published", by_model)
        made = or_(
            and_(a.task_id.is_not(None), c.task_id == a.task_id), and_(a.task_id.is_(None), c.run_id.in_(makers))
        )
        query = select(a.id, *SUMS).join_from(tables.artifacts, tables.calls, and_(c.project_id == a.project_id, made))
        query = _of(query, workspace_id, project_id).where(a.workspace_id == workspace_id, a.visible == "1")
        query = query.group_by(a.id).order_by(*DEAREST, a.id).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(Share(key=row[0], usage=usage_of(row[1:])) for row in rows)

    async def worked(self, workspace_id: str, project_id: str | None) -> tuple[Worked, ...]:
        e = tables.ledger.c
        minutes = func.sum(e.minutes)
        query = select(e.project_id, e.task_id, e.by, minutes).where(e.workspace_id == workspace_id, e.kind == "work")
        query = query if project_id is None else query.where(e.project_id == project_id)
        query = query.group_by(e.project_id, e.task_id, e.by).order_by(minutes.desc(), e.task_id, e.by)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(Worked(project_id=row[0], task_id=row[1], by=row[2], minutes=row[3]) for row in rows)

    async def total(self, workspace_id: str, project_id: str | None) -> Usage:
        query = _of(select(*SUMS), workspace_id, project_id)
        return usage_of(await self._database.read(lambda connection: connection.execute(query).one()))

    async def dearest(self, workspace_id: str, project_id: str | None) -> RecordedCall | None:
        query = _of(select(c.body), workspace_id, project_id)
        query = query.order_by(c.money.desc(), (c.input_tokens + c.output_tokens).desc(), c.key).limit(1)
        body = await self._database.read(lambda connection: connection.execute(query).scalar_one_or_none())
        return None if body is None else adapter(RecordedCall).validate_json(body)


def _of(query: Select[Any], workspace_id: str, project_id: str | None) -> Select[Any]:
    query = query.where(c.workspace_id == workspace_id)
    return query if project_id is None else query.where(c.project_id == project_id)


def usage_of(row: Any) -> Usage:
    return Usage(input_tokens=row[0], output_tokens=row[1], money=row[2], calls=row[3], seconds=row[4])
