"""Handlers `schedule@1` and `report@1`: the domain's decision, turned into changes."""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import JsonValue

from domain.artifact import Version
from domain.changes import AdoptPlan, Change, MoveTask, OpenInbox, StartChild
from domain.errors import NotFound
from domain.plan import Plan
from domain.project import Project
from domain.qa import QARecord
from domain.run import Run
from domain.scheduling import Decision, decide, outcome
from domain.task import LIVE, ONE_ATTEMPT, Task
from services.alerts import Watch
from services.recommended import advised
from services.running.effects import EffectContext, EffectResult
from services.work.planning import newest_plan


async def schedule(context: EffectContext) -> EffectResult:
    """Starts what can start; does in one attempt what failed by a workflow; replans once what was refused; hands the
    rest to a person."""
    workspace, project = context.run.workspace_id, context.run.project_id
    plan = await newest_plan(context.store, workspace, project)
    if plan is None:
        raise NotFound("plan of the project", project)
    tasks = {task.id: task for task in await context.store.find(Task, workspace, where={"project_id": project})}
    live = [task.id for task in tasks.values() if task.state in LIVE]
    where = {"project_id": project, "task_id": live}
    runs = await context.store.find(Run, workspace, where=where, limit=10_000) if live else []
    outlook = decide(plan, tasks, runs)
    found = await context.store.get(Project, workspace, project)
    assert found is not None
    changes: list[Change] = []
    if failed := [decision for decision in outlook.decisions if decision.what == "plainly"]:
        changes.append(_plainly(context, plan, failed))
    for decision in outlook.decisions:
        changes += await _changes(context, found, decision)
    if outlook.decisions or outlook.finished:
        moved = [_moved(tasks[spec.id], changes) for spec in plan.tasks]
        changes += await _recommended(context, found, [tasks[spec.id] for spec in plan.tasks])
        changes += await _watch(context, found).at_once(moved)
    return EffectResult(
        output={"done": outlook.finished, "waiting": outlook.waiting, "steps": len(outlook.decisions)},
        changes=tuple(changes),
    )


async def _recommended(context: EffectContext, project: Project, tasks: Sequence[Task]) -> list[Change]:
    """Looked at when something moves; the sources are read at the start only."""
    starts = not any(task.attempts for task in tasks)
    found = await advised(context.store, context.content, project, tasks, context.effect.at, read=starts)
    return [found] if found.new or found.moot else []


def _watch(context: EffectContext, project: Project) -> Watch:
    return Watch(context.store, context.content, project, context.run, context.effect.at)


def _moved(task: Task, changes: Sequence[Change]) -> Task:
    """As it is once `changes` are committed, where they hand it to a person."""
    for change in changes:
        if isinstance(change, MoveTask) and change.task_id == task.id and change.to == "needs_attention":
            return replace(task, state=change.to, findings=change.findings or ())
    return task


async def report(context: EffectContext) -> EffectResult:
    workspace, here = context.run.workspace_id, context.run.project_id
    tasks = await context.store.find(Task, workspace, where={"project_id": here})
    result, reason = outcome(tasks)
    project = await context.store.get(Project, workspace, here)
    plan = await newest_plan(context.store, workspace, here)
    assert project is not None and plan is not None
    known = {task.id: task for task in tasks}
    found = await _watch(context, project).at_the_end([known[spec.id] for spec in plan.tasks])
    return EffectResult(output={"result": result, "reason": reason}, changes=tuple(found))


async def _changes(context: EffectContext, project: Project, decision: Decision) -> list[Change]:
    task, run = decision.task, decision.run
    match decision.what:
        case "ready":
            return [MoveTask(task_id=task.id, to="ready")]
        case "start":
            return [_start(context, project, task)]
        case "plainly":
            return [_start(context, project, replace(task, spec=task.spec.plainly()))]
        case "replan":
            _, findings = await _draft(context, task, run)
            inputs: dict[str, JsonValue] = {"task_id": task.id, "findings": list(findings)}
            return [StartChild(run_id=context.new_id("run"), graph="replan@1", inputs=inputs, task_id=task.id)]
        case "attention":
            draft, findings = await _draft(context, task, run)
            return [
                MoveTask(task_id=task.id, to="needs_attention", findings=findings),
                OpenInbox(
                    item_id=context.new_id("inbox"),
                    kind="attention",
                    title=f"“{task.spec.title}” needs attention",
                    detail=run.reason if run is not None else "",
                    task_id=task.id,
                    artifact_id=draft.artifact_id if draft is not None else None,
                    draft=draft.id if draft is not None else None,
                    findings=findings,
                    asks=False,
                ),
            ]


def _plainly(context: EffectContext, plan: Plan, failed: Sequence[Decision]) -> AdoptPlan:
    """The plan with these tasks in one attempt, and why."""
    told = [
        f"The task “{decision.task.spec.title}” is done in one attempt now, since its way of working, "
        f"{decision.task.spec.way}, failed: {decision.run.reason if decision.run is not None else ''}"
        for decision in failed
    ]
    specs = [decision.task.spec.plainly() for decision in failed]
    revised = plan.revised(*specs, made_by=context.run.actor, origin=" ".join(told)[:1000], at=context.effect.at)
    return AdoptPlan(plan=revised, only=tuple(spec.id for spec in specs))


async def _draft(context: EffectContext, task: Task, run: Run | None) -> tuple[Version | None, tuple[str, ...]]:
    """What the attempt left staged, and what its review found; where it came to none, why the attempt ended, and what
    was found last."""
    reason = (run.reason,) if run is not None and run.reason else ()
    staged = {"run_id": run.id if run is not None else "", "state": "staged"}
    versions = await context.store.find(Version, task.workspace_id, where=staged)
    if not versions:
        return None, reason
    draft = versions[-1]
    records = await context.store.find(QARecord, task.workspace_id, where={"artifact_id": draft.artifact_id})
    findings = [record.findings for record in records if record.digest == draft.digest]
    earlier = records[-1].findings if records else ()
    return draft, findings[-1] if findings else tuple(dict.fromkeys((*reason, *earlier)))


def _start(context: EffectContext, project: Project, task: Task) -> StartChild:
    person = task.spec.assignee.kind == "person"
    way = "" if person or task.spec.way == ONE_ATTEMPT else task.spec.way
    inputs: dict[str, JsonValue] = {"task_id": task.id, "title": task.spec.title, "brief": task.spec.brief}
    if person:
        inputs |= {"for_user": task.spec.assignee.id, "brief": task.spec.told(project.instructed)}
    form = task.spec.form if person else ""
    if form:
        inputs["form"] = form
    if way:
        inputs |= {"way": way, "agent": task.spec.assignee.id}
    return StartChild(
        run_id=context.new_id("run"),
        graph="fill@1" if form else "work@1" if person else "crafted@1" if way else "task@1",
        inputs=inputs,
        task_id=task.id,
        attempt=True,
        actor=task.spec.assignee.id,
    )
