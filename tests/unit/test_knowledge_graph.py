"""Which nodes and edges follow from which event."""

from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from domain.events import Event, EventType
from domain.knowledge_graph import Node, Relation, edges_of, nodes_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TYPES: tuple[EventType, ...] = get_args(EventType)
SILENT = set(TYPES) - {
    "project.created", "project.changed", "artifact.published", "artifact.judged", "plan.adopted", "run.created",
    "member.added",
}  # fmt: skip


def event(
    type: EventType,
    subject: str,
    data: dict[str, JsonValue] | None = None,
    *,
    project_id: str | None = "prj_1",
    run_id: str | None = None,
    actor: str = "agt_manager",
    on_behalf_of: str | None = None,
) -> Event:
    return Event(
        type=type,
        workspace_id="wsp_1",
        subject=subject,
        actor=actor,
        at=NOW,
        project_id=project_id,
        run_id=run_id,
        on_behalf_of=on_behalf_of,
        data=data or {},
    )


def triples(event: Event) -> set[tuple[str, str, str]]:
    return {(edge.source, edge.relation, edge.target) for edge in edges_of(event)}


def test_a_project_is_a_node_by_its_name() -> None:
    made = event("project.created", "prj_1", {"name": "Roof"})
    assert nodes_of(made) == (Node(id="prj_1", kind="project", label="Roof"),)
    assert nodes_of(event("project.changed", "prj_1", {"name": "New roof"}))[0].label == "New roof"
    assert edges_of(made) == ()


def test_a_published_artifact_leads_to_what_it_came_from() -> None:
    data: dict[str, JsonValue] = {
        "kind": "report",
        "title": "Report",
        "made_by": "agt_synthesizer",
        "task_id": "tsk_1",
        "derived_from": [{"artifact_id": "art_a"}, {"artifact_id": "art_b"}, {"artifact_id": "art_a"}],
    }
    published = event("artifact.published", "art_1", data, run_id="run_1")
    assert triples(published) == {
        ("art_1", "partOf", "prj_1"),
        ("art_1", "wasAttributedTo", "agt_synthesizer"),
        ("art_1", "wasDerivedFrom", "art_a"),
        ("art_1", "wasDerivedFrom", "art_b"),
        ("art_1", "wasGeneratedBy", "tsk_1"),
        ("art_1", "wasGeneratedBy", "run_1"),
        ("run_1", "used", "art_a"),
        ("run_1", "used", "art_b"),
    }
    assert len(edges_of(published)) == 8
    assert {(edge.at, edge.run_id, edge.workspace_id) for edge in edges_of(published)} == {(NOW, "run_1", "wsp_1")}
    assert nodes_of(published) == (
        Node(id="art_1", kind="report", label="Report"),
        Node(id="agt_synthesizer", kind="agent", label="agt_synthesizer"),
    )


def test_what_a_person_hands_over_was_generated_by_no_run() -> None:
    handed = event("artifact.published", "art_1", {"kind": "source", "title": "Plan", "made_by": "usr_1"})
    assert triples(handed) == {("art_1", "partOf", "prj_1"), ("art_1", "wasAttributedTo", "usr_1")}
    assert [node.id for node in nodes_of(handed)] == ["art_1"], "people keep the name that they were added with"


def test_a_new_version_of_an_artifact_does_not_point_at_itself() -> None:
    data: dict[str, JsonValue] = {"made_by": "agt_a", "derived_from": [{"artifact_id": "art_1"}]}
    assert "wasDerivedFrom" not in {relation for _, relation, _ in triples(event("artifact.published", "art_1", data))}


def test_a_judged_artifact_leads_to_who_checked_it() -> None:
    judged = event("artifact.judged", "art_1", {"checked_by": "agt_critic"})
    assert triples(judged) == {("art_1", "checkedBy", "agt_critic")}
    assert nodes_of(judged) == (Node(id="agt_critic", kind="agent", label="agt_critic"),)


def test_a_plan_leads_from_tasks_to_what_they_depend_on_and_who_does_them() -> None:
    tasks: list[JsonValue] = [
        {"id": "tsk_1", "title": "Read", "assignee": "usr_1", "depends_on": []},
        {"id": "tsk_2", "title": "Write", "assignee": "critic", "depends_on": ["tsk_1"]},
    ]
    adopted = event("plan.adopted", "prj_1/1", {"tasks": tasks})
    assert triples(adopted) == {
        ("tsk_1", "partOf", "prj_1"),
        ("tsk_1", "assignedTo", "usr_1"),
        ("tsk_2", "partOf", "prj_1"),
        ("tsk_2", "assignedTo", "critic"),
        ("tsk_2", "dependsOn", "tsk_1"),
    }
    assert [(node.id, node.kind, node.label) for node in nodes_of(adopted)] == [
        ("tsk_1", "task", "Read"),
        ("tsk_2", "task", "Write"),
    ]


@pytest.mark.parametrize(
    ("data", "whole"),
    [({}, "prj_1"), ({"parent_id": "run_0"}, "run_0"), ({"parent_id": "run_0", "task_id": "tsk_1"}, "tsk_1")],
)
def test_a_run_is_part_of_its_task_or_its_parent_or_the_project(data: dict[str, JsonValue], whole: str) -> None:
    created = event("run.created", "run_1", {**data, "graph": "task@1"}, on_behalf_of="usr_1")
    assert triples(created) == {
        ("run_1", "partOf", whole),
        ("run_1", "wasAttributedTo", "agt_manager"),
        ("agt_manager", "actedOnBehalfOf", "usr_1"),
    }
    assert nodes_of(created)[0] == Node(id="run_1", kind="run", label="task@1")


def test_who_acts_for_themselves_acts_on_nobodys_behalf() -> None:
    created = event("run.created", "run_1", actor="usr_1", on_behalf_of="usr_1")
    assert "actedOnBehalfOf" not in {relation for _, relation, _ in triples(created)}


def test_a_member_is_part_of_the_project() -> None:
    added = event("member.added", "mbr_1", {"subject_id": "usr_1", "name": "Ada"})
    assert triples(added) == {("usr_1", "partOf", "prj_1")}
    assert nodes_of(added) == (Node(id="usr_1", kind="person", label="Ada"),)


def test_a_tagged_artifact_leads_to_what_it_is_about() -> None:
    topics: list[JsonValue] = [{"id": "topic/brake", "label": "Brake", "method": "rule", "source": 0}]
    tagged = event("artifact.tagged", "art_1", {"topics": topics, "by": "agt_archivist"})
    assert triples(tagged) == {("art_1", "about", "topic/brake")}
    assert nodes_of(tagged) == (Node(id="topic/brake", kind="topic", label="Brake"),)


def test_an_edge_that_a_person_added_is_one_and_a_new_topic_has_its_label() -> None:
    added = event("edge.added", "art_1", {"relation": "about", "target": "topic/brake", "label": "Brake"})
    assert triples(added) == {("art_1", "about", "topic/brake")}
    assert nodes_of(added) == (Node(id="topic/brake", kind="topic", label="Brake"),)
    part = event("edge.added", "art_1", {"relation": "partOf", "target": "art_2"})
    assert (triples(part), nodes_of(part)) == ({("art_1", "partOf", "art_2")}, ())


@pytest.mark.parametrize("relation", ["wasDerivedFrom", "checkedBy", "", "nonsense"])
def test_where_things_come_from_cannot_be_added(relation: str) -> None:
    assert triples(event("edge.added", "art_1", {"relation": relation, "target": "art_2"})) == set()


@pytest.mark.parametrize("type", sorted(SILENT))
def test_other_events_change_no_graph(type: EventType) -> None:
    assert (nodes_of(event(type, "x_1")), edges_of(event(type, "x_1"))) == ((), ())


IDS = st.sampled_from(["prj_1", "art_1", "art_2", "run_1", "usr_1", "agt_a", ""])
JUNK: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.integers() | IDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["artifact_id", "id"]), inner),
    max_leaves=6,
)
DATA = st.dictionaries(
    st.sampled_from(["made_by", "derived_from", "tasks", "task_id", "parent_id", "checked_by", "subject_id"]), JUNK
)


@given(st.sampled_from(TYPES), IDS, DATA, st.none() | IDS, IDS, st.none() | IDS)
def test_no_event_makes_an_edge_without_ends_or_from_a_thing_to_itself(
    type: EventType, subject: str, data: dict[str, JsonValue], run: str | None, actor: str, behalf: str | None
) -> None:
    made = event(type, subject, data, run_id=run, actor=actor, on_behalf_of=behalf)
    edges = edges_of(made)
    assert edges == edges_of(made)
    assert all(edge.source and edge.target and edge.source != edge.target for edge in edges)
    assert {edge.relation for edge in edges} <= set(get_args(Relation))
    assert {edge.project_id for edge in edges} <= {"prj_1"}


@given(st.sampled_from(TYPES), DATA)
def test_what_belongs_to_no_project_makes_no_edge(type: EventType, data: dict[str, JsonValue]) -> None:
    assert edges_of(event(type, "x_1", data, project_id=None)) == ()
