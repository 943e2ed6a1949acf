"""The inbox: what waits for a person, each with the form that answers it."""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from starlette.responses import HTMLResponse

from domain.errors import Invalid
from domain.form import Form as Filled
from domain.inbox import InboxItem
from infrastructure.container import Container
from infrastructure.rest.access import Parts
from infrastructure.web.access import Form, Submitted, Visitor
from infrastructure.web.rendering import page
from infrastructure.web.routing import PageRoute, refusal, said
from infrastructure.web.views import budget
from infrastructure.web.views import form as form_view
from infrastructure.web.views import inbox as view
from infrastructure.web.views.form import Sheet
from services.desk import Command
from services.forms import Filling
from services.work_orders import Answer

router = APIRouter(prefix="/page/inbox", route_class=PageRoute)
MOST_TEXT = 900_000


@router.get("")
async def inbox(request: Request, caller: Visitor, parts: Parts) -> Response:
    return await _page(request, caller, parts, {})


async def _page(
    request: Request, caller: Command, parts: Container, typed: Mapping[str, Sheet], status: int = 200
) -> HTMLResponse:
    shown = await view.waiting(parts, caller, typed)
    return await page(request, caller, "inbox.html.j2", status=status, title="Inbox", here="inbox", shown=shown)


@router.post("/{item_id}/answer")
async def answer(request: Request, caller: Visitor, parts: Parts, item_id: str, form: Submitted) -> Response:
    item = await parts.desk().get(caller, InboxItem, item_id)
    if item.kind == "form" and (asked := await parts.forms().asked(caller, item)) is not None:
        return await _fill(request, caller, parts, item, asked, form)
    text = form.text("text", MOST_TEXT)
    stored = await parts.intake().text(caller.principal.workspace_id, text) if text else None
    given = Answer(
        action=form.fields.get("action", ""),
        hint=form.text("hint"),
        title=form.text("title", 300),
        handed_in=stored,
        cap=_cap(item, form),
        minutes=budget.minutes(form),
    )
    await parts.work_orders().answer(caller, item_id, given)
    return said("/page/inbox", "answered")


def _cap(item: InboxItem, form: Form) -> int | None:
    text = form.text("cap", 40)
    return budget.amount(item.shortage.cap.measure, text) if item.shortage is not None and text else None


async def _fill(
    request: Request, caller: Command, parts: Container, item: InboxItem, asked: Filled, form: Form
) -> Response:
    """Handed in whole; what is missing or does not fit is told beside its field. `add` only asks for a row."""
    typed, add = form_view.typed_in(form), form.fields.get("add", "")
    again = form_view.sheet(asked, item.id, typed=typed, add=add)
    if add:
        return await _page(request, caller, parts, {item.id: again})
    filling = Filling(answers=form_view.answers_in(asked.template, typed))
    try:
        given = Answer(action="fill_in", filling=filling, minutes=budget.minutes(form))
        await parts.work_orders().answer(caller, item.id, given)
    except Invalid as error:
        told = {item.id: form_view.refused(again, error)}
        return await _page(request, caller, parts, told, refusal(error)[0])
    return said("/page/inbox", "answered")
