"""Why: how something came to be, back to the goal."""

from domain.agent import agent_id
from domain.artifact import HANDED_OVER, Artifact, Version
from domain.errors import NotFound
from domain.knowledge_graph import Node
from domain.plan import Plan
from domain.project import Project
from domain.qa import QARecord
from domain.run import Run
from domain.task import Task
from domain.topic import PREFIX
from services.questions.answer import Answer, Item, counted, listed
from services.questions.scope import THINGS, Scope, spoken
from services.work.briefing import quoted

BACK, ORIGINS = 5, 200  # steps back, and things found on the way
PLANS = 200


async def why(scope: Scope, id: str, limit: int) -> Answer:
    if id.startswith(PREFIX):
        return await _topic(scope, id, limit)
    found = await scope.entity(id)
    match found:
        case Artifact():
            return await _artifact(scope, found, limit)
        case Task():
            return await _task(scope, found, limit)
        case Plan():
            return await _plan(scope, found, limit)
        case Run():
            return await _run(scope, found, limit)
        case Project():
            goal = await _goal(scope, found.id)
            said = f"The project {quoted(found.name)} was started on {found.created_at:%Y-%m-%d}."
            return _answer(found.id, found.name, [said, goal[0]], [], limit)


async def _artifact(scope: Scope, artifact: Artifact, limit: int) -> Answer:
    where = {"artifact_id": artifact.id, "state": "published"}
    versions = await scope.store.find(Version, scope.workspace_id, where=where)
    head = next(version for version in versions if version.number == artifact.head)
    task = await scope.store.get(Task, scope.workspace_id, head.task_id) if head.task_id else None
    run = await scope.store.get(Run, scope.workspace_id, head.run_id) if head.run_id else None
    origins = await scope.graphs.reached(
        scope.workspace_id, [artifact.id], ["wasDerivedFrom"], direction="out", depth=BACK, limit=ORIGINS
    )
    people = [head.made_by, *([run.on_behalf_of] if run else []), *([artifact.qa.checked_by] if artifact.qa else [])]
    ids = [*people, *(step.id for step in origins.steps)]
    nodes = await scope.graphs.nodes(scope.workspace_id, ids)
    labels = {id: node.label for id, node in nodes.items()}
    direct = [labels[step.id] for step in origins.steps if step.depth == 1]
    further = [labels[step.id] for step in origins.steps if step.depth > 1]
    verb = "handed over" if artifact.kind in HANDED_OVER else "made"
    number = f", version {artifact.head}" if artifact.head > 1 else ""
    said = [
        f"{quoted(artifact.title)} ({artifact.kind.replace('_', ' ')}{number}) was {verb} by "
        f"{spoken(head.made_by, labels)}{_means(head)}."
    ]
    items: list[Item] = []
    if task is not None:
        tried = f", in attempt {run.attempt}" if run is not None and run.attempt > 1 else ""
        said.append(f"That was the task {quoted(task.spec.title)}{tried}.")
        items.append(Item(id=task.id, kind="task", label=task.spec.title, detail="the task that asked for it"))
    if run is not None:
        said.append(f"It came of the run {run.id}, on behalf of {spoken(run.on_behalf_of, labels)}.")
        items.append(Item(id=run.id, kind="run", label=run.graph, detail="the run that made it"))
    if direct:
        said.append(f"It was made from {listed(direct)}.")
    if further:
        said.append(f"These rest in turn on {listed(further)}.")
    items += [_origin(nodes[step.id], step.depth) for step in origins.steps]
    said.append(
        _judged(artifact.qa, labels) if artifact.kind not in HANDED_OVER else "What is handed over is not judged."
    )
    goal, item = await _goal(scope, artifact.project_id)
    return _answer(artifact.id, artifact.title, [*said, goal], [*items, item], limit, origins.truncated)


def _means(version: Version) -> str:
    if version.rehearsed:
        return " by rules, in a rehearsal"
    return f" with the model {version.model}" if version.model else ""


def _origin(node: Node, depth: int) -> Item:
    detail = "made from it" if depth == 1 else f"{depth} steps back"
    return Item(id=node.id, kind=node.kind, label=node.label, detail=detail)


def _judged(qa: QARecord | None, labels: dict[str, str]) -> str:
    if qa is None:
        return "Nobody has judged it."
    method = {"rules": "by rules alone", "model": "with a model", "person": "in person"}[qa.method]
    open_ones = sum(item.verdict == "unverified" for item in qa.criteria)
    rest = f"; {open_ones} of {len(qa.criteria)} criteria unverified"
    return f"It was checked by {spoken(qa.checked_by, labels)}, {method}: {qa.verdict}{rest if open_ones else ''}."


async def _task(scope: Scope, task: Task, limit: int) -> Answer:
    plans = await scope.store.find(Plan, scope.workspace_id, where={"project_id": task.project_id}, limit=PLANS)
    holding = sorted((p for p in plans if any(s.id == task.id for s in p.tasks)), key=lambda plan: plan.number)
    titles = {spec.id: spec.title for plan in plans for spec in plan.tasks}
    behind = sorted(
        {s.id for plan in holding[-1:] for s in plan.tasks if task.id in s.depends_on}, key=titles.__getitem__
    )
    before = list(task.spec.depends_on)
    who = task.spec.assignee
    doer = spoken(who.id if who.kind == "person" else agent_id(who.id), await scope.labels([who.id]))
    said = [f"{quoted(task.spec.title)} is a task of {doer}, {task.state.replace('_', ' ')}."]
    items: list[Item] = []
    if holding:
        first = holding[0]
        said.append(f"It stands in the plan since version {first.number}: {quoted(first.origin, 300)}.")
        items.append(Item(id=first.id, kind="plan", label=f"Plan {first.number}", detail="the plan that brought it in"))
    if before:
        said.append(f"It builds on {listed([titles.get(id, id) for id in before])}.")
    if behind:
        said.append(f"It is there for {listed([titles[id] for id in behind])}, which build on it.")
    items += [Item(id=id, kind="task", label=titles.get(id, id), detail="it builds on this") for id in before]
    items += [Item(id=id, kind="task", label=titles[id], detail="builds on it") for id in behind]
    goal, item = await _goal(scope, task.project_id)
    return _answer(task.id, task.spec.title, [*said, goal], [*items, item], limit)


async def _plan(scope: Scope, plan: Plan, limit: int) -> Answer:
    labels = await scope.labels([plan.made_by])
    template = f" It follows the template {plan.template}." if plan.template else ""
    said = [
        f"Plan {plan.number}, with {counted(len(plan.tasks), 'task')}, was made by {spoken(plan.made_by, labels)} on "
        f"{plan.created_at:%Y-%m-%d}: {quoted(plan.origin, 300)}.{template}"
    ]
    goal, item = await _goal(scope, plan.project_id)
    items = [Item(id=spec.id, kind="task", label=spec.title, detail="a task of it") for spec in plan.tasks]
    return _answer(plan.id, f"Plan {plan.number}", [*said, goal], [*items, item], limit)


async def _run(scope: Scope, run: Run, limit: int) -> Answer:
    labels = await scope.labels([run.actor, run.on_behalf_of])
    said = [
        f"The run of {run.graph} was started for {spoken(run.actor, labels)}, on behalf of "
        f"{spoken(run.on_behalf_of, labels)}."
    ]
    items: list[Item] = []
    if run.task_id and (task := await scope.store.get(Task, scope.workspace_id, run.task_id)) is not None:
        said.append(f"It works on the task {quoted(task.spec.title)}, in attempt {run.attempt}.")
        items.append(Item(id=task.id, kind="task", label=task.spec.title, detail="the task it works on"))
    if run.parent_id:
        said.append(f"It belongs to the run {run.parent_id}.")
        items.append(Item(id=run.parent_id, kind="run", label=run.parent_id, detail="the run it belongs to"))
    if run.result is not None:
        said.append(f"It ended: {run.result}{f', {quoted(run.reason, 200)}' if run.reason else ''}.")
    goal, item = await _goal(scope, run.project_id)
    return _answer(run.id, run.graph, [*said, goal], [*items, item], limit)


async def _topic(scope: Scope, id: str, limit: int) -> Answer:
    edges = await scope.graphs.leading(
        scope.workspace_id, [id], ["about"], direction="in", project_id=scope.project_id, limit=limit + 1
    )
    known = await scope.touched([edge.source for edge in edges])
    nodes = await scope.graphs.nodes(scope.workspace_id, [id, *known])
    items = [
        Item(id=edge.source, kind=nodes[edge.source].kind, label=nodes[edge.source].label, detail="is about it")
        for edge in edges
        if edge.source in nodes
    ]
    if not items:
        raise NotFound(THINGS, id)
    more = len(items) > limit
    holders = counted(min(len(items), limit), "thing", more=more)
    verb = "is" if len(items) == 1 else "are"
    said = f"{quoted(nodes[id].label)} is a topic since {holders} here {verb} about it."
    return _answer(id, nodes[id].label, [said], items, limit, more)


async def _goal(scope: Scope, project_id: str) -> tuple[str, Item]:
    project = await scope.store.get(Project, scope.workspace_id, project_id)
    assert project is not None
    said = f"The goal behind it, of the project {quoted(project.name)}: {quoted(project.goal, 400)}"
    return said, Item(id=project.id, kind="project", label=project.name, detail="the project")


def _answer(id: str, label: str, said: list[str], items: list[Item], limit: int, more: bool = False) -> Answer:
    question = f"Why is there {quoted(label)} ({id})?"
    return Answer(
        question=question, answer=tuple(said), items=tuple(items[:limit]), truncated=more or len(items) > limit
    )
