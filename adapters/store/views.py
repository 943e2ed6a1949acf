"""Reading the projections: knowledge graph, search, streams."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, select, text

from adapters.store import tables
from adapters.store.database import Database
from adapters.store.entities import adapter, time_of
from domain.events import Event, upcast
from domain.ids import kind_of
from domain.knowledge_graph import Edge, Node
from services.ports.views import Direction, Graphs, Hit, Search, Streamed, Streams, Subgraph

edges, nodes, passages = tables.edges, tables.nodes, tables.passages
ENDS: dict[Direction, tuple[str, ...]] = {"out": ("source",), "in": ("target",), "both": ("source", "target")}


class SqlGraphs(Graphs):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def whole(self, workspace_id: str, project_id: str | None, limit: int = 5000) -> Subgraph:
        query = select(edges).where(edges.c.workspace_id == workspace_id)
        if project_id is not None:
            query = query.where(edges.c.project_id == project_id)
        query = query.order_by(edges.c.at.desc(), edges.c.source).limit(limit)
        return await self._database.read(lambda c: _subgraph(c, workspace_id, _edges(c, query)))

    async def neighbors(
        self,
        workspace_id: str,
        node: str,
        *,
        project_id: str | None = None,
        direction: Direction = "both",
        relation: str | None = None,
        depth: int = 1,
        limit: int = 1000,
    ) -> Subgraph:
        def query(connection: Connection) -> Subgraph:
            found: dict[tuple[str, str, str], Edge] = {}
            seen, front = {node}, {node}
            only = {"project_id": project_id, "relation": relation}
            for _ in range(depth):
                for edge in _touching(connection, workspace_id, sorted(front), direction, limit, **only):
                    found[edge.source, edge.relation, edge.target] = edge
                front = {end for e in found.values() for end in (e.source, e.target)} - seen
                seen |= front
                if not front or len(found) >= limit:
                    break
            return _subgraph(connection, workspace_id, list(found.values())[:limit], node)

        return await self._database.read(query)

    async def touching(self, workspace_id: str, id: str, limit: int = 5000) -> Subgraph:
        def query(connection: Connection) -> Subgraph:
            own = _touching(connection, workspace_id, [id], "both", limit)
            things = sorted({e.source for e in own if e.relation == "wasAttributedTo"})
            rest = _touching(connection, workspace_id, things[:900], "out", limit)
            return _subgraph(connection, workspace_id, list(dict.fromkeys([*own, *rest]))[:limit], id)

        return await self._database.read(query)


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

    async def since(self, workspace_id: str, scope: str, number: int, limit: int = 500) -> list[Streamed]:
        streams, events = tables.streams, tables.events
        query = (
            select(streams.c.number, events.c.body)
            .join_from(
                streams,
                events,
                (events.c.workspace_id == streams.c.workspace_id) & (events.c.position == streams.c.position),
            )
            .where(streams.c.workspace_id == workspace_id, streams.c.scope == scope, streams.c.number > number)
            .order_by(streams.c.number)
            .limit(limit)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Streamed(number=r.number, event=upcast(adapter(Event).validate_json(r.body))) for r in rows]

    async def latest(self, workspace_id: str, scope: str) -> int:
        heads = tables.stream_heads
        query = select(heads.c.number).where(heads.c.workspace_id == workspace_id, heads.c.scope == scope)
        return await self._database.read(lambda connection: connection.execute(query).scalar()) or 0


def _plain(word: str) -> str:
    """`word` without what would end a phrase of FTS5, or cannot be bound."""
    sound = word.encode("utf-8", "ignore").decode()
    return sound.replace('"', " ").replace("\0", " ").strip()


def _touching(
    connection: Connection, workspace_id: str, ids: Sequence[str], direction: Direction, limit: int, **only: str | None
) -> list[Edge]:
    """The edges that have one of `ids` at the end that `direction` asks for, and `only` these values.

    A statement for each end, from the ids to the index on that end: with `IN` and `OR` SQLite, which takes a
    workspace for a handful of rows, reads every edge of it. The `+` keeps it from going by the project instead.
    """
    where = "".join(f" AND +e.{column} = :{column}" for column, value in only.items() if value is not None)
    values = {"workspace": workspace_id, "ids": json.dumps(ids), "limit": limit, **only}
    found: dict[Edge, None] = {}
    for end in ENDS[direction]:
        query = text(
            "SELECT e.* FROM json_each(:ids) AS ids CROSS JOIN graph_edges AS e "  # noqa: S608
            f"WHERE e.workspace_id = :workspace AND e.{end} = ids.value{where} LIMIT :limit"
        )
        found |= dict.fromkeys(_edges(connection, query, values))
    return list(found)[:limit]


def _edges(connection: Connection, query: Executable, values: Mapping[str, Any] | None = None) -> list[Edge]:
    return [
        Edge(
            source=row.source,
            target=row.target,
            relation=row.relation,
            workspace_id=row.workspace_id,
            project_id=row.project_id,
            at=time_of(row.at),
            run_id=row.run_id,
        )
        for row in connection.execute(query, values)
    ]


def _subgraph(connection: Connection, workspace_id: str, found: Sequence[Edge], *more: str) -> Subgraph:
    ids = sorted({end for edge in found for end in (edge.source, edge.target)} | set(more))
    known: dict[str, Node] = {}
    for start in range(0, len(ids), 500):
        query = select(nodes).where(nodes.c.workspace_id == workspace_id, nodes.c.id.in_(ids[start : start + 500]))
        known |= {row.id: Node(id=row.id, kind=row.kind, label=row.label) for row in connection.execute(query)}
    return Subgraph(
        nodes=tuple(known.get(id) or Node(id=id, kind=kind_of(id), label=id) for id in ids),
        edges=tuple(found),
    )
