"""What agents of a project say to each other."""

from fastapi import APIRouter

from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, Paged, Parts
from infrastructure.rest.paging import Listed

router = APIRouter(prefix="/v1/projects", tags=["projects"])


@router.get(
    "/{project_id}/agent-messages",
    summary="What its agents said to each other, newest first",
    operation_id="list_agent_messages",
)
async def page(
    caller: Caller, parts: Parts, project_id: identifiers.Project, paged: Paged
) -> Listed[schemas.AgentMessageOut]:
    """Requests, replies, delegations and broadcasts. A request or a delegation is `sent`, then `answered`, or
    `expired` when nobody waited for an answer any more; replies and broadcasts are `told`. A reply has the
    `correlation` of its request, a delegation that of the run that answers it. Long texts are cut."""
    found = await parts.agent_messages().page(caller, project_id, paged.cursor, paged.more)
    kept = {read.message.id: read for read in found}
    shown, cursor = paged.cut([read.message for read in found])
    return Listed(
        items=[presenters.agent_message(message, kept[message.id].text) for message in shown], next_cursor=cursor
    )
