"""What several use cases and the runner do alike: publish a version, adopt a plan, move a task, start a run."""

import json

from pydantic import JsonValue

from domain.agent_graph import AgentGraph
from domain.artifact import Artifact, Version, VersionRef
from domain.errors import Invalid, NotFound
from domain.plan import Plan
from domain.qa import QARecord
from domain.run import Run
from domain.task import LIVE, MOVES, Task, TaskSpec
from services.ports.content import Content
from services.ports.store import Indexed, Store
from services.tagging import tag
from services.unit_of_work import UnitOfWork

PROJECT_RUN = "project@1"  # the graph that every project run executes
LIVE_PHASES = ("queued", "running", "waiting", "paused")


async def goal_of(store: Store, workspace_id: str, project_id: str) -> VersionRef:
    """The goal's newest version, which is what rests on nothing else rests on. Raises Invalid where none is filed."""
    where = {"project_id": project_id, "section": "plans", "visible": "1"}
    for artifact in await store.find(Artifact, workspace_id, where=where):
        if artifact.kind == "goal" and artifact.digest is not None:
            return VersionRef(artifact_id=artifact.id, digest=artifact.digest)
    raise Invalid(f"The goal of {project_id} is not filed.")


async def publish(uow: UnitOfWork, content: Content, version: Version, qa: QARecord | None = None) -> Artifact:
    """`version` becomes its artifact's head, with `qa` or else the newest QA record on it. Raises ArtifactLocked."""
    artifact = await uow.get(Artifact, version.artifact_id)
    number = artifact.head + 1
    published = version.published(number)
    if qa is None:
        records = await uow.find(QARecord, {"artifact_id": artifact.id})
        qa = next((record for record in reversed(records) if record.digest == version.digest), None)
    headed = artifact.with_head(published, qa)
    uow.put(published)
    uow.put(headed)
    uow.happened("artifact.published", artifact.id, project_id=artifact.project_id, data=_published(headed, published))
    if qa is not None:
        judged(uow, qa)
    passages = await passages_of(content, version)
    uow.index(
        Indexed(
            project_id=artifact.project_id,
            artifact_id=artifact.id,
            digest=version.digest,
            section=artifact.section,
            task_id=version.task_id,
            passages=passages,
        )
    )
    await tag(uow, headed, published, passages)
    if number > 1:
        await outdate(uow, headed)
    return headed


async def outdate(uow: UnitOfWork, artifact: Artifact) -> None:
    """Marks the done tasks whose results rest on an earlier version of `artifact`."""
    here = {"project_id": artifact.project_id}
    done = {task.id: task for task in await uow.find(Task, {**here, "state": "done"}) if task.id != artifact.task_id}
    made = await uow.find(Artifact, {**here, "visible": "1", "task_id": list(done)}) if done else []
    heads = {item.id: item for item in made}
    versions = await uow.find(Version, {"artifact_id": list(heads), "state": "published"}) if heads else []
    for version in versions:
        rests = any(ref.artifact_id == artifact.id and ref.digest != artifact.digest for ref in version.derived_from)
        if rests and version.number == heads[version.artifact_id].head and version.task_id in done:
            task = done[version.task_id]
            move_task(uow, task, task.outdated(f"It rests on an earlier version of “{artifact.title}”."))


async def passages_of(content: Content, version: Version) -> tuple[str, ...]:
    if version.text_digest is None:
        return ()
    return tuple(json.loads(await content.get(version.workspace_id, version.text_digest)))


def judged(uow: UnitOfWork, qa: QARecord) -> None:
    data: dict[str, JsonValue] = {
        "qa_id": qa.id,
        "digest": qa.digest,
        "checked_by": qa.checked_by,
        "method": qa.method,
        "verdict": qa.verdict,
        "certifies": qa.certifies,
    }
    uow.happened("artifact.judged", qa.artifact_id, project_id=qa.project_id, data=data)


async def adopt(uow: UnitOfWork, plan: Plan) -> None:
    """Stores `plan` and brings the tasks in line: new ones wait, replanned ones take the new words, those that it
    no longer has are cancelled unless they are done."""
    uow.put(plan)
    tasks = {task.id: task for task in await uow.find(Task, {"project_id": plan.project_id})}
    for task in tasks.values():
        if task.id not in {spec.id for spec in plan.tasks} and "cancelled" in MOVES[task.state]:
            if task.run_id is not None and task.state in LIVE:
                uow.signal(task.run_id, "cancel")
            move_task(uow, task, task.moved("cancelled"))
    for spec in plan.tasks:
        known = tasks.get(spec.id)
        if known is None:
            uow.put(
                Task(
                    spec=spec,
                    project_id=plan.project_id,
                    workspace_id=plan.workspace_id,
                    created_at=plan.created_at,
                )
            )
        elif known.spec != spec:
            move_task(uow, known, _in_line(known, spec))
    items: list[JsonValue] = [
        {
            "id": spec.id,
            "title": spec.title,
            "assignee": spec.assignee.id,
            "depends_on": list(spec.depends_on),
        }
        for spec in plan.tasks
    ]
    data: dict[str, JsonValue] = {
        "number": plan.number,
        "origin": plan.origin,
        "template": plan.template,
        "tasks": items,
    }
    uow.happened("plan.adopted", plan.id, project_id=plan.project_id, data=data)


def _in_line(task: Task, spec: TaskSpec) -> Task:
    """Only the manager changes what is under way: where an attempt has just failed."""
    if task.state not in LIVE:
        return task.edited(spec)
    return task.done_plainly(spec) if spec == task.spec.plainly() else task.replanned_as(spec)


def move_task(uow: UnitOfWork, old: Task, new: Task) -> None:
    uow.put(new)
    data: dict[str, JsonValue] = {
        "task_id": new.id,
        "title": new.spec.title,
        "agent": new.spec.assignee.id,
        "old": old.state,
        "state": new.state,
        "stale": new.stale,
        "attempts": new.attempts,
        "child_run_id": new.run_id,
    }
    uow.happened("task.moved", new.id, project_id=new.project_id, data=data)


def start_run(uow: UnitOfWork, run: Run, graph: AgentGraph) -> None:
    uow.start(run, graph)
    data: dict[str, JsonValue] = {
        "graph": run.graph,
        "graph_digest": run.graph_digest,
        "parent_id": run.parent_id,
        "task_id": run.task_id,
        "attempt": run.attempt,
    }
    uow.happened(
        "run.created", run.id, project_id=run.project_id, data=data, root_id=run.root_id, run_id=run.id, actor=run.actor
    )


async def live_project_run(uow: UnitOfWork, project_id: str) -> Run | None:
    """The project's one live project run, if there is one."""
    runs = await uow.find(Run, {"project_id": project_id, "graph": PROJECT_RUN, "phase": LIVE_PHASES})
    return next(iter(runs), None)


async def current_plan(uow: UnitOfWork, project_id: str) -> Plan:
    plans = await uow.find(Plan, {"project_id": project_id})
    if not plans:
        raise NotFound("plan of the project", project_id)
    return max(plans, key=lambda plan: plan.number)


def _published(artifact: Artifact, version: Version) -> dict[str, JsonValue]:
    return {
        "kind": artifact.kind,
        "section": artifact.section,
        "title": artifact.title,
        "number": version.number,
        "digest": version.digest,
        "text_digest": version.text_digest,
        "made_by": version.made_by,
        "model": version.model,
        "rehearsed": version.rehearsed,
        "task_id": version.task_id,
        "derived_from": [{"artifact_id": ref.artifact_id, "digest": ref.digest} for ref in version.derived_from],
    }
