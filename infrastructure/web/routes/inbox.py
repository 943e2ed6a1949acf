"""The inbox: what waits for a person, each with the form that answers it."""

from fastapi import APIRouter, Request, Response

from infrastructure.rest.access import Parts
from infrastructure.web.access import Submitted, Visitor
from infrastructure.web.rendering import page
from infrastructure.web.routing import PageRoute, said
from infrastructure.web.views import inbox as view
from services.work_orders import Answer

router = APIRouter(prefix="/page/inbox", route_class=PageRoute)
MOST_TEXT = 900_000


@router.get("")
async def inbox(request: Request, caller: Visitor, parts: Parts) -> Response:
    shown = await view.waiting(parts, caller)
    return await page(request, caller, "inbox.html.j2", title="Inbox", here="inbox", shown=shown)


@router.post("/{item_id}/answer")
async def answer(caller: Visitor, parts: Parts, item_id: str, form: Submitted) -> Response:
    text = form.text("text", MOST_TEXT)
    stored = await parts.intake().text(caller.principal.workspace_id, text) if text else None
    given = Answer(
        action=form.fields.get("action", ""), hint=form.text("hint"), title=form.text("title", 300), handed_in=stored
    )
    await parts.work_orders().answer(caller, item_id, given)
    return said("/page/inbox", "answered")
