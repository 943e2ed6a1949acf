"""An agent reads its sections and its direct inputs and writes its sections, checked where that happens."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from config import catalogue
from domain.artifact import SECTIONS, Artifact, Version
from domain.criterion import Criterion
from domain.errors import Forbidden
from domain.ids import digest_of
from domain.plan import Plan
from domain.run import Run
from domain.task import Assignee, Expected, Task, TaskSpec
from services import filing
from services.ports.store import Indexed
from services.ports.views import Hit, Search
from services.staff import Staff
from services.work.context import gather
from services.work.drafting import Drafter
from tests.benchmarks.house import AT, MANAGER, PROJECT, USER, WORKSPACE, House
from tests.benchmarks.prompt import DRAFT
from tests.one_model import choosing

STAFF = Staff(shipped=catalogue.profiles(), templates=catalogue.templates())
NAMES = sorted(profile.name for profile in STAFF.specialists)
DIRECT = "notes"
"""Where the direct input of a task lies in these tests."""


class Unfiltered(Search):
    """A search that forgot about sections."""

    def __init__(self, behind: Search) -> None:
        self._behind = behind

    async def match(
        self,
        workspace_id: str,
        project_id: str,
        words: Sequence[str],
        *,
        sections: Sequence[str] | None = None,
        artifacts: Sequence[str] | None = None,
        tasks: Sequence[str] | None = None,
        limit: int = 50,
    ) -> list[Hit]:
        return await self._behind.match(workspace_id, project_id, words, artifacts=artifacts, tasks=tasks, limit=limit)

    async def passages(self, workspace_id: str, artifact_id: str) -> list[Hit]:
        return await self._behind.passages(workspace_id, artifact_id)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path)
    await made.founded("Keep honey bees")
    yield made
    made.database.close()


def spec(id: str, *depends_on: str, agent: str = "synthesizer", kind: str = "summary", section: str = "") -> TaskSpec:
    return TaskSpec(
        id=id,
        title="Keep honey bees",
        brief="Say how honey bees are kept.",
        assignee=Assignee(kind="core", id=f"agt_{agent}"),
        expected=(Expected(kind=kind, section=section or "synthesis"),),
        criteria=(Criterion(text="It is there"),),
        depends_on=depends_on,
    )


async def planned(home: House, *tasks: TaskSpec) -> Plan:
    plan = Plan(
        project_id=PROJECT, workspace_id=WORKSPACE, number=1, tasks=tasks, made_by=MANAGER, origin="o", created_at=AT
    )
    uow = home.unit()
    await filing.adopt(uow, plan)
    await uow.commit()
    return plan


async def filed(home: House, id: str, section: str, task_id: str | None) -> None:
    text = f"Honey bees are kept in hives, says {id} of the section {section}."
    artifact = Artifact(
        id=id,
        workspace_id=WORKSPACE,
        project_id=PROJECT,
        kind="note",
        section=section,
        title=id,
        owner_id=USER,
        created_at=AT,
        head=1,
        digest=digest_of(text.encode()),
        task_id=task_id,
    )
    uow = home.unit()
    uow.put(artifact)
    digest = artifact.digest or ""
    uow.index(
        Indexed(
            project_id=PROJECT,
            artifact_id=id,
            digest=digest,
            section=section,
            task_id=task_id,
            passages=(text,),
        )
    )
    await uow.commit()


async def with_all_sections(home: House) -> tuple[Plan, Task]:
    """A last task, a task before it whose result is its direct input, and before that one result in each section."""
    early = [spec(f"tsk_{section}") for section in SECTIONS]
    plan = await planned(home, *early, spec("tsk_middle", *(task.id for task in early)), spec("tsk_last", "tsk_middle"))
    for section in SECTIONS:
        await filed(home, f"art_{section}", section, f"tsk_{section}")
    await filed(home, "art_direct", DIRECT, "tsk_middle")
    task = await home.store.get(Task, WORKSPACE, "tsk_last")
    assert task is not None
    return plan, task


async def test_each_agent_is_given_its_direct_input_and_what_lies_in_the_sections_that_it_reads(home: House) -> None:
    """But for what the Watcher raises while others work: what of it is there would hang on who was faster."""
    plan, task = await with_all_sections(home)
    for name in NAMES:
        profile = STAFF.agent(name)
        context = await gather(home.store, home.search, task, plan, profile, "honey bees", 6_000)
        seen = {passage.source for passage in context.passages}
        read = {f"art_{section}" for section in profile.reads if section != "alerts" or name == "watcher"}
        assert seen == {"art_direct", *read}, name


async def test_what_a_search_should_not_have_given_is_refused_where_it_is_read(home: House) -> None:
    plan, task = await with_all_sections(home)
    for name in NAMES:
        search, profile = Unfiltered(home.search), STAFF.agent(name)
        if set(profile.reads) == set(SECTIONS):
            assert await gather(home.store, search, task, plan, profile, "honey bees", 6_000)
        else:
            with pytest.raises(Forbidden, match=f"The {profile.title} may not read the section "):
                await gather(home.store, search, task, plan, profile, "honey bees", 6_000)


@pytest.mark.parametrize("name", NAMES)
async def test_an_agent_stages_its_work_in_the_sections_that_it_writes_and_nowhere_else(home: House, name: str) -> None:
    profile = STAFF.agent(name)
    kind = profile.outputs[0].kind
    plan = await planned(
        home, *(spec(f"tsk_{section}", agent=name, kind=kind, section=section) for section in SECTIONS)
    )
    await filed(home, "art_source", "sources", None)
    runner = home.runner({"draft@1": Drafter(STAFF, choosing()).draft}, lambda _: DRAFT)
    for task, section in zip(plan.tasks, SECTIONS, strict=True):
        run = await home.run(DRAFT, task_id=task.id)
        assert await runner.advance(run)
        found = await home.store.get(Run, WORKSPACE, run)
        staged = await home.store.find(Version, WORKSPACE, where={"run_id": run})
        assert found is not None
        if section in profile.writes:
            assert (found.result, [version.kind for version in staged]) == ("succeeded", [kind])
        else:
            assert found.result == "failed"
            assert f"may not write the section {section}" in found.reason
            assert staged == []
