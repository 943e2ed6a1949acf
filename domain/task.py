"""A task: one node of the plan, and the states it moves through."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from domain.budget import Budget
from domain.criterion import Criterion
from domain.errors import RefusedTransition

TaskState = Literal["waiting", "ready", "running", "in_review", "needs_attention", "done", "skipped", "cancelled"]
Complexity = Literal["simple", "medium", "complex"]

MOVES: dict[TaskState, frozenset[TaskState]] = {
    "waiting": frozenset({"ready", "skipped", "cancelled"}),
    "ready": frozenset({"running", "waiting", "skipped", "cancelled"}),
    "running": frozenset({"in_review", "ready", "needs_attention", "done", "cancelled"}),
    "in_review": frozenset({"done", "running", "ready", "needs_attention", "cancelled"}),
    "needs_attention": frozenset({"ready", "done", "skipped", "cancelled"}),
    "done": frozenset({"ready"}),
    "skipped": frozenset({"ready"}),
    "cancelled": frozenset({"ready"}),
}
SOURCED = Criterion(text="It says what it rests on")
MAX_BRIEF = 20_000
ONE_ATTEMPT = "one_attempt"  # the way that needs no workflow around the one agent
LIVE: frozenset[TaskState] = frozenset({"running", "in_review"})
FINISHED: frozenset[TaskState] = frozenset({"done", "skipped"})
BY_GOAL, BY_INSTRUCTIONS = "The goal was changed", "The instructions were changed"
AGAIN: frozenset[TaskState] = frozenset({"needs_attention", "skipped", "cancelled", "done"})


@dataclass(frozen=True, kw_only=True)
class Assignee:
    """Who does a task. `id` is a core agent's name, a member's user or a custom agent's id."""

    kind: Literal["core", "custom", "person"]
    id: str


@dataclass(frozen=True, kw_only=True)
class Expected:
    """One artifact that a task must leave behind."""

    kind: str
    section: str


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """What the plan says of a task; the task's state is kept beside it. A task leaves one artifact behind (for now).
    `way` names the workflow by which an agent does it; without one, it is done in one attempt. `form` is the id of
    a form that a person fills in, which does the task."""

    id: str
    title: Annotated[str, Field(min_length=1, max_length=200)]
    brief: Annotated[str, Field(max_length=MAX_BRIEF)]
    assignee: Assignee
    expected: Annotated[tuple[Expected, ...], Field(min_length=1, max_length=1)]
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1, max_length=20)]
    depends_on: tuple[str, ...] = ()
    complexity: Complexity = "medium"
    due: datetime | None = None
    way: str = ""
    form: str = ""

    def asks_for_more_than(self, other: "TaskSpec") -> bool:
        """Whether what was done for `other` may not do for this one."""
        return (self.brief, self.expected, self.criteria, self.depends_on) != (
            other.brief,
            other.expected,
            other.criteria,
            other.depends_on,
        )

    def plainly(self) -> "TaskSpec":
        """In one attempt, without a workflow."""
        return replace(self, way=ONE_ATTEMPT)

    def towards(self, goal: str, instead_of: str) -> "TaskSpec":
        """With `goal` in its brief where a template wrote the old one: behind a colon, at the end of a paragraph."""
        old, new = f": {instead_of.strip()}", f": {goal.strip()}"
        brief = re.sub(rf"{re.escape(old)}(?=\n\n|\Z)", lambda _: new, self.brief)
        return self if brief == self.brief else replace(self, brief=brief[:MAX_BRIEF])

    def told(self, instructed: str) -> str:
        """Its brief for a person, with the instructions of the project as that words them."""
        return f"{self.brief}\n\n{instructed}" if instructed else self.brief

    def for_person(self) -> "TaskSpec":
        """Without the criteria on citation labels, which only prompts have, a reader judges its sources instead; and on
        a sign-off, which handing it in is."""
        agents = ("citations@", "person@")
        kept = tuple(c for c in self.criteria if c.check is None or not c.check.rule.startswith(agents))
        return self if kept == self.criteria else replace(self, criteria=(*kept, SOURCED))


@dataclass(frozen=True, kw_only=True)
class Task:
    """`run_id` is the child run of the latest attempt; `findings` what its review said. `stale` says why what was
    done, or is being done, may no longer do; it is done again only when somebody asks (`retry`). `budget` caps what all
    its attempts may use."""

    spec: TaskSpec
    project_id: str
    workspace_id: str
    created_at: datetime
    state: TaskState = "waiting"
    attempts: Annotated[int, Field(ge=0)] = 0
    replanned: bool = False
    run_id: str | None = None
    hint: str = ""
    findings: tuple[str, ...] = ()
    stale: str = ""
    budget: Budget = Field(default_factory=Budget)
    version: int = 0

    @property
    def id(self) -> str:
        return self.spec.id

    def moved(self, state: TaskState) -> "Task":
        """The task in `state`. Raises RefusedTransition where the table has no such move."""
        if state not in MOVES[self.state]:
            raise RefusedTransition("task", self.id, self.state, state)
        return replace(self, state=state)

    def started(self, run_id: str) -> "Task":
        return replace(self.moved("running"), run_id=run_id, attempts=self.attempts + 1, stale="")

    def finished(self) -> "Task":
        """Still out of date where something changed while it was under way."""
        return replace(self.moved("done"), findings=())

    def again(self, hint: str, *, waits: bool = False) -> "Task":
        """Somebody asks for it once more: what was refused, left out, or done before something changed. It `waits`
        where what it depends on is not finished."""
        if self.state not in AGAIN:
            raise RefusedTransition("task", self.id, self.state, "tried again")
        asked = replace(self.moved("ready"), hint=hint or self.hint, findings=(), replanned=False)
        return asked.moved("waiting") if waits else asked

    def replanned_as(self, spec: TaskSpec) -> "Task":
        return replace(self.moved("ready"), spec=spec, replanned=True)

    def done_plainly(self, spec: TaskSpec) -> "Task":
        """By another way only; it may still be replanned."""
        return replace(self.moved("ready"), spec=spec)

    def edited(self, spec: TaskSpec) -> "Task":
        """As a person wants it now. What is done stays done, marked as out of date; what needs attention is tried
        again. Raises RefusedTransition while it is under way."""
        if self.state in LIVE:
            raise RefusedTransition("task", self.id, self.state, "changed; cancel it first, or wait for it")
        changed = replace(self, spec=spec)
        if self.state == "done" and spec.asks_for_more_than(self.spec):
            return changed.outdated("What it asks for was changed after it was done.")
        if self.state == "needs_attention":
            return replace(changed.moved("ready"), findings=())
        return changed.moved("waiting") if self.state == "ready" else changed

    def redirected(self, spec: TaskSpec, why: str) -> "Task":
        """Towards another goal, or by other instructions. What an agent is doing goes on, marked as what is done is; a
        person reads on in the new brief."""
        if self.state in LIVE:
            person = self.spec.assignee.kind == "person"
            doing = replace(self, spec=spec)
            return doing if person else replace(doing, stale=self._why(f"{why} while it was being done."))
        if self.state in ("done", "needs_attention"):
            return replace(self, spec=spec, stale=self._why(f"{why} after it was done."))
        return self.edited(spec) if spec != self.spec else self

    def outdated(self, reason: str) -> "Task":
        """Marked, where there is something done that can be out of date."""
        return replace(self, stale=self._why(reason)) if self.state == "done" else self

    def _why(self, reason: str) -> str:
        """One reason does not take the place of another."""
        return self.stale if reason in self.stale else f"{self.stale} {reason}".strip()
