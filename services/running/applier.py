"""Changes of a tick, put into a unit of work. The rules refuse; the runner turns that into a tick."""

from dataclasses import replace
from functools import singledispatchmethod

from pydantic import JsonValue

from domain.agent import agent_id
from domain.agent_graph.ticks import OUTSIDE, USED
from domain.artifact import Artifact, Version
from domain.changes import (
    AdoptPlan,
    Change,
    DiscardStaged,
    EndRun,
    FileQA,
    MoveTask,
    OpenInbox,
    PublishStaged,
    RaiseAlert,
    Recommend,
    SayTurn,
    SendMessage,
    SetTimer,
    SignalChildren,
    StageVersion,
    StartChild,
    WithdrawInbox,
)
from domain.conversation import Turn
from domain.errors import DomainError
from domain.inbox import InboxItem
from domain.message import SentMessage
from domain.plan import Plan
from domain.project import Project
from domain.qa import QARecord
from domain.run import Run, Usage
from domain.task import LIVE, Task
from services import alerts, filing, post, recommended, turns
from services.pins import GraphLookup
from services.ports.content import Content
from services.running.nursery import DELEGATED, Nursery, Pinned
from services.unit_of_work import UnitOfWork


class Applier:
    """Applies the changes of one run's tick to one unit of work."""

    def __init__(self, run: Run, uow: UnitOfWork, content: Content, graph: GraphLookup, pinned: Pinned) -> None:
        self.run = run
        self._uow, self._content, self._nursery = uow, content, Nursery(run, graph, pinned)
        self._staged: list[Version] = []
        self._delegations: dict[str, SentMessage] = {}

    async def apply(self, change: Change) -> None:
        await self._apply(change)

    @singledispatchmethod
    async def _apply(self, change: object) -> None:
        raise TypeError(f"not a change: {change!r}")

    @_apply.register
    async def _(self, change: StageVersion) -> None:
        version, uow = change.version, self._uow
        artifact = await uow.seek(Artifact, version.artifact_id)
        if artifact is None:
            uow.put(
                Artifact(
                    id=version.artifact_id,
                    workspace_id=version.workspace_id,
                    project_id=version.project_id,
                    kind=version.kind,
                    section=change.section,
                    title=change.title,
                    owner_id=change.owner_id,
                    created_at=version.created_at,
                    task_id=version.task_id,
                )
            )
        else:
            artifact.writable()
        for earlier in await uow.find(Version, {"artifact_id": version.artifact_id, "run_id": self.run.id}):
            if earlier.state == "staged" and earlier.id != version.id:
                uow.put(earlier.discarded())
        known = await uow.seek(Version, version.id)
        if known is None:
            uow.put(version)
            self._staged.append(version)
        elif known.state == "discarded":
            uow.put(replace(version, version=known.version))

    @_apply.register
    async def _(self, change: FileQA) -> None:
        if await self._uow.seek(QARecord, change.record.id) is None:
            self._uow.put(change.record)

    @_apply.register
    async def _(self, change: PublishStaged) -> None:
        stored = await self._uow.find(Version, {"run_id": change.run_id, "state": "staged"})
        just_now = [version for version in self._staged if version.run_id == change.run_id and version not in stored]
        for version in [*stored, *just_now]:
            if version.state == "staged":
                await filing.publish(self._uow, self._content, version)

    @_apply.register
    async def _(self, change: DiscardStaged) -> None:
        for version in await self._uow.find(Version, {"run_id": change.run_id, "state": "staged"}):
            self._uow.put(version.discarded())
            self._uow.happened("artifact.discarded", version.artifact_id, project_id=version.project_id)

    @_apply.register
    async def _(self, change: AdoptPlan) -> None:
        plans = await self._uow.find(Plan, {"project_id": change.plan.project_id})
        newest = max(plans, key=lambda plan: plan.number, default=None)
        plan = change.plan
        if change.only and newest is not None:
            only = [plan.task(id) for id in change.only]
            plan = newest.revised(*only, made_by=plan.made_by, origin=plan.origin, at=self._uow.at)
        elif newest is not None and newest.number >= plan.number:
            return
        elif change.goal:
            project = await self._uow.get(Project, plan.project_id)
            plan = plan.towards(project.goal, change.goal)
        await filing.adopt(self._uow, plan)

    @_apply.register
    async def _(self, change: MoveTask) -> None:
        task = await self._uow.get(Task, change.task_id)
        moved = task.moved(change.to)
        if change.findings is not None:
            moved = replace(moved, findings=change.findings)
        filing.move_task(self._uow, task, moved)

    @_apply.register
    async def _(self, change: StartChild) -> None:
        try:
            child, graph = await self._nursery.child(change, self._uow)
        except DomainError as refusal:
            if change.task_id is not None:  # nothing waits for that run by its id
                raise
            self._not_started(change, str(refusal))
            return
        if change.attempt and change.task_id is not None:
            task = await self._uow.get(Task, change.task_id)
            started = task.started(child.id)
            child = replace(child, attempt=started.attempts)
            filing.move_task(self._uow, task, started)
        filing.start_run(self._uow, child, graph)
        if self.run.phase == "paused":
            self._uow.signal(child.id, "pause")

    def _not_started(self, change: StartChild, reason: str) -> None:
        """The node that would wait for the run goes on as if that had failed."""
        payload: dict[str, JsonValue] = {"run_id": change.run_id, "result": "failed", "reason": reason}
        self._uow.signal(self.run.id, "child_ended", payload)
        if (message := self._delegations.get(change.run_id)) is not None:
            post.expire(self._uow, message)

    @_apply.register
    async def _(self, change: OpenInbox) -> None:
        project = await self._uow.get(Project, self.run.project_id)
        item = InboxItem(
            id=change.item_id,
            workspace_id=self.run.workspace_id,
            project_id=self.run.project_id,
            kind=change.kind,
            title=change.title,
            detail=change.detail,
            created_at=self._uow.at,
            for_user=change.for_user or project.owner_id,
            task_id=change.task_id,
            run_id=self.run.id if change.asks else None,
            artifact_id=change.artifact_id,
            draft=change.draft,
            form=change.form,
            findings=change.findings,
        )
        self._uow.put(item)
        data = {"kind": item.kind, "title": item.title, "task_id": item.task_id}
        self._uow.happened("inbox.opened", item.id, project_id=item.project_id, data=data)

    @_apply.register
    async def _(self, change: WithdrawInbox) -> None:
        for item in await self._uow.find(InboxItem, {"run_id": self.run.id, "state": "open"}):
            if change.item_id not in (None, item.id):
                continue
            self._uow.put(item.withdrawn())
            self._uow.happened("inbox.withdrawn", item.id, project_id=item.project_id)

    @_apply.register
    async def _(self, change: SendMessage) -> None:
        message = change.message
        sent = SentMessage(
            id=message.id,
            workspace_id=self.run.workspace_id,
            project_id=self.run.project_id,
            kind=message.kind,
            sender=self.run.actor,
            recipient=agent_id(message.recipient) if message.recipient else None,
            correlation=message.correlation,
            run_id=self.run.id,
            sent_at=self._uow.at,
            body=message.body,
            deadline=message.deadline,
            depth=self.run.depth,
            state="told" if message.kind == "broadcast" else "sent",
        )
        post.send(self._uow, sent)
        if sent.kind == "delegate":
            self._delegations[sent.correlation] = sent

    @_apply.register
    async def _(self, change: SayTurn) -> None:
        known = await self._uow.get(Turn, change.turn.id)
        if known.state == "thinking":
            turns.say(self._uow, replace(change.turn, version=known.version))

    @_apply.register
    async def _(self, change: Recommend) -> None:
        await recommended.file(self._uow, self.run.actor, change)

    @_apply.register
    async def _(self, change: RaiseAlert) -> None:
        await alerts.file(self._uow, self._content, change)

    @_apply.register
    async def _(self, change: SignalChildren) -> None:
        for child in await self._uow.find(Run, {"parent_id": self.run.id}):
            if child.phase != "ended" and change.run_id in (None, child.id):
                self._uow.signal(child.id, change.name)

    @_apply.register
    async def _(self, change: SetTimer) -> None:
        self._uow.signal(self.run.id, "timer", {"ref": change.ref}, due=change.at)

    @_apply.register
    async def _(self, change: EndRun) -> None:
        """The run row itself is moved by the runner. An attempt that succeeded ends its task, one that was cancelled
        gives it back; the parent is told."""
        task = await self._uow.seek(Task, self.run.task_id) if self.run.task_id else None
        if task is not None and task.run_id == self.run.id and task.state in LIVE:
            if change.result == "succeeded":
                filing.move_task(self._uow, task, task.finished())
            elif change.result == "cancelled":
                filing.move_task(self._uow, task, task.moved("ready"))
        if self.run.graph == DELEGATED:
            await post.close(self._uow, self.run, change)
        if self.run.graph == turns.CONVERSATION:
            await turns.close(self._uow, self.run, change.result, change.reason)
        if self.run.parent_id is not None:
            payload = {
                "run_id": self.run.id,
                "task_id": self.run.task_id,
                "result": change.result,
                "reason": change.reason,
                USED: usage_json(change.used),
                OUTSIDE: change.outside,
            }
            self._uow.signal(self.run.parent_id, "child_ended", {**change.output, **payload})


def usage_json(usage: Usage) -> dict[str, JsonValue]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "money": usage.money,
        "calls": usage.calls,
        "seconds": round(usage.seconds, 3),
    }
