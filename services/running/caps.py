"""The budgets that the calls of a run count against: what they allow, when to warn, whom to ask."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from domain.budget import MEASURES, Cap, Level, Shortage, amounts, caps
from domain.errors import CapReached, LimitReached
from domain.events import Event, EventType
from domain.ids import make_id
from domain.inbox import InboxItem
from domain.project import Project
from domain.run import Run
from domain.task import Task
from domain.workspace import Workspace
from services.ports.clock import Clock
from services.ports.live import Live
from services.ports.store import Changeset, CounterMove, RecordedCall, Store
from services.turns import CONVERSATION


class Stopped(LimitReached):
    """Nobody waits for the budget to be raised."""

    def __init__(self, cap: Cap, why: str) -> None:
        super().__init__(
            cap.measure, f"There is no call left in {cap}{why}; raise it, then try this again.", outside=True
        )


def scopes(workspace_id: str, project_id: str, task_id: str | None) -> dict[str, tuple[Level, str]]:
    """The counters that a call moves, each with the level and the id that it counts for."""
    found: dict[str, tuple[Level, str]] = {f"workspace:{workspace_id}": ("workspace", workspace_id)}
    found[f"project:{project_id}"] = ("project", project_id)
    if task_id is not None:
        found[f"task:{task_id}"] = ("task", task_id)
    return found


def held(call: RecordedCall, in_force: Sequence[Cap]) -> list[CounterMove]:
    """What `call` reserves, at each level. Refused where a cap is passed."""
    limits = {(cap.scope, cap.measure): cap.amount for cap in in_force}
    wanted = amounts(call.reserved)
    return [
        CounterMove(scope=scope, name=name, reserve=wanted[name], cap=limits.get((scope, name)))
        for scope in scopes(call.workspace_id, call.project_id, call.task_id)
        for name in MEASURES
    ]


def settled(call: RecordedCall) -> list[CounterMove]:
    """What was reserved becomes what was used. Never refused."""
    before, after = amounts(call.reserved), amounts(call.usage)
    return [
        CounterMove(scope=scope, name=name, reserve=-before[name], spend=after[name])
        for scope in scopes(call.workspace_id, call.project_id, call.task_id)
        for name in MEASURES
    ]


@dataclass(frozen=True, kw_only=True)
class Caps:
    """Of one run, as they stand now: a person may change them at any time."""

    run: Run
    store: Store
    clock: Clock
    live: Live

    async def in_force(self) -> list[Cap]:
        run, workspace_id = self.run, self.run.workspace_id
        workspace = await self.store.get(Workspace, workspace_id, workspace_id)
        project = await self.store.get(Project, workspace_id, run.project_id)
        task = await self.store.get(Task, workspace_id, run.task_id) if run.task_id is not None else None
        return [
            *(caps("workspace", workspace_id, workspace.budget) if workspace is not None else ()),
            *(caps("project", project.id, project.budget) if project is not None else ()),
            *(caps("task", task.id, task.budget) if task is not None else ()),
        ]

    def shortage(self, refused: CapReached) -> Shortage:
        """What was refused, in words for people."""
        level, id = scopes(self.run.workspace_id, self.run.project_id, self.run.task_id)[refused.scope]
        cap = Cap(
            level=level, id=id, measure=next(name for name in MEASURES if name == refused.limit), amount=refused.cap
        )
        return Shortage(cap=cap, used=refused.used, held=refused.held, wanted=refused.wanted)

    # nearly used

    async def warn(self) -> None:
        """Of each cap that is nearly used, once as long as it is the same."""
        in_force = await self.in_force()
        if not in_force:
            return
        found = await self.store.counters(self.run.workspace_id, sorted({cap.scope for cap in in_force}))
        used = {(counter.scope, counter.name): counter.spent for counter in found}
        for cap in in_force:
            spent = used.get((cap.scope, cap.measure), 0)
            if cap.amount and cap.is_nearly_used(spent):
                await self._warn(cap, spent)

    async def _warn(self, cap: Cap, spent: int) -> None:
        data: dict[str, JsonValue] = {"level": cap.level, "id": cap.id, "measure": cap.measure, "cap": cap.amount}
        event = self._event("budget.warned", cap.id, {**data, "used": spent, "sentence": cap.nearly(spent)})
        warning = Changeset(workspace_id=self.run.workspace_id, events=[event])
        await self._once(f"warned:{cap.scope}", f"{cap.measure}:{cap.amount}", warning)

    # used up

    async def ask(self, shortage: Shortage) -> None:
        """Opens an inbox item for the owner, unless one is open. Raises Stopped where they were asked about this very
        cap before and said stop, and in a conversation: who asks there is present, and can raise it."""
        await self._open(shortage)
        if self.run.graph == CONVERSATION:
            raise Stopped(shortage.cap, "")

    async def _open(self, shortage: Shortage) -> None:
        where = {"needs": shortage.cap.needs}
        asked = await self.store.find(InboxItem, self.run.workspace_id, where=where)
        if any(item.state == "open" for item in asked):
            return
        if asked and asked[-1].stops(shortage.cap):
            raise Stopped(shortage.cap, ", and you said to stop there")
        item = await self._item(shortage)
        data: dict[str, JsonValue] = {"kind": item.kind, "title": item.title, "task_id": item.task_id}
        event = self._event("inbox.opened", item.id, data)
        opening = Changeset(workspace_id=self.run.workspace_id, puts=[item], events=[event])
        await self._once(f"asked:{shortage.cap.scope}", f"{shortage.cap.measure}:{len(asked)}", opening)

    async def _item(self, shortage: Shortage) -> InboxItem:
        project = await self.store.get(Project, self.run.workspace_id, self.run.project_id)
        now = self.clock.now()
        return InboxItem(
            id=make_id("inbox", now, self.clock.entropy()),
            workspace_id=self.run.workspace_id,
            project_id=self.run.project_id,
            kind="budget",
            title=shortage.title,
            detail=shortage.told,
            created_at=now,
            for_user=project.owner_id if project is not None else self.run.on_behalf_of,
            task_id=shortage.cap.id if shortage.cap.level == "task" else None,
            needs=shortage.cap.needs,
            shortage=shortage,
        )

    async def _once(self, scope: str, name: str, changes: Changeset) -> None:
        """Commits `changes`, unless somebody did so for the same reason: a counter that goes up to one."""
        try:
            await self.store.commit(replace(changes, counters=[CounterMove(scope=scope, name=name, spend=1, cap=1)]))
        except CapReached:
            return
        self.live.stir(self.run.root_id)
        self.live.stir(self.run.project_id)

    def _event(self, type: EventType, subject: str, data: dict[str, JsonValue]) -> Event:
        run = self.run
        return Event(
            type=type,
            workspace_id=run.workspace_id,
            subject=subject,
            actor=run.actor,
            on_behalf_of=run.on_behalf_of,
            at=self.clock.now(),
            project_id=run.project_id,
            correlation=run.correlation,
            cause=run.id,
            run_id=run.id,
            root_id=run.root_id,
            data=data,
        )
