"""One task: what it asks for, what was tried, and what a person can do about it."""

from fastapi import APIRouter, Request, Response

from domain.errors import Invalid
from infrastructure.rest.access import Parts
from infrastructure.web.access import Submitted, Visitor
from infrastructure.web.rendering import page
from infrastructure.web.routing import PageRoute, said
from infrastructure.web.views import budget
from infrastructure.web.views import task as view

router = APIRouter(prefix="/page/tasks/{task_id}", route_class=PageRoute)
MOST_TEXT = 900_000


@router.get("")
async def task(request: Request, caller: Visitor, parts: Parts, task_id: str) -> Response:
    found = await view.shown(parts, caller, task_id)
    title, caps = found.row.task.spec.title, budget.fields(found.row.task.budget)
    return await page(request, caller, "task.html.j2", title=title, here="projects", shown=found, caps=caps)


@router.post("/retry")
async def retry(caller: Visitor, parts: Parts, task_id: str, form: Submitted) -> Response:
    await parts.work_orders().retry(caller, task_id, form.text("hint"))
    return said(f"/page/tasks/{task_id}", "retried")


@router.post("/skip")
async def skip(caller: Visitor, parts: Parts, task_id: str, form: Submitted) -> Response:
    await parts.work_orders().skip(caller, task_id, cancel=False)
    return said(f"/page/tasks/{task_id}", "skipped")


@router.post("/cancel")
async def cancel(caller: Visitor, parts: Parts, task_id: str, form: Submitted) -> Response:
    await parts.work_orders().skip(caller, task_id, cancel=True)
    return said(f"/page/tasks/{task_id}", "cancelled")


@router.post("/budget")
async def set_budget(caller: Visitor, parts: Parts, task_id: str, form: Submitted) -> Response:
    await parts.budgets().set_task(caller, task_id, budget.read(form))
    return said(f"/page/tasks/{task_id}", "budget")


@router.post("/hand-in")
async def hand_in(caller: Visitor, parts: Parts, task_id: str, form: Submitted) -> Response:
    text = form.text("text", MOST_TEXT)
    if not text:
        raise Invalid("Write or paste what you hand in.")
    stored = await parts.intake().text(caller.principal.workspace_id, text)
    await parts.work_orders().complete(caller, task_id, form.text("title", 300), stored, budget.minutes(form))
    return said(f"/page/tasks/{task_id}", "handed_in")
