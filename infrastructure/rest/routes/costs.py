"""What projects and the workspace cost, and what the workspace may cost."""

from collections.abc import Mapping
from dataclasses import asdict

from fastapi import APIRouter, Response

from domain.budget import Budget
from domain.workspace import Workspace
from infrastructure.container import Container
from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, Match, Parts, etag
from services.budgets import Standing
from services.costs import CostReport
from services.desk import Command
from services.ports.costs import By, Share, Worked
from services.ports.store import RecordedCall
from services.staff import Staff

router = APIRouter(tags=["costs"])


@router.get("/v1/costs", summary="What the workspace cost", operation_id="get_costs")
async def of_workspace(caller: Caller, parts: Parts) -> schemas.CostsOut:
    """All calls to models, by project, agent, model and purpose; what people worked, and what is left of the budget."""
    return _costs(await parts.costs().of_workspace(caller), parts.staff(), parts.models().currency())


@router.get("/v1/projects/{project_id}/costs", summary="What a project cost", operation_id="get_project_costs")
async def of_project(caller: Caller, parts: Parts, project_id: identifiers.Project) -> schemas.CostsOut:
    """All its calls to models, by agent, task, artifact, model and purpose; what people worked, and what is left of
    budgets."""
    return _costs(await parts.costs().of_project(caller, project_id), parts.staff(), parts.models().currency())


@router.get("/v1/budget", summary="The workspace's budget", operation_id="get_budget")
async def budget(caller: Caller, parts: Parts, response: Response) -> schemas.WorkspaceBudgetOut:
    """What all projects together may use, and what they used."""
    return await _budget(caller, parts, await parts.budgets().workspace(caller), response)


@router.put("/v1/budget", summary="Set the workspace's budget", operation_id="set_budget")
async def set_budget(
    caller: Caller, parts: Parts, body: schemas.BudgetBody, match: Match, response: Response
) -> schemas.WorkspaceBudgetOut:
    """Takes the place of the one before; what it leaves out has no cap. Work that was stopped by a cap that it widens
    goes on."""
    found = await parts.budgets().set_workspace(caller, Budget(**body.model_dump()), match)
    return await _budget(caller, parts, found, response)


async def _budget(
    caller: Command, parts: Container, found: Workspace, response: Response
) -> schemas.WorkspaceBudgetOut:
    response.headers["ETag"] = etag(found.version)
    standings = await parts.budgets().standings(caller, None)
    return schemas.WorkspaceBudgetOut(
        budget=schemas.BudgetBody(**asdict(found.budget)), caps=[_cap(one, {}) for one in standings]
    )


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
        by_artifact=[_share(share, titles, manager) for share in found.artifacts],
        caps=[_cap(one, found.names) for one in found.caps],
        minutes=sum(one.minutes for one in found.worked),
        worked=[_worked(one, found.names) for one in found.worked],
        dearest=None if found.dearest is None else _dearest(found.dearest),
    )


def _share(share: Share, titles: dict[str, str], manager: str) -> schemas.ShareOut:
    name = titles.get(share.key) or (manager if share.key.startswith("agt_") else share.key)
    return schemas.ShareOut(key=share.key, name=name, usage=presenters.usage(share.usage))


def _cap(standing: Standing, names: Mapping[str, str]) -> schemas.CapOut:
    cap = standing.cap
    name = names.get(cap.id, f"the {cap.level}")
    return schemas.CapOut(
        level=cap.level, id=cap.id, name=name, measure=cap.measure, cap=cap.amount, used=standing.used
    )


def _worked(item: Worked, names: Mapping[str, str]) -> schemas.WorkedOut:
    return schemas.WorkedOut(
        project_id=item.project_id,
        task_id=item.task_id or None,
        task=names.get(item.task_id),
        user_id=item.by,
        name=names.get(item.by, item.by),
        minutes=item.minutes,
    )


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
