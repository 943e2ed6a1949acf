"""What projects and the workspace cost."""

from fastapi import APIRouter

from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, Parts
from services.costs import CostReport
from services.ports.costs import By, Share
from services.ports.store import RecordedCall
from services.staff import Staff

router = APIRouter(tags=["costs"])


@router.get("/v1/costs", summary="What the workspace cost", operation_id="get_costs")
async def of_workspace(caller: Caller, parts: Parts) -> schemas.CostsOut:
    """All calls to models, by project, agent, model and purpose."""
    return _costs(await parts.costs().of_workspace(caller), parts.staff(), parts.models().currency())


@router.get("/v1/projects/{project_id}/costs", summary="What a project cost", operation_id="get_project_costs")
async def of_project(caller: Caller, parts: Parts, project_id: identifiers.Project) -> schemas.CostsOut:
    """All its calls to models, by agent, task, model and purpose."""
    return _costs(await parts.costs().of_project(caller, project_id), parts.staff(), parts.models().currency())


def _costs(found: CostReport, staff: Staff, currency: str) -> schemas.CostsOut:
    titles = {profile.id: profile.title for profile in staff.profiles.values()} | found.names
    manager = staff.manager.title  # one for each project, with an id of its own

    def lines(by: By) -> list[schemas.ShareOut]:
        return [_share(share, titles, manager) for share in found.parts.get(by, ())]

    return schemas.CostsOut(
        currency=currency,
        total=presenters.usage(found.total),
        by_project=lines("project_id"),
        by_agent=lines("agent"),
        by_task=lines("task_id"),
        by_model=lines("model"),
        by_purpose=lines("purpose"),
        by_rung=lines("rung"),
        dearest=None if found.dearest is None else _dearest(found.dearest),
    )


def _share(share: Share, titles: dict[str, str], manager: str) -> schemas.ShareOut:
    name = titles.get(share.key) or (manager if share.key.startswith("agt_") else share.key)
    return schemas.ShareOut(key=share.key, name=name, usage=presenters.usage(share.usage))


def _dearest(call: RecordedCall) -> schemas.DearestOut:
    return schemas.DearestOut(
        key=call.key,
        run_id=call.run_id,
        agent=call.agent,
        purpose=call.purpose,
        model=call.model,
        started_at=call.started_at,
        usage=presenters.usage(call.usage),
    )
