"""Conversations with the manager: of a project, and of the workspace."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from domain.conversation import MAX_SAID, Turn
from domain.errors import Conflict, DomainError, NotFound
from domain.project import Project
from infrastructure.container import Container
from infrastructure.rest.access import Parts
from infrastructure.web.access import Form, Submitted, Visitor
from infrastructure.web.rendering import page
from infrastructure.web.routing import PageRoute, refusal
from infrastructure.web.views import conversation as view
from services.desk import Command

router = APIRouter(route_class=PageRoute)
END = "#say"


@router.get("/page/conversation")
async def of_workspace(request: Request, caller: Visitor, parts: Parts, before: str = "") -> Response:
    return await _page(request, caller, parts, None, before)


@router.get("/page/projects/{project_id}/conversation")
async def of_project(request: Request, caller: Visitor, parts: Parts, project_id: str, before: str = "") -> Response:
    return await _page(request, caller, parts, project_id, before)


@router.post("/page/conversation")
async def say_in_workspace(request: Request, caller: Visitor, parts: Parts, form: Submitted) -> Response:
    return await _say(request, caller, parts, None, form)


@router.post("/page/projects/{project_id}/conversation")
async def say_in_project(request: Request, caller: Visitor, parts: Parts, project_id: str, form: Submitted) -> Response:
    return await _say(request, caller, parts, project_id, form)


@router.post("/page/messages/{turn_id}/retry")
async def retry(request: Request, caller: Visitor, parts: Parts, turn_id: str, form: Submitted) -> Response:
    turn = await parts.conversation().turn(caller, turn_id)
    try:
        await parts.conversation().again(caller, turn_id)
    except DomainError as error:
        return await _page(request, caller, parts, turn.project_id, error=error)
    return _back(turn, END)


@router.post("/page/messages/{turn_id}/cancel")
async def cancel(caller: Visitor, parts: Parts, turn_id: str, form: Submitted) -> Response:
    turn = await parts.conversation().turn(caller, turn_id)
    if turn.run_id is None or turn.state != "thinking":
        raise Conflict("This message is not being answered any more.")
    await parts.work_orders().steer(caller, turn.run_id, "cancel")
    return _back(turn, END)


@router.post("/page/messages/{turn_id}/keep")
async def keep(request: Request, caller: Visitor, parts: Parts, turn_id: str, form: Submitted) -> Response:
    turn = await parts.conversation().turn(caller, turn_id)
    try:
        await parts.conversation().keep(caller, turn_id, form.text("project", 100) or None)
    except DomainError as error:
        return await _page(request, caller, parts, turn.project_id, error=error)
    return _back(turn)


@router.post("/page/messages/{turn_id}/proposals/{proposal_id}/accept")
async def accept(
    request: Request, caller: Visitor, parts: Parts, turn_id: str, proposal_id: str, form: Submitted
) -> Response:
    return await _settled(request, caller, parts, turn_id, proposal_id, "accepted")


@router.post("/page/messages/{turn_id}/proposals/{proposal_id}/dismiss")
async def dismiss(
    request: Request, caller: Visitor, parts: Parts, turn_id: str, proposal_id: str, form: Submitted
) -> Response:
    return await _settled(request, caller, parts, turn_id, proposal_id, "dismissed")


async def _settled(
    request: Request,
    caller: Command,
    parts: Container,
    turn_id: str,
    proposal_id: str,
    to: Literal["accepted", "dismissed"],
) -> Response:
    """What no longer fits is refused, and stays open."""
    turn = await parts.conversation().turn(caller, turn_id)
    try:
        await parts.conversation().settle(caller, turn_id, proposal_id, to)
    except NotFound:
        raise
    except DomainError as error:
        return await _page(request, caller, parts, turn.project_id, error=error)
    return _back(turn)


async def _say(request: Request, caller: Command, parts: Container, project_id: str | None, form: Form) -> Response:
    try:
        await parts.conversation().say(caller, project_id, form.text("text", MAX_SAID))
    except NotFound:
        raise
    except DomainError as error:
        return await _page(request, caller, parts, project_id, typed=form.fields.get("text", ""), error=error)
    return RedirectResponse(view.place(project_id) + END, 303)


def _back(turn: Turn, to: str = "") -> Response:
    return RedirectResponse(view.place(turn.project_id) + (to or f"#{turn.id}"), 303)


async def _page(
    request: Request,
    caller: Command,
    parts: Container,
    project_id: str | None,
    before: str = "",
    *,
    typed: str = "",
    error: DomainError | None = None,
) -> HTMLResponse:
    project = await parts.desk().get(caller, Project, project_id) if project_id is not None else None
    found = await view.shown(parts, caller, project, before)
    return await page(
        request,
        caller,
        "conversation.html.j2",
        status=refusal(error)[0] if error is not None else 200,
        title=f"Conversation: {project.name}" if project is not None else "Conversation",
        here="projects" if project is not None else "conversation",
        tab="conversation",
        shown=found,
        typed=typed,
        refused=str(error or ""),
    )
