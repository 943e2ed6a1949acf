"""The knowledge graph that follows from events, and what is read of it."""

import pytest

from domain.knowledge_graph import Edge
from services.ports.store import Changeset
from services.ports.views import Direction
from tests.stores import AT, OTHER, Opened, W, an_event


async def chain(at: Opened, length: int, project_id: str = "prj_1", workspace_id: str = W) -> None:
    """art_1 from art_0, art_2 from art_1, and so on; each partOf the project and made by the writer."""
    events = [
        an_event(
            f"art_{n}",
            "artifact.published",
            workspace_id,
            project_id,
            kind="report",
            title=f"Report {n}",
            made_by="writer",
            digest="sha256:d",
            section="drafts",
            derived_from=[{"artifact_id": f"art_{n - 1}"}] if n else [],
        )
        for n in range(length)
    ]
    await at.store.commit(Changeset(workspace_id=workspace_id, events=events))


def ends(edges: tuple[Edge, ...], relation: str = "wasDerivedFrom") -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in edges if edge.relation == relation}


async def test_an_edge_says_when_and_where_it_came_from(at: Opened) -> None:
    await chain(at, 2)
    whole = await at.graphs.whole(W, "prj_1")
    edge = next(edge for edge in whole.edges if edge.relation == "wasDerivedFrom")
    assert edge == Edge(
        source="art_1", target="art_0", relation="wasDerivedFrom", workspace_id=W, project_id="prj_1", at=AT
    )
    labels = {node.id: (node.kind, node.label) for node in whole.nodes}
    assert labels["art_1"] == ("report", "Report 1")
    assert labels["writer"] == ("agent", "writer")
    assert labels["prj_1"] == ("project", "prj_1")


async def test_the_same_edge_is_kept_once(at: Opened) -> None:
    await chain(at, 3)
    before = await at.graphs.whole(W, None)
    await chain(at, 3)
    assert await at.graphs.whole(W, None) == before


async def test_a_later_label_replaces_an_earlier_one(at: Opened) -> None:
    for name in ("Bees", "Wasps"):
        event = an_event("prj_1", "project.changed", name=name)
        await at.store.commit(Changeset(workspace_id=W, events=[event]))
    (node,) = (await at.graphs.neighbors(W, "prj_1")).nodes
    assert node.label == "Wasps"


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ("out", {("art_2", "art_1")}),
        ("in", {("art_3", "art_2")}),
        ("both", {("art_2", "art_1"), ("art_3", "art_2")}),
    ],
)
async def test_neighbors_follow_the_direction(at: Opened, direction: Direction, expected: set[tuple[str, str]]) -> None:
    await chain(at, 5)
    found = await at.graphs.neighbors(W, "art_2", direction=direction, relation="wasDerivedFrom")
    assert ends(found.edges) == expected
    assert {node.id for node in found.nodes} == {"art_2"} | {end for pair in expected for end in pair}


@pytest.mark.parametrize("depth", [1, 2, 5])
async def test_neighbors_are_within_the_depth(at: Opened, depth: int) -> None:
    await chain(at, 10)
    found = await at.graphs.neighbors(W, "art_9", direction="out", relation="wasDerivedFrom", depth=depth)
    assert ends(found.edges) == {(f"art_{n}", f"art_{n - 1}") for n in range(9, 9 - depth, -1)}


async def test_neighbors_in_a_project_leave_the_other_projects_out(at: Opened) -> None:
    await chain(at, 3)
    await chain(at, 4, project_id="prj_2")
    found = await at.graphs.neighbors(W, "writer", project_id="prj_1", relation="wasAttributedTo")
    assert {edge.project_id for edge in found.edges} == {"prj_1"}
    assert len(found.edges) == 3
    assert {edge.project_id for edge in (await at.graphs.whole(W, None)).edges} == {"prj_1", "prj_2"}
    assert {edge.project_id for edge in (await at.graphs.whole(W, "prj_2")).edges} == {"prj_2"}


async def test_no_more_edges_than_the_limit(at: Opened) -> None:
    await chain(at, 10)
    assert len((await at.graphs.neighbors(W, "writer", limit=4, depth=3)).edges) == 4
    assert len((await at.graphs.whole(W, "prj_1", limit=7)).edges) == 7
    assert len((await at.graphs.touching(W, "writer", limit=5)).edges) == 5


async def test_a_ring_is_walked_once(at: Opened) -> None:
    for source, target in (("art_a", "art_b"), ("art_b", "art_a")):
        event = an_event(source, "artifact.published", title="t", kind="note", derived_from=[{"artifact_id": target}])
        await at.store.commit(Changeset(workspace_id=W, events=[event]))
    found = await at.graphs.neighbors(W, "art_a", relation="wasDerivedFrom", depth=5)
    assert ends(found.edges) == {("art_a", "art_b"), ("art_b", "art_a")}


RESTS = ["wasDerivedFrom"]


async def test_what_is_reached_comes_nearest_first_each_once(at: Opened) -> None:
    await chain(at, 6)
    shortcut = an_event("art_4", "artifact.published", title="t", kind="note", derived_from=[{"artifact_id": "art_1"}])
    await at.store.commit(Changeset(workspace_id=W, events=[shortcut]))
    found = await at.graphs.reached(W, ["art_1"], RESTS, direction="in", depth=9)
    assert [(step.id, step.depth) for step in found.steps] == [("art_4", 1), ("art_2", 1), ("art_5", 2), ("art_3", 2)]
    assert {(step.edge.source, step.edge.target) for step in found.steps if step.depth == 1} == {
        ("art_4", "art_1"),
        ("art_2", "art_1"),
    }
    assert not found.truncated
    out = await at.graphs.reached(W, ["art_3"], RESTS, direction="out", depth=2)
    assert [(step.id, step.depth) for step in out.steps] == [("art_2", 1), ("art_1", 2)]


async def test_what_is_reached_says_when_there_is_more(at: Opened) -> None:
    await chain(at, 8)
    made = await at.graphs.reached(W, ["writer"], ["wasAttributedTo"], direction="in", limit=3)
    assert [step.id for step in made.steps] == ["art_7", "art_6", "art_5"] and made.truncated
    assert not (await at.graphs.reached(W, ["writer"], ["wasAttributedTo"], direction="in", limit=8)).truncated
    assert (await at.graphs.reached(W, ["writer"], ["dependsOn"], direction="in")).steps == ()
    assert (await at.graphs.reached(W, [], RESTS, direction="in", depth=3)).steps == ()


async def test_what_is_reached_stays_in_the_project(at: Opened) -> None:
    await chain(at, 2)
    await chain(at, 3, project_id="prj_2")
    for project, ids in (("prj_1", {"art_0", "art_1"}), ("prj_2", {"art_0", "art_1", "art_2"}), ("prj_3", set())):
        found = await at.graphs.reached(W, ["writer"], ["wasAttributedTo"], direction="in", project_id=project)
        assert {step.id for step in found.steps} == ids


async def test_a_walk_reads_no_more_rows_than_it_asks_for(at: Opened) -> None:
    """Through the index on the edges' ends, in its order, without sorting."""
    for end, order in (("target", "project_id DESC, rowid DESC"), ("source", "rowid DESC")):
        for project in ("", "AND project_id = 'p' "):
            plan = await at.rows(
                f"EXPLAIN QUERY PLAN SELECT * FROM graph_edges INDEXED BY ix_edges_{end} WHERE workspace_id = 'w' "
                f"AND {end} = 'x' AND relation = 'r' {project}ORDER BY {order} LIMIT 5"
            )
            (step,) = [row[3] for row in plan]
            assert f"USING INDEX ix_edges_{end} (workspace_id=? AND {end}=?" in step


async def test_nodes_are_found_by_how_their_ids_begin(at: Opened) -> None:
    topics = [{"id": f"topic/{name}", "label": name.title()} for name in ("brake", "brakes", "bra", "lift")]
    await at.store.commit(Changeset(workspace_id=W, events=[an_event("art_1", "artifact.tagged", topics=topics)]))
    assert [node.label for node in await at.graphs.beginning(W, "topic/brake")] == ["Brake", "Brakes"]
    assert len(await at.graphs.beginning(W, "topic/", limit=2)) == 2
    assert await at.graphs.beginning(OTHER, "topic/") == []
    found = await at.graphs.nodes(W, ["topic/lift", "art_none"])
    assert {id: node.label for id, node in found.items()} == {"topic/lift": "Lift", "art_none": "art_none"}


async def test_an_agents_graph_is_its_edges_and_those_of_what_it_made(at: Opened) -> None:
    await chain(at, 2)
    await chain(at, 2, workspace_id=OTHER)
    found = await at.graphs.touching(W, "writer")
    assert ends(found.edges, "wasAttributedTo") == {("art_0", "writer"), ("art_1", "writer")}
    assert ends(found.edges) == {("art_1", "art_0")}
    assert {edge.workspace_id for edge in found.edges} == {W}
