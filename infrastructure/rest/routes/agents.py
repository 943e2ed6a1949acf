"""The core team and its templates."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, Paged, Parts
from infrastructure.rest.paging import Listed
from services.staff import Staff, diagram

router = APIRouter(tags=["agents"])


@router.get(
    "/v1/agents",
    summary="The core team",
    operation_id="list_agents",
    response_model=Listed[schemas.AgentOut],
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": "erDiagram"}}}},
)
async def page(
    caller: Caller,
    parts: Parts,
    paged: Paged,
    format: Annotated[
        Literal["json", "mermaid"], Query(description="A list, or a Mermaid diagram of who reads and writes what.")
    ] = "json",
) -> Listed[schemas.AgentOut] | PlainTextResponse:
    """The agents that ship and those that users wrote; or a diagram of all of them and the sections."""
    staff = parts.staff()
    if format == "mermaid":
        return PlainTextResponse(diagram(staff))
    shown, cursor = paged.window(list(staff.profiles.values()), lambda profile: profile.id)
    return Listed(items=[_out(staff, profile.id) for profile in shown], next_cursor=cursor)


@router.get("/v1/agents/{agent_id}", summary="One agent", operation_id="get_agent")
async def agent(caller: Caller, parts: Parts, agent_id: identifiers.Agent) -> schemas.AgentOut:
    return _out(parts.staff(), agent_id)


def _out(staff: Staff, id: str) -> schemas.AgentOut:
    profile = staff.agent(id)
    return presenters.agent(profile, staff.origin(profile.name))


@router.get("/v1/templates", summary="Templates", operation_id="list_templates")
async def templates(
    caller: Caller,
    parts: Parts,
    paged: Paged,
    kind: Annotated[Literal["plan", "profile", "form"], Query(description="What for.")] = "plan",
) -> Listed[schemas.TemplateOut]:
    """Of plans; of forms with the schema of their answers. Profiles are agents: `GET /v1/agents`."""
    staff, found = parts.staff(), []
    if kind == "plan":
        found = [presenters.template(item) for item in staff.templates.values()]
    elif kind == "form":
        found = [presenters.form_template(item) for item in staff.forms.values()]
    shown, cursor = paged.window(found, lambda template: template.name)
    return Listed(items=list(shown), next_cursor=cursor)
