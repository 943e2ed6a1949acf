"""The core team and its templates."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, Paged, Parts
from infrastructure.rest.paging import Listed

router = APIRouter(tags=["agents"])


@router.get("/v1/agents", summary="The core team", operation_id="list_agents")
async def page(caller: Caller, parts: Parts, paged: Paged) -> Listed[schemas.AgentOut]:
    shown, cursor = paged.window(list(parts.staff().profiles.values()), lambda profile: profile.id)
    return Listed(items=[presenters.agent(profile) for profile in shown], next_cursor=cursor)


@router.get("/v1/agents/{agent_id}", summary="One agent", operation_id="get_agent")
async def agent(caller: Caller, parts: Parts, agent_id: identifiers.Agent) -> schemas.AgentOut:
    return presenters.agent(parts.staff().agent(agent_id))


@router.get("/v1/templates", summary="Templates", operation_id="list_templates")
async def templates(
    caller: Caller,
    parts: Parts,
    paged: Paged,
    kind: Annotated[Literal["plan", "profile", "form"], Query(description="What for.")] = "plan",
) -> Listed[schemas.TemplateOut]:
    """Plan templates for now."""
    found = list(parts.staff().templates.values()) if kind == "plan" else []
    shown, cursor = paged.window(found, lambda template: template.name)
    return Listed(items=[presenters.template(item) for item in shown], next_cursor=cursor)
