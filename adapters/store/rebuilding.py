"""A workspace's projections, made again from its events into temporary tables, and what disagrees with the stored.

Everything happens on one snapshot, in pages: memory does not grow with the graph.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Row, Table, and_, func, insert, or_, select
from sqlalchemy.dialects.sqlite import insert as upsert

from adapters.store import tables
from adapters.store.entities import adapter
from adapters.store.projections import edge_rows, node_rows, scopes_of
from domain.events import Event, upcast

PAGE = 1000
SHOWN = 50  # disagreements of one kind that are told one by one
_temporary = MetaData()


def _copy_of(stored: Table) -> Table:
    columns = [Column(c.name, c.type, primary_key=c.primary_key, nullable=True) for c in stored.columns]
    return Table(f"rebuilt_{stored.name}", _temporary, *columns, prefixes=["TEMPORARY"])


PROJECTIONS = (tables.nodes, tables.edges, tables.streams, tables.stream_heads)
REBUILT = {stored.name: _copy_of(stored) for stored in PROJECTIONS}
KEYS = {
    "graph_nodes": ("id",),
    "graph_edges": ("project_id", "source", "relation", "target"),
    "streams": ("scope", "number"),
    "stream_heads": ("scope",),
}
NAMES = {
    "graph_nodes": "graph node",
    "graph_edges": "graph edge",
    "streams": "stream row",
    "stream_heads": "stream counter",
}
REPAIR = "restore the database from a backup"


def pages(connection: Connection, workspace_id: str, type: str | None = None) -> Iterator[list[Row[Any]]]:
    """The workspace's events in order, a page at a time."""
    after = 0
    while True:
        query = select(tables.events).where(
            tables.events.c.workspace_id == workspace_id, tables.events.c.position > after
        )
        if type is not None:
            query = query.where(tables.events.c.type == type)
        rows = list(connection.execute(query.order_by(tables.events.c.position).limit(PAGE)))
        if not rows:
            return
        yield rows
        after = rows[-1].position


def event_of(row: Row[Any]) -> Event:
    """Up-cast to the newest version."""
    return upcast(adapter(Event).validate_json(row.body))


def events_at(connection: Connection, workspace_id: str, positions: Sequence[int]) -> list[Event]:
    query = select(tables.events).where(
        tables.events.c.workspace_id == workspace_id, tables.events.c.position.in_(positions)
    )
    return [event_of(row) for row in connection.execute(query)]


def compared(connection: Connection, workspace_id: str) -> list[str]:
    """A sentence for each row of graph and streams that does not follow from the events, or should and is missing.
    The temporary tables go with the transaction."""
    _temporary.create_all(connection)
    _rebuild(connection, workspace_id)
    return [sentence for stored in PROJECTIONS for sentence in _differences(connection, workspace_id, stored)]


def _rebuild(connection: Connection, workspace_id: str) -> None:
    nodes, edges = REBUILT["graph_nodes"], REBUILT["graph_edges"]
    numbers: dict[str, int] = {}
    replace = upsert(nodes)
    put_node = replace.on_conflict_do_update(
        index_elements=list(nodes.primary_key),
        set_={"kind": replace.excluded.kind, "label": replace.excluded.label},
    )
    put_edge = upsert(edges).on_conflict_do_nothing()
    for rows in pages(connection, workspace_id):
        events = [(row.position, event_of(row)) for row in rows]
        _store(connection, put_node, [row for _, event in events for row in node_rows(event)])
        _store(connection, put_edge, [row for _, event in events for row in edge_rows(event)])
        streamed: list[dict[str, Any]] = []
        for position, event in events:
            for scope in scopes_of(event):
                number = numbers[scope] = numbers.get(scope, 0) + 1
                streamed.append({"scope": scope, "number": number, "workspace_id": workspace_id, "position": position})
        _store(connection, insert(REBUILT["streams"]), streamed)
    heads = [{"scope": scope, "workspace_id": workspace_id, "number": number} for scope, number in numbers.items()]
    _store(connection, insert(REBUILT["stream_heads"]), heads)


def _store(connection: Connection, statement: Any, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)


def _differences(connection: Connection, workspace_id: str, stored: Table) -> list[str]:
    rebuilt, keys = REBUILT[stored.name], KEYS[stored.name]
    name = f"The {NAMES[stored.name]} {{}} of the workspace {workspace_id}"
    mine = stored.c.workspace_id == workspace_id
    same = and_(mine, rebuilt.c.workspace_id == workspace_id, *(rebuilt.c[key] == stored.c[key] for key in keys))
    values = [column.name for column in stored.columns if not column.primary_key and column.name not in keys]
    changed = or_(*(rebuilt.c[value].is_distinct_from(stored.c[value]) for value in values))
    ids, absent = [rebuilt.c[key] for key in keys], stored.c[keys[0]].is_(None)
    lacking = select(*ids).join_from(rebuilt, stored, same, isouter=True).where(absent)
    other = select(*ids).join_from(rebuilt, stored, same).where(changed)
    odd = (
        select(*(stored.c[key] for key in keys))
        .join_from(stored, rebuilt, same, isouter=True)
        .where(mine, rebuilt.c[keys[0]].is_(None))
    )
    return [
        *_told(connection, lacking, f"{name} is missing; {REPAIR}."),
        *_told(connection, other, f"{name} is not what the events say; {REPAIR}."),
        *_told(connection, odd, f"{name} follows from no event; {REPAIR}."),
    ]


def _told(connection: Connection, query: Any, sentence: str) -> Iterator[str]:
    for row in connection.execute(query.limit(SHOWN)):
        yield sentence.format(" ".join(map(str, row)))
    total = connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    if total > SHOWN:
        yield f"{total - SHOWN} more: " + sentence.format("…")
