"""Impact: what rests on something, directly and through others."""

from domain.artifact import Artifact
from domain.knowledge_graph import Node, Relation
from domain.plan import Plan
from domain.project import Project
from domain.task import Task
from domain.topic import PREFIX
from services.ports.views import Step
from services.questions.answer import Answer, Item, counted, listed
from services.questions.scope import Scope
from services.work.briefing import quoted

FAR, MOST = 25, 500  # steps, and things found in all
RESTING: tuple[Relation, ...] = ("wasDerivedFrom", "dependsOn", "wasGeneratedBy")
WORDS = {
    "wasDerivedFrom": "made from it",
    "dependsOn": "builds on it",
    "wasGeneratedBy": "made by it",
    "about": "is about it",
    "partOf": "part of it",
}


async def impact(scope: Scope, id: str, limit: int) -> Answer:
    """In a project only what rests on it there; in the workspace copies in other projects too."""
    starts, relations, label = await _start(scope, id)
    found = await scope.graphs.reached(
        scope.workspace_id, starts, relations, direction="in", project_id=scope.project_id, depth=FAR, limit=MOST
    )
    near = [step for step in found.steps if step.depth == 1]
    nodes = await scope.graphs.nodes(scope.workspace_id, [step.id for step in found.steps])
    said = [_counted(label, len(found.steps), len(near), found.truncated)]
    if near:
        said.append(f"Directly: {listed([nodes[step.id].label for step in near])}.")
    if stale := await _stale(scope, id, near):
        verb = "is" if len(stale) == 1 else "are"
        said.append(f"When it changes, {counted(len(stale), 'finished task')} {verb} out of date: {listed(stale)}.")
    return Answer(
        question=f"What rests on {quoted(label)} ({id})?",
        answer=tuple(said),
        items=tuple(_item(step, nodes[step.id]) for step in found.steps[:limit]),
        truncated=found.truncated or len(found.steps) > limit,
    )


async def _start(scope: Scope, id: str) -> tuple[list[str], tuple[Relation, ...], str]:
    """Where to begin, which edges to follow, and what it is called. Raises NotFound."""
    if id.startswith(PREFIX):
        return [id], ("about", *RESTING), (await scope.labels([id]))[id]
    found = await scope.entity(id)
    match found:
        case Artifact():
            return [id, *([found.task_id] if found.task_id else [])], RESTING, found.title
        case Task():
            return [id], RESTING, found.spec.title
        case Plan():
            return [spec.id for spec in found.tasks], RESTING, f"Plan {found.number}"
        case Project():
            return [id], ("partOf", *RESTING), found.name
        case _:
            return [id], RESTING, found.graph


async def _stale(scope: Scope, id: str, near: list[Step]) -> list[str]:
    """The titles of finished tasks whose results were made from the artifact `id` in its own project."""
    derived = [step.id for step in near if (step.edge.relation, step.edge.target) == ("wasDerivedFrom", id)]
    source = await scope.store.get(Artifact, scope.workspace_id, id) if derived else None
    if source is None:
        return []
    here = {"project_id": source.project_id}
    made = await scope.store.find(Artifact, scope.workspace_id, where={**here, "id": derived})
    tasks = sorted({item.task_id for item in made if item.task_id and item.task_id != source.task_id})
    done = (
        await scope.store.find(Task, scope.workspace_id, where={**here, "id": tasks, "state": "done"}) if tasks else []
    )
    return [task.spec.title for task in done]


def _counted(label: str, all: int, near: int, more: bool) -> str:
    if all == 0:
        return f"Nothing here rests on {quoted(label)}."
    verb = "rests" if all == 1 else "rest"
    through = f", {near:,} of them directly and {all - near:,} through others" if all > near else ", directly"
    return f"{counted(all, 'thing', more=more).capitalize()} {verb} on {quoted(label)}{through}."


def _item(step: Step, node: Node) -> Item:
    detail = WORDS.get(step.edge.relation, step.edge.relation)
    through = "" if step.depth == 1 else f", {step.depth} steps away"
    return Item(
        id=step.id,
        kind=node.kind,
        label=node.label,
        detail=f"{detail if step.depth == 1 else 'through others'}{through}",
    )
