"""What today's rules and models would choose for calls that were made. No model is asked.

A call is judged by what is known of it now: its agent's profile, its task's brief and complexity as they stand, its
workflow as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from domain.agent import Profile
from domain.agent_graph import AgentGraph, AgentNode, FanOutNode, ModelNode
from domain.errors import NotFound
from domain.ports.llm import ModelInfo
from domain.project import Project
from domain.routing import Choice
from domain.run import Run
from domain.task import Task
from services.desk import Command, Desk
from services.ports.store import RecordedCall
from services.staff import Staff
from services.work.choosing import Choosing
from services.work.graphs import SHIPPED

MOST_RUNS = 2_000
TALK = {"memory": "memory", "proposal": "proposal", "answer": "converse"}
NEXT_TIER = ": the next tier"
"""How the reason of a call ends that was made because the alias before gave no usable reply."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """Calls of one agent for one purpose that would go elsewhere, and why."""

    agent: str
    purpose: str
    was: str
    now: str
    reason: str
    calls: int = 0
    money_was: int = 0
    money_now: int = 0


@dataclass(frozen=True, kw_only=True)
class Rerouted:
    """`unknown` calls cannot be judged: their agent, task or workflow is not there any more. Money in millionths."""

    same: int
    changes: tuple[Change, ...]
    unknown: int

    @property
    def calls(self) -> int:
        return self.same + self.unknown + sum(change.calls for change in self.changes)


class Rerouting:
    def __init__(
        self,
        desk: Desk,
        staff: Staff,
        choosing: Choosing,
        describe: Callable[[str], ModelInfo],
        workflows: Callable[[], Mapping[str, AgentGraph]],
    ) -> None:
        self._desk, self._staff, self._choosing = desk, staff, choosing
        self._describe, self._workflows = describe, workflows

    async def of_project(self, command: Command, project_id: str) -> Rerouted:
        """Raises NotFound."""
        await self._desk.get(command, Project, project_id)
        return await self._rerouted(command, {"project_id": project_id})

    async def of_run(self, command: Command, run_id: str) -> Rerouted:
        """With the runs that it started. Raises NotFound."""
        run = await self._desk.get(command, Run, run_id)
        return await self._rerouted(command, {"root_id": run.id} if run.parent_id is None else {"id": run.id})

    async def _rerouted(self, command: Command, where: Mapping[str, str]) -> Rerouted:
        store, workspace = self._desk.store, command.principal.workspace_id
        runs = await store.find(Run, workspace, where=where, limit=MOST_RUNS, newest_first=True)
        calls = [call for run in runs for call in await store.calls(workspace, run.id) if call.state == "done"]
        ids = sorted({call.task_id for call in calls if call.task_id})
        tasks = {task.id: task for task in await store.find(Task, workspace, where={"id": ids}, limit=10_000)}
        here = sorted({call.project_id for call in calls})
        projects = {each.id: each for each in await store.find(Project, workspace, where={"id": here})}
        return self._added_up(
            [(call, self._chosen(call, tasks.get(call.task_id or ""), projects.get(call.project_id))) for call in calls]
        )

    def _added_up(self, found: Sequence[tuple[RecordedCall, Choice | None]]) -> Rerouted:
        same = unknown = 0
        changes: dict[tuple[str, ...], Change] = {}
        for call, choice in found:
            now = _alias(call, choice) if choice is not None else ""
            if choice is None:
                unknown += 1
            elif now == call.alias:
                same += 1
            else:
                key = (call.agent, call.purpose, call.alias, now, choice.reason)
                change = changes.get(key) or Change(
                    agent=call.agent, purpose=call.purpose, was=call.alias, now=now, reason=choice.reason
                )
                changes[key] = self._with(change, call)
        return Rerouted(same=same, changes=tuple(changes.values()), unknown=unknown)

    def _with(self, change: Change, call: RecordedCall) -> Change:
        used = call.usage
        price = self._describe(change.now).price(used.input_tokens, used.output_tokens, used.seconds)
        return Change(
            agent=change.agent,
            purpose=change.purpose,
            was=change.was,
            now=change.now,
            reason=change.reason,
            calls=change.calls + 1,
            money_was=change.money_was + used.money,
            money_now=change.money_now + price,
        )

    def _chosen(self, call: RecordedCall, task: Task | None, project: Project | None) -> Choice | None:
        """None where too little is known."""
        head, _, rest = call.purpose.partition(": ")
        goal = project.goal if project is not None else ""
        profile = self._agent(call.agent)
        match head:
            case "plan" | "replan" if rest != "complexity":
                return self._choosing.choose(self._staff.manager, head, call.project_id, text=goal)
            case "plan":
                return self._choosing.small(rest, call.project_id)
            case "draft" | "revise" | "review" if profile is not None and task is not None:
                return self._of_task(profile, head, call.project_id, task)
            case "gate" | "route":
                return self._choosing.plain(head, call.project_id)
            case "conversation" if rest in TALK:
                return self._choosing.choose(self._staff.manager, TALK[rest], call.project_id)
        text = f"{task.spec.title} {task.spec.brief}" if task is not None else ""
        return self._of_node(head, rest, profile, call.project_id, text)

    def _of_task(self, profile: Profile, purpose: str, project: str, task: Task) -> Choice:
        if purpose == "review":
            return self._choosing.choose(profile, purpose, project, task=task)
        failed = int(purpose == "revise")
        return self._choosing.choose(profile, purpose, project, task=task, failed=failed, text=task.spec.brief)

    def _of_node(self, graph: str, node: str, profile: Profile | None, project: str, text: str) -> Choice | None:
        known = SHIPPED.get(graph) or self._workflows().get(graph.partition("@")[0])
        found = next((each for each in known.nodes if each.id == node), None) if known is not None else None
        doing = found.do if isinstance(found, FanOutNode) else found
        if isinstance(doing, ModelNode):
            return self._choosing.plain("model", project)
        if not isinstance(doing, AgentNode) or profile is None:
            return None
        purpose = "draft" if doing.makes and not doing.gives else "answer"
        return self._choosing.choose(profile, purpose, project, text=text)

    def _agent(self, id: str) -> Profile | None:
        try:
            return self._staff.agent(id)
        except NotFound:
            return None


def _alias(call: RecordedCall, choice: Choice) -> str:
    return choice.stronger or choice.alias if call.reason.endswith(NEXT_TIER) else choice.alias
