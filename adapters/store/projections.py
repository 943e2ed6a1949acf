"""Projections of an event, written in its transaction: graph, streams, search. Each can be rebuilt."""

from sqlalchemy import Connection, delete, insert
from sqlalchemy.dialects.sqlite import insert as upsert

from adapters.store import tables
from adapters.store.entities import stamp
from domain.events import Event, upcast
from domain.knowledge_graph import edges_of, nodes_of
from services.ports.store import Indexed


def project(connection: Connection, event: Event, position: int) -> None:
    newest = upcast(event)
    for node in nodes_of(newest):
        row = {"workspace_id": event.workspace_id, "id": node.id, "kind": node.kind, "label": node.label}
        statement = upsert(tables.nodes).values(row)
        keys = [tables.nodes.c.workspace_id, tables.nodes.c.id]
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=row))
    for edge in edges_of(newest):
        row = {"workspace_id": edge.workspace_id, "project_id": edge.project_id, "source": edge.source}
        row |= {"relation": edge.relation, "target": edge.target}
        values = {**row, "run_id": edge.run_id, "at": stamp(edge.at)}
        connection.execute(upsert(tables.edges).values(values).on_conflict_do_nothing())
    for scope in filter(None, (event.root_id, event.project_id)):
        _stream(connection, event.workspace_id, scope, position)


def _stream(connection: Connection, workspace_id: str, scope: str, position: int) -> None:
    head = upsert(tables.stream_heads).values(scope=scope, workspace_id=workspace_id, number=1)
    number = connection.execute(
        head.on_conflict_do_update(
            index_elements=[tables.stream_heads.c.scope], set_={"number": tables.stream_heads.c.number + 1}
        ).returning(tables.stream_heads.c.number)
    ).scalar_one()
    row = {"scope": scope, "number": number, "workspace_id": workspace_id, "position": position}
    connection.execute(insert(tables.streams), row)


def index(connection: Connection, workspace_id: str, indexed: Indexed) -> None:
    where = (
        tables.passages.c.workspace_id == workspace_id,
        tables.passages.c.artifact_id == indexed.artifact_id,
    )
    connection.execute(delete(tables.passages).where(*where))
    common = {
        "workspace_id": workspace_id,
        "project_id": indexed.project_id,
        "artifact_id": indexed.artifact_id,
        "digest": indexed.digest,
        "section": indexed.section,
        "task_id": indexed.task_id,
    }
    rows = [{**common, "ordinal": ordinal, "text": text} for ordinal, text in enumerate(indexed.passages)]
    if rows:
        connection.execute(insert(tables.passages), rows)
