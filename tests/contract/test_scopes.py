"""Workspaces: what one holds is invisible in the other, whichever way it is asked for."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.store.tables import metadata
from domain.artifact import Artifact, Version
from domain.errors import Forbidden, VersionMoved
from domain.inbox import InboxItem
from domain.plan import Plan
from domain.principal import User
from domain.project import Member, Project
from domain.qa import QARecord
from domain.run import Run, Usage
from domain.task import Task
from services.ports.store import Changeset, CounterMove, Fence
from tests.stores import AT, OTHER, Opened, W, a_call, a_project, a_run, a_task, an_event, asked, indexed, started


def changes(**parts: Any) -> Changeset:
    return Changeset(workspace_id=parts.pop("workspace_id", W), **parts)


async def test_another_workspaces_ids_are_invisible_everywhere(at: Opened) -> None:
    made = {"kind": "source", "section": "sources", "title": "Secret", "made_by": "usr_bob", "digest": "sha256:d"}
    await at.store.commit(
        changes(
            workspace_id=OTHER,
            puts=[a_project("prj_o", OTHER), a_run("run_o", OTHER, "prj_o")],
            events=[an_event("art_o", "artifact.published", OTHER, "prj_o", **made)],
            indexed=[indexed("art_o", "honey", project_id="prj_o")],
            calls=[a_call("run_o/1/0/1", "run_o", OTHER)],
        )
    )
    assert await at.store.get(Project, W, "prj_o") is None
    assert await at.store.find(Run, W, where={"project_id": "prj_o"}) == []
    assert await at.store.calls(W, "run_o") == []
    assert await at.store.usage(W, "prj_o") == Usage()
    assert (await at.graphs.whole(W, "prj_o")).edges == (await at.graphs.whole(W, None)).edges == ()
    for subgraph in (await at.graphs.neighbors(W, "art_o"), await at.graphs.touching(W, "usr_bob")):
        assert subgraph.edges == ()
        assert "Secret" not in {node.label for node in subgraph.nodes}
    assert await at.search.match(W, "prj_o", ["honey"]) == await at.search.passages(W, "art_o") == []
    assert await at.streams.since(W, "prj_o", 0) == []
    assert await at.streams.latest(W, "prj_o") == await at.streams.latest(W, None) == 0
    assert await at.streams.since(W, None, 0) == []
    assert await at.streams.before(W, None, AT.replace(year=2030)) == 0
    assert (await at.graphs.reached(W, ["prj_o"], ["partOf"], direction="in")).steps == ()
    assert (await at.graphs.nodes(W, ["art_o"]))["art_o"].label == "art_o"
    assert await at.graphs.beginning(W, "art_") == []
    assert await at.store.tagged(W, "prj_o", ["topic/honey"]) == (0, {"topic/honey": 0})


async def test_a_changeset_writes_in_its_own_workspace_only(at: Opened) -> None:
    await at.store.commit(changes(workspace_id=OTHER, puts=[a_project("prj_o", OTHER)]))
    theirs = replace(a_project("prj_o", OTHER), version=1, name="Mine now")
    for part in ({"puts": [theirs]}, {"events": [an_event("prj_o", workspace_id=OTHER)]}):
        with pytest.raises(Forbidden):
            await at.store.commit(changes(**part))
    with pytest.raises(VersionMoved):
        await at.store.commit(changes(puts=[replace(theirs, workspace_id=W)]))
    with pytest.raises(VersionMoved):
        await at.store.commit(changes(asserts=[(Project, "prj_o", 1)]))


SCOPED = {table.name for table in metadata.sorted_tables if "workspace_id" in table.c}


async def each_kind(at: Opened) -> None:
    await at.store.get(Project, W, "x")
    await at.store.find(Project, W, after="a", newest_first=True)
    for found in (
        await at.store.find(Member, W),
        await at.store.find(Plan, W),
        await at.store.find(Task, W, where={"state": ["ready"]}),
        await at.store.find(Artifact, W),
        await at.store.find(Version, W),
        await at.store.find(QARecord, W),
        await at.store.find(InboxItem, W),
        await at.store.find(User, W),
    ):
        assert found == []


async def test_every_query_of_the_store_and_its_views_names_the_workspace(at: Opened) -> None:
    await at.store.commit(started(a_run("run_1")))
    segment = await at.journal.claim("run_1", "host", 10)
    assert segment is not None
    async with asked(at) as statements:
        await each_kind(at)
        await at.store.commit(
            changes(
                puts=[a_project(), a_task("tsk_1")],
                asserts=[(Run, "run_1", 1)],
                events=[
                    an_event("prj_1", "project.created", name="Bees"),
                    an_event("mbr_1", "member.added", subject_id="u"),
                ],
                indexed=[indexed("art_1", "honey")],
                counters=[CounterMove(scope="s", name="calls", spend=1)],
                fence=Fence(run_id="run_1", epoch=segment.claim.epoch),
            )
        )
        await at.store.idempotency(W, "p", "k")
        await at.store.calls(W, "run_1")
        await at.store.usage(W, "prj_1")
        for project in (None, "prj_1"):
            await at.graphs.whole(W, project)
            await at.graphs.neighbors(W, "u", project_id=project, relation="partOf", depth=2)
            await at.graphs.reached(W, ["u"], ["partOf"], direction="in", project_id=project, depth=2)
            await at.graphs.reached(W, ["u"], ["partOf"], direction="out", project_id=project, depth=2)
        await at.graphs.touching(W, "u")
        await at.graphs.nodes(W, ["u"])
        await at.graphs.beginning(W, "u")
        await at.store.tagged(W, "prj_1", ["topic/honey"])
        for scope in (None, "prj_1"):
            await at.streams.before(W, scope, AT)
            await at.streams.since(W, scope, 0)
            await at.streams.latest(W, scope)
        await at.search.match(W, "prj_1", ["honey"], sections=["sources"], tasks=["t"], artifacts=["art_1"])
        await at.search.passages(W, "art_1")
        await at.streams.since(W, "prj_1", 0)
        await at.streams.latest(W, "prj_1")
    selects = [statement for _, statement in statements if statement.lstrip().upper().startswith("SELECT")]
    selects = [statement for statement in selects if "'main'." not in statement]  # those of the full-text index itself
    seen = {table for table in SCOPED for statement in selects if f" {table}" in statement}
    assert len(seen) > 15
    for statement in selects:
        where = statement.partition("WHERE")[2]
        assert "workspace_id = " in where, statement
