"""What follows when a project's goal or instructions change: they are filed, reach what is not done, mark what is."""

from collections.abc import Sequence
from dataclasses import replace

from domain.artifact import Artifact
from domain.inbox import InboxItem
from domain.plan import Plan
from domain.project import Project
from domain.task import BY_GOAL, BY_INSTRUCTIONS, Task, TaskSpec
from services import filing
from services.inputs import Filed, Stored, file, version_of
from services.ports.content import Content
from services.unit_of_work import UnitOfWork
from services.work_orders import tell

NO_INSTRUCTIONS = "There are no instructions any more."


async def change_goal(uow: UnitOfWork, content: Content, project: Project, goal: str, stored: Stored) -> None:
    """The next version of the plan, whose briefs name the new goal."""
    await _file(uow, content, project, stored, Filed(kind="goal", section="plans", title="Goal"))
    plan = next(iter(await uow.find(Plan, {"project_id": project.id}, limit=1, newest_first=True)), None)
    if plan is not None:
        next_plan = plan.towards(goal, instead_of=project.goal)
        await _redirect(uow, project, replace(project, goal=goal), next_plan.tasks, BY_GOAL)
        if next_plan.tasks != plan.tasks:
            who = uow.scene.principal.id
            origin = f"{who} changed the goal, which its briefs name."
            await filing.adopt(uow, plan.followed_by(next_plan.tasks, made_by=who, origin=origin, at=uow.at))
    await tell(uow, project.id)


async def change_instructions(
    uow: UnitOfWork, content: Content, project: Project, instructions: str, stored: Stored
) -> None:
    """The plan stays: whoever works is told the instructions as they are then."""
    filed = Filed(kind="instructions", section="plans", title="Instructions")
    await _file(uow, content, project, stored, filed)
    await _redirect(uow, project, replace(project, instructions=instructions), (), BY_INSTRUCTIONS)
    await tell(uow, project.id)


async def _file(uow: UnitOfWork, content: Content, project: Project, stored: Stored, filed: Filed) -> None:
    """A new version of it; the first one, where there was none."""
    where = {"project_id": project.id, "section": filed.section, "visible": "1"}
    known = next((a for a in await uow.find(Artifact, where) if a.kind == filed.kind), None)
    if known is None:
        await file(uow, content, project.id, stored, filed)
    else:
        await filing.publish(uow, content, version_of(uow, known.writable(), stored, ()))


async def _redirect(uow: UnitOfWork, old: Project, new: Project, specs: Sequence[TaskSpec], why: str) -> None:
    """What the tasks led to so far is marked as out of date; those of `specs` are other ones now."""
    for task in await uow.find(Task, {"project_id": old.id}):
        spec = next((spec for spec in specs if spec.id == task.id), task.spec)
        if (redirected := task.redirected(spec, why)) != task:
            filing.move_task(uow, task, redirected)
        await _reread(uow, task.id, task.spec.told(old.instructed), spec.told(new.instructed))


async def _reread(uow: UnitOfWork, task_id: str, old: str, new: str) -> None:
    """The new brief for a person who was asked for the old one."""
    for item in await uow.find(InboxItem, {"task_id": task_id, "state": "open"}):
        if item.detail == old != new:
            uow.put(replace(item, detail=new))
