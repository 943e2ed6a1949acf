"""Use cases on what the manager recommends: a person reads it, accepts it or dismisses it."""

from dataclasses import replace
from typing import Literal

from pydantic import TypeAdapter

from domain.form import FormField
from domain.project import Project
from domain.recommendation import Recommendation
from domain.task import Task
from services.artifacts import active_project
from services.desk import Command, Desk
from services.forms import Forms, NewForm
from services.plan_edits import PlanEdits, TaskDraft
from services.ports.views import Streams
from services.recommended import REMEMBERED, advised, file
from services.unit_of_work import UnitOfWork
from services.work.planning import newest_plan

State = Literal["open", "accepted", "dismissed", "withdrawn"]
FIELDS = TypeAdapter(tuple[FormField, ...])


class Recommendations:
    def __init__(self, desk: Desk, forms: Forms, plan_edits: PlanEdits, streams: Streams) -> None:
        self._desk, self._forms, self._plan_edits, self._streams = desk, forms, plan_edits, streams
        self._looked: dict[str, int] = {}  # by project, the number of its newest event when the rules looked last

    async def of_project(self, command: Command, project_id: str, state: State | None) -> list[Recommendation]:
        """Oldest first. The rules look, if something has happened in the project since they last did: what is worth
        recommending by now is among them, what no longer is was withdrawn."""
        project = await self._desk.get(command, Project, project_id)
        if project.state == "active":
            newest = await self._streams.latest(project.workspace_id, project_id)
            if self._looked.get(project_id) != newest:
                await self._look_again(command, project)
                self._looked[project_id] = newest
        where = {"project_id": project_id} | ({} if state is None else {"state": state})
        found = await self._desk.store.find(Recommendation, project.workspace_id, where=where, limit=REMEMBERED)
        return sorted(found, key=lambda one: (one.created_at, one.id))

    async def of_workspace(self, command: Command, state: State | None) -> list[Recommendation]:
        where = {} if state is None else {"state": state}
        workspace = command.principal.workspace_id
        found = await self._desk.store.find(Recommendation, workspace, where=where, limit=REMEMBERED)
        return sorted(found, key=lambda one: (one.created_at, one.id))

    async def accept(self, command: Command, id: str) -> Recommendation:
        """The form, filled in as far as it is known, belongs to whoever accepts; where there is a plan, a task for them
        to fill it in is added. Raises RefusedTransition when it was settled before."""

        async def decide(uow: UnitOfWork) -> Recommendation:
            found = await uow.get(Recommendation, id)
            accepted = found.settled("accepted")
            await active_project(uow, found.project_id)
            answers = found.data.get("answers")
            new = NewForm(
                template=found.form,
                title=found.title,
                answers=answers if isinstance(answers, dict) else {},
                fields=FIELDS.validate_python(found.data.get("fields") or ()),
            )
            form = await self._forms.made(uow, found.project_id, new)
            draft = TaskDraft(key="added", title=found.title, brief=found.reason, form=form.id)
            planned = await newest_plan(self._desk.store, found.workspace_id, found.project_id) is not None
            task = await self._plan_edits.added(uow, found.project_id, draft) if planned else None
            return _settle(uow, replace(accepted, artifact_id=form.id, task_id=task.id if task is not None else None))

        return await self._desk.carry_out(command, Recommendation, decide)

    async def dismiss(self, command: Command, id: str) -> Recommendation:
        """It does not come back for the same reason. Raises RefusedTransition when it was settled before."""

        async def decide(uow: UnitOfWork) -> Recommendation:
            return _settle(uow, (await uow.get(Recommendation, id)).settled("dismissed"))

        return await self._desk.carry_out(command, Recommendation, decide)

    async def _look_again(self, command: Command, project: Project) -> None:
        store, workspace = self._desk.store, project.workspace_id
        plan = await newest_plan(store, workspace, project.id)
        known = {task.id: task for task in await store.find(Task, workspace, where={"project_id": project.id})}
        tasks = [known[spec.id] for spec in plan.tasks if spec.id in known] if plan is not None else []
        found = await advised(store, self._desk.content, project, tasks, self._desk.clock.now(), read=True)
        if not (found.new or found.moot):
            return

        async def decide(uow: UnitOfWork) -> Project:
            await file(uow, project.manager_id, found)
            return await uow.get(Project, project.id)

        await self._desk.carry_out(replace(command, key=None), Project, decide)


def _settle(uow: UnitOfWork, settled: Recommendation) -> Recommendation:
    uow.put(settled)
    data = {"rule": settled.rule, "state": settled.state, "title": settled.title, "task_id": settled.task_id}
    uow.happened("recommendation.settled", settled.id, project_id=settled.project_id, data=data)
    return settled
