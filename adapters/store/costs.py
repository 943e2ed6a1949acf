"""Adding up calls: the Costs port on the tables."""

from typing import Any

from sqlalchemy import JSON, ColumnElement, Select, func, select, type_coerce

from adapters.store import tables
from adapters.store.database import Database
from adapters.store.entities import adapter
from domain.run import Usage
from services.ports.costs import By, Costs, Share
from services.ports.store import RecordedCall

c = tables.calls.c
SUMS: tuple[ColumnElement[Any], ...] = (
    func.coalesce(func.sum(c.input_tokens), 0),
    func.coalesce(func.sum(c.output_tokens), 0),
    func.coalesce(func.sum(c.money), 0),
    func.count(),
    func.coalesce(func.sum(c.seconds), 0.0),
)


RUNG: ColumnElement[Any] = func.coalesce(type_coerce(c.body, JSON)[("fit", "rung")].as_string(), "")


class SqlCosts(Costs):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def shares(self, workspace_id: str, project_id: str | None, by: By, limit: int) -> tuple[Share, ...]:
        tokens = func.sum(c.input_tokens + c.output_tokens)
        key = RUNG if by == "rung" else c[by]
        query = _of(select(key, *SUMS), workspace_id, project_id).group_by(key)
        query = query.order_by(func.sum(c.money).desc(), tokens.desc(), key).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(Share(key=row[0], usage=usage_of(row[1:])) for row in rows)

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
