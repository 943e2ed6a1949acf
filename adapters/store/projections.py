"""Projections of events: graph, streams, search. Pure functions say which rows follow from an event; writing stores
these rows in the event's transaction, the audit makes them again and compares."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, text
from sqlalchemy.dialects.sqlite import insert as upsert

from adapters.store import tables
from adapters.store.entities import stamp
from adapters.store.prepared import Prepared, filled
from domain.events import Event, upcast
from domain.knowledge_graph import edges_of, nodes_of
from services.ports.store import Indexed

Row = dict[str, Any]

_node = upsert(tables.nodes)
PUT_NODE = Prepared(
    _node.on_conflict_do_update(
        index_elements=[tables.nodes.c.workspace_id, tables.nodes.c.id],
        set_={"kind": _node.excluded.kind, "label": _node.excluded.label},
    )
)
PUT_EDGE = Prepared(upsert(tables.edges).on_conflict_do_nothing())
_head = upsert(tables.stream_heads)
RAISE_HEAD = Prepared(
    _head.on_conflict_do_update(
        index_elements=[tables.stream_heads.c.scope],
        set_={"number": tables.stream_heads.c.number + _head.excluded.number},
    ).returning(tables.stream_heads.c.number)
)
PUT_STREAM = Prepared(insert(tables.streams))
PUT_PASSAGE = Prepared(insert(tables.passages), filled(tables.passages))
_OF_ARTIFACT = "FROM passages WHERE workspace_id = :workspace AND artifact_id = :artifact"
UNSEARCH = text(f"INSERT INTO passages_fts(passages_fts, rowid, text) SELECT 'delete', id, text {_OF_ARTIFACT}")
SEARCH = text(f"INSERT INTO passages_fts(rowid, text) SELECT id, text {_OF_ARTIFACT}")
DROP_PASSAGES = delete(tables.passages).where(
    tables.passages.c.workspace_id == bindparam("workspace"), tables.passages.c.artifact_id == bindparam("artifact")
)


def node_rows(event: Event) -> list[Row]:
    """A later row of the same node replaces an earlier one."""
    return [
        {"workspace_id": event.workspace_id, "id": node.id, "kind": node.kind, "label": node.label}
        for node in nodes_of(upcast(event))
    ]


def edge_rows(event: Event) -> list[Row]:
    """The first row of the same edge stays."""
    return [
        {
            "workspace_id": edge.workspace_id,
            "project_id": edge.project_id,
            "source": edge.source,
            "relation": edge.relation,
            "target": edge.target,
            "run_id": edge.run_id,
            "at": stamp(edge.at),
        }
        for edge in edges_of(upcast(event))
    ]


def scopes_of(event: Event) -> tuple[str, ...]:
    """The streams that `event` is the next number of."""
    return tuple(filter(None, (event.root_id, event.project_id)))


def indexed_of(published: Event, passages: tuple[str, ...]) -> Indexed:
    """What is searched of the version that an `artifact.published` tells of, with the passages of its text."""
    data = published.data
    task = data.get("task_id")
    return Indexed(
        project_id=published.project_id or "",
        artifact_id=published.subject,
        digest=str(data["digest"]),
        section=str(data["section"]),
        task_id=task if isinstance(task, str) else None,
        passages=passages,
    )


def passage_rows(workspace_id: str, indexed: Indexed) -> list[Row]:
    common = {
        "workspace_id": workspace_id,
        "project_id": indexed.project_id,
        "artifact_id": indexed.artifact_id,
        "digest": indexed.digest,
        "section": indexed.section,
        "task_id": indexed.task_id,
    }
    return [{**common, "ordinal": ordinal, "text": text} for ordinal, text in enumerate(indexed.passages)]


def project(connection: Connection, events: Sequence[tuple[int, Event]]) -> None:
    """Stores what follows from `events`, each with its position; all of one workspace."""
    if nodes := [row for _, event in events for row in node_rows(event)]:
        PUT_NODE.run_each(connection, nodes)
    if edges := [row for _, event in events for row in edge_rows(event)]:
        PUT_EDGE.run_each(connection, edges)
    _stream(connection, events)


def _stream(connection: Connection, events: Sequence[tuple[int, Event]]) -> None:
    positions: dict[tuple[str, str], list[int]] = {}
    for position, event in events:
        for scope in scopes_of(event):
            positions.setdefault((event.workspace_id, scope), []).append(position)
    rows: list[Row] = []
    for (workspace_id, scope), added in positions.items():
        common = {"scope": scope, "workspace_id": workspace_id}
        ((last,),) = RAISE_HEAD.all(connection, {**common, "number": len(added)})
        first = last - len(added) + 1
        rows += [{**common, "number": number, "position": p} for number, p in enumerate(added, first)]
    if rows:
        PUT_STREAM.run_each(connection, rows)


def index(connection: Connection, workspace_id: str, indexed: Indexed) -> None:
    """The passages of `indexed` in place of those of the artifact's earlier version."""
    artifact = {"workspace": workspace_id, "artifact": indexed.artifact_id}
    connection.execute(UNSEARCH, artifact)
    connection.execute(DROP_PASSAGES, artifact)
    if rows := passage_rows(workspace_id, indexed):
        PUT_PASSAGE.run_each(connection, rows)
        connection.execute(SEARCH, artifact)
