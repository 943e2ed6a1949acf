"""What the schedule does next: a pure decision over the plan, its tasks and the runs that carried them."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic.dataclasses import dataclass

from domain.plan import Plan, critical_path
from domain.run import Run, RunResult
from domain.task import FINISHED, LIVE, Task

MAX_LIVE = 20
BY_A_WAY = "crafted@"
"""What the graph of an attempt by a workflow begins with."""
Step = Literal["ready", "start", "plainly", "replan", "attention"]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`what` to do with a task (`plainly`: at once, in one attempt); `run` is the attempt that failed."""

    what: Step
    task: Task
    run: Run | None = None


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What to do now; whether nothing is left to do; whether all that is left waits for people."""

    decisions: tuple[Decision, ...]
    finished: bool
    waiting: bool


def decide(plan: Plan, tasks: Mapping[str, Task], runs: Sequence[Run]) -> Outlook:
    """`runs` are the runs made for the tasks: attempts, and replans (whose graph is `replan@…`)."""
    by_id = {run.id: run for run in runs}
    replans = {run.task_id: run for run in runs if run.graph.startswith("replan@")}
    lengths = critical_path(plan.tasks)
    decisions: list[Decision] = []
    live: list[Task] = []
    for spec in plan.tasks:
        task = tasks[spec.id]
        if task.state in LIVE:
            attempt = by_id.get(task.run_id or "")
            if attempt is None or attempt.phase != "ended":
                live.append(task)
            elif (step := _after_failure(task, attempt, replans.get(task.id))) is not None:
                decisions.append(Decision(what=step, task=task, run=attempt))
                live += [task] if step in ("plainly", "replan") else []
            else:
                live.append(task)
    startable = [tasks[spec.id] for spec in plan.tasks if _startable(tasks, tasks[spec.id])]
    startable.sort(key=lambda task: -lengths[task.id])
    for task in startable[: max(0, MAX_LIVE - len(live))]:
        if task.state == "waiting":
            decisions.append(Decision(what="ready", task=task))
        decisions.append(Decision(what="start", task=task))
    moving = live or any(decision.what != "attention" for decision in decisions)
    at_work = live + [decision.task for decision in decisions if decision.what == "start"]
    people = bool(at_work) and all(task.spec.assignee.kind == "person" for task in at_work)
    return Outlook(decisions=tuple(decisions), finished=not moving, waiting=people)


def _startable(tasks: Mapping[str, Task], task: Task) -> bool:
    return task.state in ("waiting", "ready") and all(tasks[id].state in FINISHED for id in task.spec.depends_on)


def _after_failure(task: Task, attempt: Run, replan: Run | None) -> Step | None:
    """Once replanned, then it needs attention. Only what was checked and refused is replanned: a model that is down
    is not mended by other words. What failed by a workflow, for a reason that lies in that, is done without it first.
    None while the replan is under way, or when the attempt has just succeeded."""
    if attempt.result == "succeeded" or (replan is not None and replan.phase != "ended"):
        return None
    if attempt.result == "failed" and attempt.graph.startswith(BY_A_WAY) and not attempt.outside:
        return "plainly"
    if attempt.result == "partial" and not task.replanned and replan is None and task.spec.assignee.kind != "person":
        return "replan"
    return "attention"


def outcome(tasks: Sequence[Task]) -> tuple[RunResult, str]:
    """The result of a project run whose schedule has nothing left to do, with the reason in a sentence."""
    attention = [task.spec.title for task in tasks if task.state == "needs_attention"]
    behind = [task.spec.title for task in tasks if task.state in ("waiting", "ready")]
    done = sum(task.state == "done" for task in tasks)
    if not attention and not behind:
        return "succeeded", f"All {done} tasks are done."
    counted = sum(task.state != "cancelled" for task in tasks)
    parts = [f"{done} of {counted} tasks are done"]
    if attention:
        parts.append("needs attention: " + ", ".join(attention))
    if behind:
        parts.append("waits behind: " + ", ".join(behind))
    return "partial", "; ".join(parts) + "."
