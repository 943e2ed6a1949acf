"""Reading the projections: search and streams."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select, text

from adapters.store import tables
from adapters.store.database import Database
from adapters.store.entities import adapter
from domain.events import Event, upcast
from services.ports.views import Hit, Search, Streamed, Streams

passages = tables.passages


class SqlSearch(Search):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def match(
        self,
        workspace_id: str,
        project_id: str,
        words: Sequence[str],
        *,
        sections: Sequence[str] | None = None,
        tasks: Sequence[str] | None = None,
        artifacts: Sequence[str] | None = None,
        limit: int = 50,
    ) -> list[Hit]:
        quoted = [f'"{plain}"' for plain in map(_plain, words) if plain]
        if not quoted:
            return []
        where = ["passages_fts MATCH :words", "p.workspace_id = :workspace", "p.project_id = :project"]
        values: dict[str, Any] = {"words": " OR ".join(quoted), "workspace": workspace_id, "project": project_id}
        lists = {"section": sections, "artifact_id": artifacts}
        for column, allowed in lists.items():
            if allowed is not None:
                where.append(f"p.{column} IN :{column}")
                values[column] = list(allowed)
        if tasks is not None:
            where.append("(p.task_id IS NULL OR p.task_id IN :task_id)")
            values["task_id"] = list(tasks)
        statement = text(
            "SELECT p.artifact_id, p.digest, p.ordinal, p.text, -bm25(passages_fts) AS score "  # noqa: S608
            "FROM passages_fts JOIN passages p ON p.id = passages_fts.rowid "
            f"WHERE {' AND '.join(where)} ORDER BY score DESC, p.artifact_id, p.ordinal LIMIT :limit"
        ).bindparams(
            *(bindparam(name, expanding=True) for name in ("section", "artifact_id", "task_id") if name in values)
        )
        rows = await self._database.read(lambda c: c.execute(statement, {**values, "limit": limit}).all())
        return [Hit(artifact_id=r[0], digest=r[1], ordinal=r[2], text=r[3], score=r[4]) for r in rows]

    async def passages(self, workspace_id: str, artifact_id: str) -> list[Hit]:
        query = select(passages).where(passages.c.workspace_id == workspace_id, passages.c.artifact_id == artifact_id)
        rows = await self._database.read(lambda c: c.execute(query.order_by(passages.c.ordinal)).all())
        return [
            Hit(artifact_id=r.artifact_id, digest=r.digest, ordinal=r.ordinal, text=r.text, score=0.0) for r in rows
        ]


class SqlStreams(Streams):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def since(self, workspace_id: str, scope: str | None, number: int, limit: int = 500) -> list[Streamed]:
        query = _numbered(workspace_id, scope, number).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Streamed(number=r.number, event=upcast(adapter(Event).validate_json(r.body))) for r in rows]

    async def latest(self, workspace_id: str, scope: str | None) -> int:
        return await self._database.read(lambda connection: _latest(connection, workspace_id, scope))

    async def before(self, workspace_id: str, scope: str | None, at: datetime) -> int:
        def query(connection: Connection) -> int:
            low, high = 0, _latest(connection, workspace_id, scope)
            while low < high:
                middle = (low + high) // 2
                row = connection.execute(_numbered(workspace_id, scope, middle).limit(1)).one()
                if adapter(Event).validate_json(row.body).at < at:
                    low = row.number
                else:
                    high = middle
            return low

        return await self._database.read(query)


def _numbered(workspace_id: str, scope: str | None, after: int) -> Select[tuple[int, str]]:
    """The events of a scope with their numbers, in order."""
    streams, events = tables.streams, tables.events
    if scope is None:
        query = select(events.c.position.label("number"), events.c.body)
        return query.where(events.c.workspace_id == workspace_id, events.c.position > after).order_by(events.c.position)
    same = (events.c.workspace_id == streams.c.workspace_id) & (events.c.position == streams.c.position)
    query = select(streams.c.number, events.c.body).join_from(streams, events, same)
    query = query.where(streams.c.workspace_id == workspace_id, streams.c.scope == scope, streams.c.number > after)
    return query.order_by(streams.c.number)


def _latest(connection: Connection, workspace_id: str, scope: str | None) -> int:
    heads, chains = tables.stream_heads, tables.chains
    if scope is None:
        query = select(chains.c.position).where(chains.c.workspace_id == workspace_id)
    else:
        query = select(heads.c.number).where(heads.c.workspace_id == workspace_id, heads.c.scope == scope)
    return connection.execute(query).scalar() or 0


def _plain(word: str) -> str:
    """`word` without what would end a phrase of FTS5, or cannot be bound."""
    sound = word.encode("utf-8", "ignore").decode()
    return sound.replace('"', " ").replace("\0", " ").strip()
