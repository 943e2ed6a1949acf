"""Tags: filed with the artifact in one commit, by rule or from a list, and rebuilt from the events."""

import importlib
from dataclasses import replace

import pytest

from domain.artifact import Artifact, Citation
from domain.criterion import CriterionVerdict
from domain.qa import QARecord
from services import filing
from tests.stores import AT, OTHER, Opened, W, fresh, published
from tests.tags import listing

BRAKE = ("# Lift manual\n\nThe emergency brake holds the lift. The emergency brake is red.",)


async def about(at: Opened, workspace_id: str = W) -> dict[str, set[str]]:
    """The topics of each artifact."""
    found: dict[str, set[str]] = {}
    for edge in (await at.graphs.whole(workspace_id, None)).edges:
        if edge.relation == "about":
            found.setdefault(edge.source, set()).add(edge.target)
    return found


async def test_what_is_published_is_tagged_in_the_same_commit(at: Opened) -> None:
    uow = at.unit()
    source = await published(at, uow, BRAKE)
    assert await about(at) == {}
    await uow.commit()
    assert {"topic/emergency-brake", "topic/lift-manual"} <= (await about(at))[source.id]
    assert (await at.graphs.nodes(W, ["topic/lift-manual"]))["topic/lift-manual"].label == "Lift manual"
    told = [item.event for item in await at.streams.since(W, "prj_1", 0) if item.event.type == "artifact.tagged"]
    assert [event.data["by"] for event in told] == ["agt_archivist"]
    topics = told[0].data["topics"]
    assert isinstance(topics, list) and {"id", "label", "method", "source"} == set(topics[0])  # type: ignore[arg-type]
    assert len(topics) <= 8
    assert await at.audit.check() == []


@pytest.mark.parametrize("kind", ["goal", "instructions"])
async def test_what_is_asked_for_is_not_tagged(at: Opened, kind: str) -> None:
    uow = at.unit()
    await published(at, uow, BRAKE, kind=kind)
    await uow.commit()
    assert await about(at) == {}


async def test_how_many_artifacts_are_about_a_topic_is_counted_by_project(at: Opened) -> None:
    for project in ("prj_1", "prj_1", "prj_2"):
        uow = at.unit()
        await published(at, uow, BRAKE, project_id=project)
        await uow.commit()
    counted = await at.store.tagged(W, "prj_1", ["topic/lift-manual", "topic/none"])
    assert counted == (2, {"topic/lift-manual": 2, "topic/none": 0})
    assert await at.store.tagged(OTHER, "prj_1", ["topic/lift-manual"]) == (0, {"topic/lift-manual": 0})


async def sources(at: Opened, *projects: str, workspace_id: str = W) -> list[Artifact]:
    found = []
    for project in projects:
        uow = at.unit(workspace_id)
        found.append(await published(at, uow, ("x",), project_id=project))
        await uow.commit()
    return found


async def test_a_list_by_a_model_tags_what_it_names_in_its_project_and_nothing_else(at: Opened) -> None:
    one, two, elsewhere = await sources(at, "prj_1", "prj_1", "prj_2")
    (foreign,) = await sources(at, "prj_o", workspace_id=OTHER)
    citations = (Citation(label="S1", artifact_id=two.id, digest=two.digest or "", ordinal=0),)
    text = (
        f"# Tags\n\n- **Emergency brake**: {one.id}, [S1], [S9]\n- lift: {elsewhere.id} {foreign.id} art_none\n"
        f"- !!: {one.id}\n- nothing at all\n- : {one.id}\n| a | {one.id} |\n" + f"* x: {one.id}\n"
    )
    made = await listing(at, text, citations=citations, model="tiny")
    assert await about(at) == {one.id: {"topic/emergency-brake", "topic/x"}, two.id: {"topic/emergency-brake"}}
    told = [item.event for item in await at.streams.since(W, "prj_1", 0) if item.event.type == "artifact.tagged"]
    assert [event.data.get("ignored") for event in told if event.subject == made.id] == [
        sorted([elsewhere.id, foreign.id, "art_none"])
    ]
    assert {event.data["listed_in"] for event in told} == {made.id}
    methods = [topic["method"] for event in told for topic in event.data["topics"]]  # type: ignore[union-attr,index,call-overload]
    assert set(methods) == {"model"}
    assert await about(at, OTHER) == {}
    assert await at.audit.check() == []


async def test_a_list_without_a_single_line_of_tags_is_only_filed(at: Opened) -> None:
    await listing(at, "I could not find anything.\n\n- so: there", model="tiny")
    assert await about(at) == {}


async def test_an_older_database_learns_how_its_artifacts_were_judged(at: Opened) -> None:
    """By the statement of the migration, as the program says it for new ones."""
    verdicts = {"met": "judged", "unverified": "unverified"}
    (source,) = await sources(at, "prj_1")
    expected = {source.id: "given"}
    for method in ("rules", "model", None):
        for verdict, checked in verdicts.items():
            uow = at.unit()
            made = await published(at, uow, ("y",), kind="report", derived_from=(source,))
            if method is not None:
                record = QARecord(
                    id=fresh("qar"),
                    workspace_id=W,
                    project_id="prj_1",
                    artifact_id=made.id,
                    digest=made.digest or "",
                    author="writer",
                    checked_by="critic",
                    method=method,
                    criteria=(CriterionVerdict(text="Good", verdict=verdict),),  # type: ignore[arg-type]
                    at=AT,
                )
                uow.put(record)
                uow.put(replace(await uow.get(Artifact, made.id), qa=record))
                filing.judged(uow, record)
            await uow.commit()
            expected[made.id] = checked if method == "model" else (method or "nobody")
    assert dict(await at.rows("SELECT id, checked FROM artifacts")) == expected
    await at.tamper("UPDATE artifacts SET checked = NULL")
    await at.tamper(importlib.import_module("adapters.store.migrations.versions.0004_questions").CHECKED)
    assert dict(await at.rows("SELECT id, checked FROM artifacts")) == expected
