"""What waits for a person, with what they need to decide."""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from domain.inbox import ANSWERS, InboxItem
from domain.project import Project
from domain.run import Run
from domain.task import Task
from infrastructure.container import Container
from infrastructure.web.rendering import Asked
from infrastructure.web.views import work
from infrastructure.web.views.artifact import Body, body_of
from infrastructure.web.views.budget import written
from infrastructure.web.views.form import Sheet, sheet
from services.desk import Command
from services.workflow_rules import bare

MOST = 100


@dataclass(frozen=True, kw_only=True)
class Waiting:
    item: InboxItem
    project: Project | None
    task: Task | None
    plan: Markup
    draft: Body | None
    sheet: Sheet | None = None
    """The form that is to be filled in."""

    @property
    def least(self) -> str:
        """The smallest cap that lets stopped work go on, as it is typed."""
        found = self.item.shortage
        return written(found.cap.measure, found.least) if found is not None else ""

    @property
    def answers(self) -> tuple[str, ...]:
        return ANSWERS[self.item.kind]


async def waiting(parts: Container, caller: Command, typed: Mapping[str, Sheet]) -> tuple[Waiting, ...]:
    """`typed` is what somebody wrote before, by item."""
    items = await parts.work_orders().inbox(caller, "", MOST)
    return tuple([await _shown(parts, caller, item, typed.get(item.id)) for item in items])


async def _shown(parts: Container, caller: Command, item: InboxItem, typed: Sheet | None) -> Waiting:
    form = await parts.forms().asked(caller, item) if item.kind == "form" and typed is None else None
    return Waiting(
        item=item,
        project=await parts.store().get(Project, item.workspace_id, item.project_id),
        task=await parts.desk().get(caller, Task, item.task_id) if item.task_id else None,
        plan=await _plan(parts, caller, item) if item.kind == "approval" else Markup(),
        draft=await _draft(parts, caller, item.draft) if item.draft else None,
        sheet=sheet(form, item.id) if form is not None else typed,
    )


async def _plan(parts: Container, caller: Command, item: InboxItem) -> Markup:
    """Empty where a workflow asks for something else to be approved."""
    run = await parts.desk().get(caller, Run, item.run_id) if item.run_id else None
    if run is None or bare(run.graph) != "project":
        return Markup()
    found = await work.of_project(parts, caller, item.project_id, Asked(frozenset({"picture"})))
    return work.picture([(row.task, row.who) for row in found.rows])


async def _draft(parts: Container, caller: Command, id: str) -> Body:
    version, content = await parts.artifacts().draft(caller, id)
    return await body_of(parts, version, content)
