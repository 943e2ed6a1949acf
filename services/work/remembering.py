"""What an agent is reminded of that it made earlier in the project: by rule, from the case file, as data."""

import re
from collections.abc import Collection, Sequence

from domain.agent import Profile
from domain.artifact import Artifact, Version
from domain.ports.llm import Passage
from domain.run import Run
from domain.task import Task
from services.running.effects import EffectContext
from services.work.context import ancestors
from services.work.hearing import shortened
from services.work.legend import LABEL, without_legend
from services.work.planning import newest_plan

HEADING = re.compile(r"(?m)^#{1,6} .*$")


async def remembered(context: EffectContext, profile: Profile) -> tuple[Passage, ...]:
    """Without labels: it is no source to cite. What it is given directly is not repeated."""
    most = profile.memory.outputs
    if not most:
        return ()
    passages = []
    for version in (await _earlier(context, profile))[-most:]:
        text = (await context.content.get(version.workspace_id, version.digest)).decode("utf-8", "replace")
        bare = " ".join(HEADING.sub("", LABEL.sub("", without_legend(text))).split())
        artifact = await context.store.get(Artifact, version.workspace_id, version.artifact_id)
        if (beginning := shortened(bare, profile.memory.tokens // most)) and artifact is not None:
            title = f"what you made earlier: {artifact.title}"
            passages.append(Passage(label="", text=beginning, source=version.artifact_id, title=title))
    return tuple(passages)


async def _earlier(context: EffectContext, profile: Profile) -> list[Version]:
    """The newest versions of its own that were there before the work began or that its task builds on, so that a run
    started again is reminded of the same: oldest first."""
    workspace, store, run = context.run.workspace_id, context.store, context.run
    root = run if run.root_id == run.id else await store.get(Run, workspace, run.root_id)
    where = {"project_id": run.project_id, "state": "published"}
    published = await store.find(Version, workspace, where=where, limit=10_000)
    own = [version for version in published if version.made_by == profile.id and version.media_type.startswith("text/")]
    task = await store.get(Task, workspace, run.task_id) if run.task_id else None
    before = await _before(context, task)
    given = task.spec.depends_on if task is not None else ()
    began = root.created_at if root is not None else run.created_at
    old = [v for v in own if v.created_at < began and v.task_id not in (*before, run.task_id)]
    built_on = [v for v in own if v.task_id in before and v.task_id not in given]
    ordered = [
        *sorted(old, key=lambda v: (v.created_at, v.id)),
        *sorted(built_on, key=lambda v: (before.index(v.task_id or ""), v.number or 0)),
    ]
    return _heads(ordered)


async def _before(context: EffectContext, task: Task | None) -> list[str]:
    """The tasks before it, in the order of the plan."""
    plan = await newest_plan(context.store, context.run.workspace_id, context.run.project_id)
    if task is None or plan is None or task.id not in {spec.id for spec in plan.tasks}:
        return []
    found: Collection[str] = set(ancestors(plan, task.id))
    return [spec.id for spec in plan.tasks if spec.id in found]


def _heads(versions: Sequence[Version]) -> list[Version]:
    """The last of each artifact, where it stands last."""
    last = {version.artifact_id: version for version in versions}
    return [version for version in versions if last[version.artifact_id] is version]
