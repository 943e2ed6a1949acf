"""Reading the knowledge graph. Each query finds its edges through an index on one of their ends."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal

from sqlalchemy import Connection, Executable, select, text

from adapters.store import tables
from adapters.store.database import Database
from adapters.store.entities import time_of
from adapters.store.prepared import Prepared
from domain.ids import kind_of
from domain.knowledge_graph import Edge, Node
from services.ports.views import Direction, Graphs, Reached, Step, Subgraph

edges, nodes = tables.edges, tables.nodes
ENDS: dict[Direction, tuple[str, ...]] = {"out": ("source",), "in": ("target",), "both": ("source", "target")}
LAST = "\U0010ffff"  # sorts after every other character
ORDERS = {"in": ("target", "project_id DESC, rowid DESC"), "out": ("source", "rowid DESC")}
LEADING = {
    (direction, in_project): Prepared(
        text(
            "SELECT source, target, relation, project_id, at, run_id "  # noqa: S608
            f"FROM graph_edges INDEXED BY ix_edges_{end} WHERE workspace_id = :workspace AND {end} = :id "
            f"AND relation = :relation{' AND project_id = :project' * in_project} ORDER BY {order} LIMIT :limit"
        )
    )
    for direction, (end, order) in ORDERS.items()
    for in_project in (False, True)
}


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

    async def reached(
        self,
        workspace_id: str,
        ids: Sequence[str],
        relations: Sequence[str],
        *,
        direction: Literal["in", "out"],
        project_id: str | None = None,
        depth: int = 1,
        limit: int = 500,
    ) -> Reached:
        def query(connection: Connection) -> Reached:
            seen, front = dict.fromkeys(ids), list(ids)
            steps: list[Step] = []
            for distance in range(1, depth + 1):
                found: dict[str, Step] = {}
                for edge in _leading(connection, workspace_id, front, relations, direction, project_id, limit):
                    end = edge.source if direction == "in" else edge.target
                    if end in seen or end in found:
                        continue
                    if len(steps) + len(found) == limit:
                        return Reached(steps=(*steps, *found.values()), truncated=True)
                    found[end] = Step(id=end, depth=distance, edge=edge)
                steps += found.values()
                seen |= dict.fromkeys(found)
                front = list(found)
            return Reached(steps=tuple(steps), truncated=False)

        return await self._database.read(query)

    async def leading(
        self,
        workspace_id: str,
        ids: Sequence[str],
        relations: Sequence[str],
        *,
        direction: Literal["in", "out"],
        project_id: str | None = None,
        limit: int = 500,
    ) -> list[Edge]:
        def query(connection: Connection) -> list[Edge]:
            return list(islice(_leading(connection, workspace_id, ids, relations, direction, project_id, limit), limit))

        return await self._database.read(query)

    async def nodes(self, workspace_id: str, ids: Sequence[str]) -> dict[str, Node]:
        found = await self._database.read(lambda c: _subgraph(c, workspace_id, (), *ids))
        return {node.id: node for node in found.nodes}

    async def beginning(self, workspace_id: str, beginning: str, limit: int = 100) -> list[Node]:
        query = select(nodes).where(nodes.c.workspace_id == workspace_id)
        query = query.where(nodes.c.id >= beginning, nodes.c.id < beginning + LAST).order_by(nodes.c.id).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Node(id=row.id, kind=row.kind, label=row.label) for row in rows]


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


def _leading(
    connection: Connection,
    workspace_id: str,
    ids: Sequence[str],
    relations: Sequence[str],
    direction: Literal["in", "out"],
    project_id: str | None,
    limit: int,
) -> Iterator[Edge]:
    """The edges of `relations` into or out of each of `ids`, the newest first: in the order of the index, so that
    no more rows are read than are asked for."""
    query = LEADING[direction, project_id is not None]
    values = {"workspace": workspace_id, "limit": limit + 1, **({} if project_id is None else {"project": project_id})}
    for id in ids:
        for relation in relations:
            for row in query.all(connection, {**values, "id": id, "relation": relation}):
                yield Edge(
                    source=row[0],
                    target=row[1],
                    relation=row[2],
                    workspace_id=workspace_id,
                    project_id=row[3],
                    at=time_of(row[4]),
                    run_id=row[5],
                )


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
