"""Use cases on runs, plans, tasks and the inbox: starting, steering, answering."""

from dataclasses import dataclass, replace

from pydantic import JsonValue

from domain.artifact import Version
from domain.changes import SignalName
from domain.errors import Conflict, Invalid, RefusedTransition, VersionMoved
from domain.events import EventType
from domain.inbox import InboxItem
from domain.plan import Plan, check_staff
from domain.project import Project
from domain.run import Run, Usage
from domain.task import Assignee, Task, TaskSpec
from services import filing
from services.artifacts import Judgement, active_project, persons_record
from services.canonical import digest_of_graph
from services.desk import Command, Desk
from services.inputs import Stored
from services.staff import Staff
from services.unit_of_work import UnitOfWork
from services.work.graphs import PROJECT


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A person's answer to an inbox item; `hand_in` carries what was made."""

    action: str
    hint: str = ""
    title: str = ""
    handed_in: Stored | None = None


class WorkOrders:
    def __init__(self, desk: Desk, staff: Staff) -> None:
        self._desk, self._staff = desk, staff

    # runs

    async def start(self, command: Command, project_id: str) -> Run:
        """The project's run. Raises Conflict while one is live: there is one a project."""

        async def decide(uow: UnitOfWork) -> Run:
            project = await active_project(uow, project_id)
            live = await filing.live_project_run(uow, project_id)
            if live is not None:
                raise Conflict(f"The run {live.id} of this project is under way; wait for it or cancel it.")
            return self._project_run(uow, project)

        return await self._desk.carry_out(command, Run, decide)

    async def steer(self, command: Command, run_id: str, name: SignalName) -> Run:
        """cancel, pause or resume. Raises RefusedTransition when the run has ended."""

        async def decide(uow: UnitOfWork) -> Run:
            run = await uow.get(Run, run_id)
            if run.phase == "ended":
                raise RefusedTransition("run", run_id, run.phase, {"cancel": "cancelled"}.get(name, name))
            uow.signal(run.id, name)
            return run

        return await self._desk.carry_out(command, Run, decide)

    async def run(self, command: Command, id: str) -> Run:
        """The run, with what it and all the runs that it started have used."""
        run = await self._desk.get(command, Run, id)
        if run.parent_id is not None:
            return run
        tree = await self._desk.store.find(Run, run.workspace_id, where={"root_id": run.id}, limit=10_000)
        return replace(run, usage=sum((one.usage for one in tree), Usage()))

    def _project_run(self, uow: UnitOfWork, project: Project) -> Run:
        id = uow.new_id("run")
        run = Run(
            id=id,
            workspace_id=project.workspace_id,
            project_id=project.id,
            root_id=id,
            graph=PROJECT.name,
            graph_digest=digest_of_graph(PROJECT),
            actor=project.manager_id,
            on_behalf_of=uow.scene.principal.id,
            created_at=uow.at,
            correlation=uow.scene.correlation,
            inputs={"approve_plan": project.approve_plan},
            limits=PROJECT.limits,
        )
        filing.start_run(uow, run, PROJECT)
        return run

    # plan

    async def plan(self, command: Command, project_id: str) -> Plan:
        await self._desk.get(command, Project, project_id)
        return await filing.current_plan(self._desk.unit(command), project_id)

    async def approve(self, command: Command, project_id: str) -> Plan:
        """Answers the open approval. Raises Conflict when none is open."""
        items = await self._open_items(command, project_id, "approval")
        if items:
            await self.answer(command, items[0].id, Answer(action="approve"))
        elif await self._desk.known(command, InboxItem) is None:
            raise Conflict(f"No plan of {project_id} waits for approval.")
        return await self.plan(command, project_id)

    async def _open_items(self, command: Command, project_id: str, kind: str) -> list[InboxItem]:
        await self._desk.get(command, Project, project_id)
        where = {"project_id": project_id, "state": "open"}
        found = await self._desk.store.find(InboxItem, command.principal.workspace_id, where=where)
        return [item for item in found if item.kind == kind]

    # tasks

    async def assign(self, command: Command, task_id: str, assignee: Assignee, expected: int | None) -> Task:
        """Gives a task that is not under way to somebody else; the plan gets a new version."""

        async def decide(uow: UnitOfWork) -> Task:
            task = await uow.get(Task, task_id)
            if expected is not None and task.version != expected:
                raise VersionMoved("task", task_id)
            if task.state not in ("waiting", "ready", "needs_attention"):
                raise RefusedTransition("task", task_id, task.state, "given to somebody else")
            spec = self._assigned(task.spec, assignee, uow)
            plan = await filing.current_plan(uow, task.project_id)
            origin = f"{uow.scene.principal.id} gave the task “{spec.title}” to {assignee.id}."
            uow.put(plan.revised(spec, made_by=uow.scene.principal.id, origin=origin, at=uow.at))
            changed = replace(task, spec=spec)
            filing.move_task(uow, task, changed)
            await self._tell(uow, task.project_id)
            return changed

        return await self._desk.carry_out(command, Task, decide)

    def _assigned(self, spec: TaskSpec, assignee: Assignee, uow: UnitOfWork) -> TaskSpec:
        people = [uow.scene.principal.id]
        changed = replace(spec, assignee=assignee)
        if assignee.kind == "person":
            check_staff([changed], people)
            return changed.for_person()
        profile = self._staff.agent(assignee.id)
        profile.output(spec.expected[0].kind)
        return replace(spec, assignee=Assignee(kind="core", id=profile.id))

    async def skip(self, command: Command, task_id: str, expected: int | None = None, *, cancel: bool) -> Task:
        async def decide(uow: UnitOfWork) -> Task:
            task = await uow.get(Task, task_id)
            if expected is not None and task.version != expected:
                raise VersionMoved("task", task_id)
            if task.run_id is not None and task.state in ("running", "in_review"):
                uow.signal(task.run_id, "cancel")
            moved = task.moved("cancelled" if cancel else "skipped")
            filing.move_task(uow, task, moved)
            await self._withdraw(uow, task)
            await self._tell(uow, task.project_id)
            return moved

        return await self._desk.carry_out(command, Task, decide)

    async def complete(self, command: Command, task_id: str, title: str, stored: Stored) -> Task:
        """Hands something in for a task that waits for this person."""
        task = await self._desk.get(command, Task, task_id)
        items = await self._open_items(command, task.project_id, "work")
        item = next((item for item in items if item.task_id == task_id), None)
        if item is not None:
            await self.answer(command, item.id, Answer(action="hand_in", title=title, handed_in=stored))
        elif await self._desk.known(command, InboxItem) is None:
            raise Conflict(f"The task {task_id} does not wait for anything to be handed in; it is {task.state}.")
        return await self._desk.get(command, Task, task_id)

    async def retry(self, command: Command, task_id: str, hint: str) -> Task:
        """A task that needs attention (or was skipped or cancelled) is tried again, with a hint."""

        async def decide(uow: UnitOfWork) -> Task:
            task = await uow.get(Task, task_id)
            if task.state not in ("needs_attention", "skipped", "cancelled"):
                raise RefusedTransition("task", task_id, task.state, "tried again")
            await self._withdraw(uow, task)
            return await self._again(uow, task, hint)

        return await self._desk.carry_out(command, Task, decide)

    # inbox

    async def inbox(self, command: Command, after: str, limit: int, state: str = "open") -> list[InboxItem]:
        return await self._desk.store.find(
            InboxItem, command.principal.workspace_id, where={"state": state}, after=after, limit=limit
        )

    async def answer(self, command: Command, item_id: str, answer: Answer) -> InboxItem:
        """Raises RefusedTransition when it was answered before, Invalid on an answer that it does not offer."""

        async def decide(uow: UnitOfWork) -> InboxItem:
            item = await uow.get(InboxItem, item_id)
            answered = item.answered(_payload(answer), uow.at)
            if item.kind == "work" and answer.handed_in is None:
                raise Invalid("Hand in a file or a text.", [("/text", "is missing")])
            uow.put(answered)
            data: dict[str, JsonValue] = {"kind": item.kind, "action": answer.action, "task_id": item.task_id}
            uow.happened("inbox.answered", item.id, project_id=item.project_id, data=data)
            if item.kind == "attention":
                await self._settle(uow, item, answer)
            elif item.run_id is not None:
                uow.signal(item.run_id, "answered", {"item_id": item.id, "answer": answered.answer})
            if item.kind == "approval":
                type: EventType = "plan.approved" if answer.action == "approve" else "plan.rejected"
                uow.happened(type, item.project_id, project_id=item.project_id)
            return answered

        return await self._desk.carry_out(command, InboxItem, decide)

    async def _settle(self, uow: UnitOfWork, item: InboxItem, answer: Answer) -> None:
        """A task that needs attention: accepted as it is (the person's QA), tried again, or discarded."""
        task = await uow.get(Task, item.task_id or "")
        if answer.action == "retry":
            await self._again(uow, task, answer.hint)
            return
        version = await uow.seek(Version, item.draft) if item.draft else None
        if answer.action == "discard":
            if version is not None:
                uow.put(version.discarded())
                uow.happened("artifact.discarded", version.artifact_id, project_id=item.project_id)
            filing.move_task(uow, task, task.moved("skipped"))
        else:
            if version is None:
                raise Invalid("There is no draft to accept; retry it or discard it.", [("/action", "no draft")])
            record = await persons_record(uow, version, Judgement(verdict="accept", note=answer.hint))
            uow.put(record)
            await filing.publish(uow, self._desk.content, version, record)
            filing.move_task(uow, task, task.moved("done"))
        await self._tell(uow, item.project_id, start=True)

    async def _again(self, uow: UnitOfWork, task: Task, hint: str) -> Task:
        again = replace(task.moved("ready"), hint=hint or task.hint, findings=())
        filing.move_task(uow, task, again)
        await self._tell(uow, task.project_id, start=True)
        return again

    async def _withdraw(self, uow: UnitOfWork, task: Task) -> None:
        for item in await uow.find(InboxItem, {"task_id": task.id, "state": "open"}):
            uow.put(item.withdrawn())
            uow.happened("inbox.withdrawn", item.id, project_id=item.project_id)

    async def _tell(self, uow: UnitOfWork, project_id: str, *, start: bool = False) -> None:
        """The live project run hears of it; without one, `start` begins a new one on the same plan."""
        live = await filing.live_project_run(uow, project_id)
        if live is not None:
            uow.signal(live.id, "plan_changed")
        elif start:
            self._project_run(uow, await active_project(uow, project_id))


def _payload(answer: Answer) -> dict[str, JsonValue]:
    payload: dict[str, JsonValue] = {"action": answer.action, "hint": answer.hint, "title": answer.title}
    if answer.handed_in is not None:
        payload |= {
            "digest": answer.handed_in.digest,
            "text_digest": answer.handed_in.text_digest,
            "media_type": answer.handed_in.media_type,
            "size": answer.handed_in.size,
        }
    return payload
