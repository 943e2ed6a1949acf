"""Knowledge graphs for other programs: GraphML that networkx reads again, PROV-JSON as the W3C describes it."""

import io
import re
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import networkx as nx
from hypothesis import example, given
from hypothesis import strategies as st

from domain.knowledge_graph import Edge, Node, Relation
from services.graph_formats import graphml
from services.ports.views import Subgraph
from services.provenance import prov

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
NODES = (
    Node(id="agt_critic", kind="agent", label="agt_critic"),
    Node(id="art_1", kind="report", label="Report"),
    Node(id="art_2", kind="person", label="A source that calls itself a person"),
    Node(id="prj_1", kind="project", label="Lift"),
    Node(id="run_1", kind="run", label="task@1"),
    Node(id="tsk_1", kind="task", label="Write"),
    Node(id="usr_1", kind="person", label="Ada"),
)


def edge(source: str, relation: Relation, target: str, run_id: str | None = None) -> Edge:
    return Edge(
        source=source, target=target, relation=relation, workspace_id="wsp_1", project_id="prj_1", at=AT, run_id=run_id
    )


GRAPH = Subgraph(
    nodes=NODES,
    edges=(
        edge("art_1", "wasDerivedFrom", "art_2", "run_1"),
        edge("art_1", "wasGeneratedBy", "run_1", "run_1"),
        edge("art_1", "wasGeneratedBy", "tsk_1", "run_1"),
        edge("run_1", "used", "art_2", "run_1"),
        edge("art_1", "wasAttributedTo", "agt_critic", "run_1"),
        edge("run_1", "wasAttributedTo", "agt_critic", "run_1"),
        edge("agt_critic", "actedOnBehalfOf", "usr_1", "run_1"),
        edge("art_1", "partOf", "prj_1"),
        edge("art_2", "partOf", "prj_1"),
        edge("tsk_1", "assignedTo", "usr_1"),
        edge("art_1", "checkedBy", "usr_1"),
        edge("usr_1", "partOf", "prj_1"),
    ),
)


def read(content: bytes) -> Any:
    return nx.read_graphml(io.BytesIO(content), force_multigraph=True)


def test_networkx_reads_the_same_graph_again() -> None:
    found = read(graphml(GRAPH))
    assert found.is_directed()
    assert {id: (data["kind"], data["label"]) for id, data in found.nodes(data=True)} == {
        node.id: (node.kind, node.label) for node in NODES
    }
    edges = [(s, data["relation"], t, data["at"], data.get("run_id")) for s, t, data in found.edges(data=True)]
    assert sorted(edges, key=str) == sorted(
        [(e.source, e.relation, e.target, AT.isoformat(), e.run_id) for e in GRAPH.edges], key=str
    )


def test_every_edge_of_graphml_has_an_id_of_its_own() -> None:
    edges = ElementTree.fromstring(graphml(GRAPH)).findall(".//{http://graphml.graphdrawing.org/xmlns}edge")
    assert len({element.get("id") for element in edges}) == len(edges) == len(GRAPH.edges)


@given(st.text(st.characters(), max_size=30))
@example("a\x00b\x0bc\ud800d\ufffee")
def test_any_label_makes_graphml_that_can_be_read(label: str) -> None:
    """Control characters and halves of surrogate pairs are in no XML document; they are left out."""
    marked = Subgraph(nodes=(Node(id="art_1", kind="note", label=f"<{label}&"),), edges=())
    found = read(graphml(marked)).nodes["art_1"]["label"]
    legal = "".join(c for c in label if c in "\t\n\r" or " " <= c < "\ud800" or "\udfff" < c not in "\ufffe\uffff")
    assert found == f"<{legal}&".replace("\r\n", "\n").replace("\r", "\n"), "XML knows one kind of line end"


def test_an_empty_graph_has_all_forms() -> None:
    assert len(read(graphml(Subgraph(nodes=(), edges=())))) == 0
    assert prov(Subgraph(nodes=(), edges=())) == {"prefix": {"cw": "urn:caseworks:"}}


ENDS = {
    "wasDerivedFrom": {"prov:generatedEntity": "entity", "prov:usedEntity": "entity"},
    "wasGeneratedBy": {"prov:entity": "entity", "prov:activity": "activity"},
    "used": {"prov:activity": "activity", "prov:entity": "entity"},
    "wasAttributedTo": {"prov:entity": "entity", "prov:agent": "agent"},
    "wasAssociatedWith": {"prov:activity": "activity", "prov:agent": "agent"},
    "actedOnBehalfOf": {"prov:delegate": "agent", "prov:responsible": "agent"},
}
"""https://www.w3.org/submissions/prov-json/, section 3: each relation, its formal attributes and what they name."""
QUALIFIED = re.compile(r"(cw|prov):([A-Za-z0-9_.~-]|%[0-9A-F]{2})+")


def check(document: Any) -> None:
    """That `document` is PROV-JSON: elements by qualified name, relations whose ends are elements of the right sort,
    attributes that are text or typed values, no prefix that is not declared."""
    elements = {role: set(document.get(role, {})) for role in ("entity", "activity", "agent")}
    assert set(document) <= {"prefix", *elements, *ENDS}
    assert set(document["prefix"]) == {"cw"}
    assert sum(map(len, elements.values())) == len(set().union(*elements.values()))
    for role in elements:
        for name, attributes in document.get(role, {}).items():
            assert QUALIFIED.fullmatch(name)
            check_attributes(attributes)
    for relation, ends in ENDS.items():
        for id, attributes in document.get(relation, {}).items():
            assert id.startswith("_:")
            for end, role in ends.items():
                assert attributes[end] in elements[role], (relation, end)
            check_attributes({key: value for key, value in attributes.items() if key not in ends})


def check_attributes(attributes: dict[str, Any]) -> None:
    for key, values in attributes.items():
        assert QUALIFIED.fullmatch(key)
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, str):
                continue
            assert set(value) == {"$", "type"} and value["type"] in ("prov:QUALIFIED_NAME", "xsd:dateTime")
            if value["type"] == "prov:QUALIFIED_NAME":
                assert QUALIFIED.fullmatch(value["$"])
            else:
                datetime.fromisoformat(value["$"])


def test_prov_has_each_thing_in_its_role_and_each_relation_between_the_right_ones() -> None:
    document: Any = prov(GRAPH)
    check(document)
    assert set(document["entity"]) == {"cw:art_1", "cw:art_2", "cw:prj_1"}
    assert set(document["activity"]) == {"cw:run_1", "cw:tsk_1"}
    assert set(document["agent"]) == {"cw:agt_critic", "cw:usr_1"}
    assert {relation: len(document[relation]) for relation in ENDS} == {
        "wasDerivedFrom": 1,
        "wasGeneratedBy": 2,
        "used": 1,
        "wasAttributedTo": 1,
        "wasAssociatedWith": 1,
        "actedOnBehalfOf": 1,
    }


def test_relations_of_our_own_are_attributes_in_our_namespace() -> None:
    document: Any = prov(GRAPH)
    report = document["entity"]["cw:art_1"]
    assert report["cw:partOf"] == [{"$": "cw:prj_1", "type": "prov:QUALIFIED_NAME"}]
    assert report["cw:checkedBy"] == [{"$": "cw:usr_1", "type": "prov:QUALIFIED_NAME"}]
    assert document["activity"]["cw:tsk_1"]["cw:assignedTo"][0]["$"] == "cw:usr_1"
    assert document["agent"]["cw:usr_1"]["cw:partOf"][0]["$"] == "cw:prj_1"


def test_prov_tells_people_from_programs() -> None:
    agents: Any = prov(GRAPH)["agent"]
    assert agents["cw:usr_1"]["prov:type"][1]["$"] == "prov:Person"
    assert agents["cw:agt_critic"]["prov:type"][1]["$"] == "prov:SoftwareAgent"


IDS = st.sampled_from([node.id for node in NODES]) | st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
RELATIONS = st.sampled_from(["wasDerivedFrom", "wasGeneratedBy", "used", "wasAttributedTo", "partOf", "checkedBy"])


@given(st.lists(st.tuples(IDS, RELATIONS, IDS), max_size=8))
def test_any_graph_is_prov(triples: list[tuple[str, Relation, str]]) -> None:
    ids = sorted({end for source, _, target in triples for end in (source, target)})
    nodes = tuple(Node(id=id, kind="thing", label=id) for id in ids)
    check(prov(Subgraph(nodes=nodes, edges=tuple(edge(*triple) for triple in triples))))
