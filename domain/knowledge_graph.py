"""The knowledge graph: edges in W3C PROV terms that follow from events, without a model.

Source of the relations: PROV-O, https://www.w3.org/TR/prov-o/. An edge points from the later to the earlier
thing: `report wasDerivedFrom source`.
"""

from datetime import datetime
from typing import Literal, get_args

from pydantic import JsonValue
from pydantic.dataclasses import dataclass

from domain.events import Event
from domain.ids import kind_of
from domain.topic import PREFIX as TOPIC

Relation = Literal[
    "wasDerivedFrom", "wasGeneratedBy", "wasAttributedTo", "used", "actedOnBehalfOf",
    "partOf", "dependsOn", "assignedTo", "checkedBy", "about",
]  # fmt: skip
Addable = Literal["about", "partOf", "dependsOn"]
"""What people may add. Where things come from and who checked them is recorded, not claimed."""
ADDABLE: tuple[Addable, ...] = get_args(Addable)


@dataclass(frozen=True, kw_only=True)
class Node:
    id: str
    kind: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Edge:
    source: str
    target: str
    relation: Relation
    workspace_id: str
    project_id: str
    at: datetime
    run_id: str | None = None


def nodes_of(event: Event) -> tuple[Node, ...]:
    """What `event` says exists. A later label replaces an earlier one."""
    data = event.data
    match event.type:
        case "project.created" | "project.changed":
            return (Node(id=event.subject, kind="project", label=_text(data, "name")),)
        case "artifact.published":
            return (
                Node(id=event.subject, kind=_text(data, "kind"), label=_text(data, "title")),
                *_agent(_text(data, "made_by")),
            )
        case "plan.adopted":
            return tuple(Node(id=_text(t, "id"), kind="task", label=_text(t, "title")) for t in _items(data, "tasks"))
        case "run.created":
            return (Node(id=event.subject, kind="run", label=_text(data, "graph")), *_agent(event.actor))
        case "artifact.judged":
            return _agent(_text(data, "checked_by"))
        case "member.added":
            return (Node(id=_text(data, "subject_id"), kind="person", label=_text(data, "name")),)
        case "artifact.tagged":
            return tuple(Node(id=_text(t, "id"), kind="topic", label=_text(t, "label")) for t in _items(data, "topics"))
        case "edge.added" if (target := _text(data, "target")).startswith(TOPIC):
            return (Node(id=target, kind="topic", label=_text(data, "label") or target),)
        case "message.sent":
            return (*_agent(_text(data, "sender")), *_agent(_text(data, "recipient")))
        case _:
            return ()


def edges_of(event: Event) -> tuple[Edge, ...]:
    """The edges that follow from `event` alone. Pure, so the graph can be rebuilt from the events."""
    if event.project_id is None:
        return ()
    return tuple(
        Edge(
            source=source,
            target=target,
            relation=relation,
            workspace_id=event.workspace_id,
            project_id=event.project_id,
            at=event.at,
            run_id=event.run_id,
        )
        for source, relation, target in _triples(event)
        if source and target and source != target
    )


def _triples(event: Event) -> list[tuple[str, Relation, str]]:
    data, subject, project = event.data, event.subject, event.project_id or ""
    match event.type:
        case "artifact.published":
            out: list[tuple[str, Relation, str]] = [
                (subject, "partOf", project),
                (subject, "wasAttributedTo", _text(data, "made_by")),
            ]
            sources = dict.fromkeys(_text(ref, "artifact_id") for ref in _items(data, "derived_from"))
            out += [(subject, "wasDerivedFrom", source) for source in sources]
            if task := _text(data, "task_id"):
                out.append((subject, "wasGeneratedBy", task))
            if run := event.run_id:
                out.append((subject, "wasGeneratedBy", run))
                out += [(run, "used", source) for source in sources]
            return out
        case "artifact.judged":
            return [(subject, "checkedBy", _text(data, "checked_by"))]
        case "plan.adopted":
            out = []
            for item in _items(data, "tasks"):
                id = _text(item, "id")
                out += [(id, "partOf", project), (id, "assignedTo", _text(item, "assignee"))]
                out += [(id, "dependsOn", str(other)) for other in _items(item, "depends_on")]
            return out
        case "run.created":
            out = [(subject, "partOf", _text(data, "task_id") or _text(data, "parent_id") or project)]
            out += [(subject, "wasAttributedTo", event.actor)]
            if event.on_behalf_of and event.on_behalf_of != event.actor:
                out.append((event.actor, "actedOnBehalfOf", event.on_behalf_of))
            return out
        case "member.added":
            return [(_text(data, "subject_id"), "partOf", project)]
        case "artifact.tagged":
            return [(subject, "about", _text(topic, "id")) for topic in _items(data, "topics")]
        case "edge.added":
            added = (relation for relation in ADDABLE if relation == _text(data, "relation"))
            return [(subject, relation, _text(data, "target")) for relation in added]
        case "message.sent" if _text(data, "kind") == "delegate":
            return [(_text(data, "recipient"), "actedOnBehalfOf", _text(data, "sender"))]
        case _:
            return []


def _agent(id: str) -> tuple[Node, ...]:
    """People have the name that they were added with; an agent's label is its id."""
    return () if not id or kind_of(id) == "user" else (Node(id=id, kind="agent", label=id),)


def _text(data: JsonValue, key: str) -> str:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, str) else ""


def _items(data: JsonValue, key: str) -> list[JsonValue]:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, list) else []
