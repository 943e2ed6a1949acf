"""A knowledge graph as PROV-JSON: https://www.w3.org/submissions/prov-json/ and https://www.w3.org/TR/prov-dm/.

Artifacts and projects are entities, tasks and runs activities, agents and people agents. An edge that PROV has a
relation for becomes one; every other edge is an attribute of its source, in our namespace `cw:`.
"""

from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote

from pydantic import JsonValue

from domain.ids import kind_of
from domain.knowledge_graph import Edge, Node
from services.ports.views import Subgraph

Role = Literal["entity", "activity", "agent"]
Document = dict[str, dict[str, JsonValue]]

NAMESPACE = "urn:caseworks:"
ROLES: dict[str, Role] = {"agent": "agent", "user": "agent", "task": "activity", "run": "activity"}
PEOPLE = frozenset({"user"})
RELATIONS: dict[tuple[str, Role, Role], tuple[str, str, str]] = {
    ("wasDerivedFrom", "entity", "entity"): ("wasDerivedFrom", "generatedEntity", "usedEntity"),
    ("wasGeneratedBy", "entity", "activity"): ("wasGeneratedBy", "entity", "activity"),
    ("used", "activity", "entity"): ("used", "activity", "entity"),
    ("wasAttributedTo", "entity", "agent"): ("wasAttributedTo", "entity", "agent"),
    ("wasAttributedTo", "activity", "agent"): ("wasAssociatedWith", "activity", "agent"),
    ("actedOnBehalfOf", "agent", "agent"): ("actedOnBehalfOf", "delegate", "responsible"),
}
"""(our relation, role of its source, role of its target) to (PROV's relation, its names for source and target)."""


def prov(graph: Subgraph) -> Document:
    """One document; relations are numbered in the order of the edges."""
    roles = {node.id: _role(node) for node in graph.nodes}
    relations: Document = {}
    own: dict[str, dict[str, list[JsonValue]]] = {}
    for edge in graph.edges:
        found = RELATIONS.get((edge.relation, roles[edge.source], roles[edge.target]))
        if found is None:
            own.setdefault(edge.source, {}).setdefault(f"cw:{edge.relation}", []).append(_reference(edge.target))
            continue
        relation, source, target = found
        records = relations.setdefault(relation, {})
        ends: dict[str, JsonValue] = {f"prov:{source}": _name(edge.source), f"prov:{target}": _name(edge.target)}
        records[f"_:{relation}{len(records) + 1}"] = {**ends, **_recorded(edge)}
    elements: Document = {}
    for node in graph.nodes:
        elements.setdefault(roles[node.id], {})[_name(node.id)] = {**_described(node), **own.get(node.id, {})}
    return {"prefix": {"cw": NAMESPACE}, **elements, **relations}


def _role(node: Node) -> Role:
    """By the id, which is ours: an artifact's kind is free."""
    return ROLES.get(kind_of(node.id), "entity")


def _described(node: Node) -> dict[str, JsonValue]:
    types: list[JsonValue] = [_qualified(f"cw:{quote(node.kind, safe='')}")]
    if _role(node) == "agent":
        types.append(_qualified("prov:Person" if kind_of(node.id) in PEOPLE else "prov:SoftwareAgent"))
    return {"prov:label": node.label, "prov:type": types}


def _recorded(edge: Edge) -> dict[str, JsonValue]:
    """When it was recorded, and by which run. Not PROV's own times: an edge knows only when we heard of it."""
    values: dict[str, JsonValue] = {"cw:at": {"$": _time(edge.at), "type": "xsd:dateTime"}}
    return values if edge.run_id is None else {**values, "cw:run": _reference(edge.run_id)}


def _name(id: str) -> str:
    """As a qualified name: what else it holds is percent-encoded."""
    return f"cw:{quote(id, safe='')}"


def _reference(id: str) -> JsonValue:
    return _qualified(_name(id))


def _qualified(name: str) -> JsonValue:
    return {"$": name, "type": "prov:QUALIFIED_NAME"}


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
