"""The core team and its templates."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse

from domain.errors import Invalid
from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, MatchDigest, Paged, Parts, Poster, etag
from infrastructure.rest.paging import Listed
from services.profiles import Kept
from services.staff import MANAGER, Staff, diagram

router = APIRouter(tags=["agents"])
EITHER = [("/yaml", "or `copy_of`, one of them")]


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


@router.post("/v1/agents", status_code=201, summary="Write or copy an agent", operation_id="create_agent")
async def create(caller: Poster, parts: Parts, body: schemas.NewAgentBody, response: Response) -> schemas.AgentWholeOut:
    """The YAML becomes a file in the data directory's folder `agents`. JSON is YAML, too."""
    if (body.yaml is None) == (body.copy_of is None):
        raise Invalid("An agent is written or copied: give either the YAML or what it is a copy of.", EITHER)
    if body.copy_of is not None:
        made = await parts.profiles().copy(caller, body.name, body.copy_of)
    else:
        made = await parts.profiles().create(caller, body.name, body.yaml or "")
    response.headers["Location"] = f"/v1/agents/{made.profile.id}"
    return _whole(made, response)


@router.get("/v1/agents/{agent_id}", summary="One agent", operation_id="get_agent")
async def agent(caller: Caller, parts: Parts, agent_id: identifiers.Agent, response: Response) -> schemas.AgentWholeOut:
    """With its profile as it is written."""
    return _whole(parts.profiles().get(agent_id), response)


@router.put("/v1/agents/{agent_id}", summary="Change an agent", operation_id="change_agent")
async def change(
    caller: Caller,
    parts: Parts,
    agent_id: identifiers.Agent,
    body: schemas.ProfileBody,
    match: MatchDigest,
    response: Response,
) -> schemas.AgentWholeOut:
    """Of one that ships, one of your own takes its place. It holds from the next call to a model on; what a task at
    work needs cannot be taken away."""
    return _whole(await parts.profiles().change(caller, agent_id, body.yaml, match), response)


@router.delete(
    "/v1/agents/{agent_id}", status_code=204, summary="Remove an agent of your own", operation_id="remove_agent"
)
async def remove(caller: Caller, parts: Parts, agent_id: identifiers.Agent, match: MatchDigest) -> None:
    """One that ships comes back where yours stood in its place. Refused while tasks or other agents need it."""
    await parts.profiles().discard(caller, agent_id, match)


def _out(staff: Staff, id: str) -> schemas.AgentOut:
    profile = staff.agent(id)
    return presenters.agent(profile, staff.origin(profile.name))


def _whole(found: Kept, response: Response) -> schemas.AgentWholeOut:
    response.headers["ETag"] = etag(found.digest)
    return presenters.agent_whole(found)


@router.get("/v1/templates", summary="Templates", operation_id="list_templates")
async def templates(
    caller: Caller,
    parts: Parts,
    paged: Paged,
    kind: Annotated[Literal["plan", "profile", "form"], Query(description="What for.")] = "plan",
) -> Listed[schemas.TemplateOut]:
    """Of plans; of forms with the schema of their answers; of profiles those that ship, to be copied by
    `POST /v1/agents`."""
    staff, found = parts.staff(), []
    if kind == "plan":
        found = [presenters.template(item) for item in staff.templates.values()]
    elif kind == "form":
        found = [presenters.form_template(item) for item in staff.forms.values()]
    else:
        found = [presenters.profile_template(item) for name, item in staff.shipped.items() if name != MANAGER]
    shown, cursor = paged.window(found, lambda template: template.name)
    return Listed(items=list(shown), next_cursor=cursor)
