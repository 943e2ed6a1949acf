"""Use cases on runs, plans, tasks and the inbox: starting, steering, answering."""

from dataclasses import dataclass, replace

from pydantic import JsonValue

from domain.agent_graph import AgentGraph
from domain.artifact import Version
from domain.changes import SignalName
from domain.errors import Conflict, Invalid, RefusedTransition, VersionMoved
from domain.events import EventType
from domain.inbox import InboxItem
from domain.plan import Plan, order
from domain.project import Project
from domain.run import Run, RunPhase, Usage, waits
from domain.task import FINISHED, Task
from services import filing
from services.artifacts import Judgement, active_project, persons_record
from services.budgets import Budgets
from services.canonical import digest_of_graph
from services.desk import Command, Desk
from services.forms import Filling, Forms
from services.inputs import Stored
from services.ports.journal import Journal
from services.ports.store import LedgerEntry
from services.running.runner import state_at
from services.unit_of_work import UnitOfWork
from services.work.graphs import PROJECT

MOST_MINUTES = 100_000


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A person's answer to an inbox item; `hand_in` carries what was made, `fill_in` what the form is filled in
    with. `cap` is what a budget is raised to; `minutes` what the person says they worked on it."""

    action: str
    hint: str = ""
    title: str = ""
    handed_in: Stored | None = None
    filling: Filling | None = None
    cap: int | None = None
    minutes: int | None = None


class WorkOrders:
    def __init__(self, desk: Desk, journal: Journal, forms: Forms, budgets: Budgets) -> None:
        self._desk, self._journal, self._forms, self._budgets = desk, journal, forms, budgets

    # runs

    async def start(self, command: Command, project_id: str, *, replan: bool = False) -> Run:
        """The project's run; `replan` keeps what is done and plans the rest anew. Raises Conflict while one is live."""

        async def decide(uow: UnitOfWork) -> Run:
            project = await active_project(uow, project_id)
            live = await filing.live_project_run(uow, project_id)
            if live is not None:
                raise Conflict(f"The run {live.id} of this project is under way; wait for it or cancel it.")
            return begin(uow, project, replan=replan)

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

    async def fork(self, command: Command, run_id: str, seq: int | None) -> Run:
        """A run that goes on from where `run_id` was after its tick `seq` (the last one by default), with the same
        graph. Raises Conflict where there is nothing to go on from, and while the project's run is live."""
        source = await self._desk.get(command, Run, run_id)
        if source.parent_id is not None:
            raise Conflict(f"{run_id} is part of the run {source.root_id}; fork that one, or retry the task.")
        history = await self._journal.history(source.workspace_id, run_id)
        last = history.entries[-1].seq if history is not None and history.entries else 0
        at = last if seq is None else seq
        if history is None or not 1 <= at <= last:
            raise Invalid(f"{run_id} has the ticks 1 to {last}; there is no {at}.", [("/seq", f"must be 1 to {last}")])
        if state_at(history, run_id, at).result is not None:
            raise Conflict(f"{run_id} had ended at its tick {at}; fork it from an earlier one.")

        async def decide(uow: UnitOfWork) -> Run:
            project = await active_project(uow, source.project_id)
            if source.graph == PROJECT.name and await filing.live_project_run(uow, project.id) is not None:
                raise Conflict(f"A run of {project.id} is under way; wait for it or cancel it.")
            return forked(uow, source, history.graph, at)

        return await self._desk.carry_out(command, Run, decide)

    async def run(self, command: Command, id: str) -> Run:
        """The run, with what it and all the runs that it started have used."""
        run = await self._desk.get(command, Run, id)
        if run.parent_id is not None:
            return run
        tree = await self._desk.store.find(Run, run.workspace_id, where={"root_id": run.id}, limit=10_000)
        phase: RunPhase = "waiting" if run.phase == "running" and waits(tree) else run.phase
        return replace(run, phase=phase, usage=sum((one.usage for one in tree), Usage()))

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
        return [item for item in found if item.kind == kind and (kind != "approval" or await self._is_plan(item))]

    async def _is_plan(self, item: InboxItem) -> bool:
        """Whether it is the project's plan that an approval is about; workflows ask for approvals too."""
        run = await self._desk.store.get(Run, item.workspace_id, item.run_id or "")
        return run is not None and run.graph.startswith("project@")

    # tasks

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
            await tell(uow, task.project_id)
            return moved

        return await self._desk.carry_out(command, Task, decide)

    async def complete(
        self, command: Command, task_id: str, title: str, stored: Stored, minutes: int | None = None
    ) -> Task:
        """Hands something in for a task that waits for this person, who says how long they worked."""
        task = await self._desk.get(command, Task, task_id)
        items = await self._open_items(command, task.project_id, "work")
        item = next((item for item in items if item.task_id == task_id), None)
        if item is not None:
            given = Answer(action="hand_in", title=title, handed_in=stored, minutes=minutes)
            await self.answer(command, item.id, given)
        elif await self._desk.known(command, InboxItem) is None:
            forms = [item.id for item in await self._open_items(command, task.project_id, "form")
                     if item.task_id == task_id]  # fmt: skip
            if forms:
                raise Conflict(f"The task {task_id} waits for a form: fill in the inbox item {forms[0]}.")
            raise Conflict(f"The task {task_id} does not wait for anything to be handed in; it is {task.state}.")
        return await self._desk.get(command, Task, task_id)

    async def retry(self, command: Command, task_id: str, hint: str) -> Task:
        """A task that needs attention, was left out, or was done before something changed, is tried again."""

        async def decide(uow: UnitOfWork) -> Task:
            task = await uow.get(Task, task_id)
            await self._withdraw(uow, task)
            return await self._again(uow, task, hint)

        return await self._desk.carry_out(command, Task, decide)

    async def redo(self, command: Command, project_id: str) -> Project:
        """What is done and out of date is done again, each task after those that it depends on. Raises Conflict where
        nothing is."""

        async def decide(uow: UnitOfWork) -> Project:
            project = await active_project(uow, project_id)
            done = await uow.find(Task, {"project_id": project_id, "state": "done"})
            stale = {task.id: task for task in done if task.stale}
            if not stale:
                raise Conflict(f"Nothing that was done for {project_id} is out of date.")
            plan = await filing.current_plan(uow, project_id)
            for id in order(plan.tasks):
                if id in stale:
                    await self._asked_again(uow, stale[id], "")
            await tell(uow, project_id, start=True)
            return project

        return await self._desk.carry_out(command, Project, decide)

    # inbox

    async def inbox(self, command: Command, after: str, limit: int, state: str = "open") -> list[InboxItem]:
        return await self._desk.store.find(
            InboxItem, command.principal.workspace_id, where={"state": state}, after=after, limit=limit
        )

    async def answer(self, command: Command, item_id: str, answer: Answer) -> InboxItem:
        """Raises RefusedTransition when it was answered before, Invalid on an answer that it does not offer."""

        async def decide(uow: UnitOfWork) -> InboxItem:
            item = await uow.get(InboxItem, item_id)
            if answer.minutes is not None:
                uow.book(_worked(uow, item, answer.minutes))
            filled = await self._filled(uow, item, answer)
            answered = item.answered(_payload(answer) | filled, uow.at)
            if item.kind == "work" and answer.handed_in is None:
                raise Invalid("Hand in a file or a text.", [("/text", "is missing")])
            uow.put(answered)
            data: dict[str, JsonValue] = {"kind": item.kind, "action": answer.action, "task_id": item.task_id}
            data |= {} if answer.minutes is None else {"minutes": answer.minutes}
            uow.happened("inbox.answered", item.id, project_id=item.project_id, data=data)
            if item.kind == "budget":
                await self._budgets.answered(uow, answered, answer.cap)
            elif item.kind == "attention":
                await self._settle(uow, item, answer)
            elif item.run_id is not None:
                uow.signal(item.run_id, "answered", {"item_id": item.id, "answer": answered.answer})
            if item.kind == "approval" and await self._is_plan(item):
                type: EventType = "plan.approved" if answer.action == "approve" else "plan.rejected"
                uow.happened(type, item.project_id, project_id=item.project_id)
            return answered

        found = await self._desk.carry_out(command, InboxItem, decide)
        if found.shortage is not None:
            await self._budgets.free(found.shortage.cap.level, found.shortage.cap.id)
        return found

    async def _filled(self, uow: UnitOfWork, item: InboxItem, answer: Answer) -> dict[str, JsonValue]:
        """What a form was filled in with; for a task also as what is handed in."""
        if item.kind != "form" or item.state != "open" or answer.action != "fill_in":
            return {}
        form, stored = await self._forms.filled(uow, item, answer.filling or Filling())
        return {"answers": form.answers} | (_handed_in(stored) if item.task_id else {})

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
            filing.move_task(uow, task, task.finished())
        await tell(uow, item.project_id, start=True)

    async def _again(self, uow: UnitOfWork, task: Task, hint: str) -> Task:
        again = await self._asked_again(uow, task, hint)
        await tell(uow, task.project_id, start=True)
        return again

    async def _asked_again(self, uow: UnitOfWork, task: Task, hint: str) -> Task:
        before = {"project_id": task.project_id, "id": task.spec.depends_on}
        needed = await uow.find(Task, before) if task.spec.depends_on else []
        again = task.again(hint, waits=any(other.state not in FINISHED for other in needed))
        filing.move_task(uow, task, again)
        return again

    async def _withdraw(self, uow: UnitOfWork, task: Task) -> None:
        for item in await uow.find(InboxItem, {"task_id": task.id, "state": "open"}):
            uow.put(item.withdrawn())
            uow.happened("inbox.withdrawn", item.id, project_id=item.project_id)


def _worked(uow: UnitOfWork, item: InboxItem, minutes: int) -> LedgerEntry:
    """Raises Invalid."""
    if not 0 <= minutes <= MOST_MINUTES:
        said = f"must be 0 to {MOST_MINUTES:,}"
        raise Invalid(f"The minutes that you worked {said}, not {minutes:,}.", [("/minutes", said)])
    return LedgerEntry(
        project_id=item.project_id,
        run_id=item.run_id or "",
        call="",
        kind="work",
        money=0,
        at=uow.at,
        task_id=item.task_id or "",
        by=uow.scene.principal.id,
        minutes=minutes,
    )


def _payload(answer: Answer) -> dict[str, JsonValue]:
    payload: dict[str, JsonValue] = {"action": answer.action, "hint": answer.hint, "title": answer.title}
    if answer.cap is not None:
        payload["cap"] = answer.cap
    if answer.handed_in is not None:
        payload |= _handed_in(answer.handed_in)
    return payload


def _handed_in(stored: Stored) -> dict[str, JsonValue]:
    return {
        "digest": stored.digest,
        "text_digest": stored.text_digest,
        "media_type": stored.media_type,
        "size": stored.size,
    }


def forked(uow: UnitOfWork, source: Run, graph: AgentGraph, seq: int) -> Run:
    id = uow.new_id("run")
    run = Run(
        id=id,
        workspace_id=source.workspace_id,
        project_id=source.project_id,
        root_id=id,
        graph=source.graph,
        graph_digest=source.graph_digest,
        actor=source.actor,
        on_behalf_of=uow.scene.principal.id,
        created_at=uow.at,
        correlation=uow.scene.correlation,
        inputs=source.inputs,
        limits=source.limits,
        pins=source.pins,
        forked_from=source.id,
        forked_at=seq,
    )
    filing.start_run(uow, run, graph)
    return run


def begin(uow: UnitOfWork, project: Project, *, replan: bool = False) -> Run:
    """A project run; with `replan` the manager plans what is not done anew."""
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
        inputs={"approve_plan": project.approve_plan, "replan": replan},
        limits=PROJECT.limits,
    )
    filing.start_run(uow, run, PROJECT)
    return run


async def tell(uow: UnitOfWork, project_id: str, *, start: bool = False) -> None:
    """The live project run hears of it; without one, `start` begins a new one on the same plan."""
    live = await filing.live_project_run(uow, project_id)
    if live is not None:
        uow.signal(live.id, "plan_changed")
    elif start:
        begin(uow, await active_project(uow, project_id))
