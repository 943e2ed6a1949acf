"""Projects, their case file, report and members."""

from collections import defaultdict
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from domain.artifact import SECTIONS
from domain.project import Budget
from infrastructure.rest import presenters, schemas
from infrastructure.rest.access import Caller, Match, Paged, Parts, etag
from infrastructure.rest.paging import Listed
from infrastructure.rest.routes.artifacts import presented
from services.projects import NewProject, ProjectChange

router = APIRouter(prefix="/v1/projects", tags=["projects"])


@router.post("", status_code=201, summary="Create a project", operation_id="create_project")
async def create(caller: Caller, parts: Parts, body: schemas.ProjectBody, response: Response) -> schemas.ProjectOut:
    """The goal is filed as its first artifact. Hand over inputs next, then start a run."""
    new = NewProject(
        goal=body.goal,
        name=body.name,
        instructions=body.instructions,
        budget=Budget(money=body.budget.money, calls=body.budget.calls),
        approve_plan=body.approve_plan,
    )
    project = await parts.projects().create(caller, new)
    response.headers["Location"] = f"/v1/projects/{project.id}"
    response.headers["ETag"] = etag(project.version)
    return presenters.project(project)


@router.get("", summary="List projects, newest first", operation_id="list_projects")
async def page(
    caller: Caller,
    parts: Parts,
    paged: Paged,
    state: Annotated[Literal["active", "archived"] | None, Query()] = None,
) -> Listed[schemas.ProjectOut]:
    found = await parts.projects().page(caller, paged.cursor, paged.more, state)
    shown, cursor = paged.cut(found)
    return Listed(items=[presenters.project(item) for item in shown], next_cursor=cursor)


@router.get("/{project_id}", summary="One project", operation_id="get_project")
async def get(caller: Caller, parts: Parts, project_id: str, response: Response) -> schemas.ProjectOut:
    from domain.project import Project

    project = await parts.desk().get(caller, Project, project_id)
    response.headers["ETag"] = etag(project.version)
    return presenters.project(project)


@router.patch("/{project_id}", summary="Change name, instructions or budget", operation_id="change_project")
async def change(
    caller: Caller, parts: Parts, project_id: str, body: schemas.ProjectPatch, match: Match, response: Response
) -> schemas.ProjectOut:
    budget = Budget(money=body.budget.money, calls=body.budget.calls) if body.budget is not None else None
    wanted = ProjectChange(
        name=body.name, instructions=body.instructions, budget=budget, approve_plan=body.approve_plan
    )
    project = await parts.projects().change(caller, project_id, wanted, match)
    response.headers["ETag"] = etag(project.version)
    return presenters.project(project)


@router.delete("/{project_id}", summary="Archive a project", operation_id="archive_project")
async def archive(caller: Caller, parts: Parts, project_id: str) -> schemas.ProjectOut:
    """Nothing is deleted: the project takes no more work."""
    return presenters.project(await parts.projects().archive(caller, project_id))


@router.get("/{project_id}/case-file", summary="All artifacts by section", operation_id="get_case_file")
async def case_file(caller: Caller, parts: Parts, project_id: str) -> schemas.CaseFileOut:
    found = await parts.artifacts().page(caller, project_id, "", 1000)
    sections: dict[str, list[schemas.ArtifactOut]] = defaultdict(list)
    for item in await presented(caller, parts, found):
        sections[item.section].append(item)
    return schemas.CaseFileOut(project_id=project_id, sections={s: sections[s] for s in SECTIONS if s in sections})


@router.get(
    "/{project_id}/report",
    summary="The report, one self-contained HTML file",
    operation_id="get_report",
    response_class=HTMLResponse,
)
async def report(caller: Caller, parts: Parts, project_id: str) -> HTMLResponse:
    return HTMLResponse(await parts.reports().html(caller, project_id))


@router.get("/{project_id}/usage", summary="What its calls used in all", operation_id="get_usage")
async def usage(caller: Caller, parts: Parts, project_id: str) -> schemas.UsageOut:
    from domain.project import Project

    await parts.desk().get(caller, Project, project_id)
    return presenters.usage(await parts.store().usage(caller.principal.workspace_id, project_id))


@router.get("/{project_id}/members", tags=["members"], summary="The team", operation_id="list_members")
async def members(caller: Caller, parts: Parts, project_id: str) -> Listed[schemas.MemberOut]:
    found = await parts.projects().members(caller, project_id)
    return Listed(items=[presenters.member(item) for item in found])


@router.post(
    "/{project_id}/members", status_code=201, tags=["members"], summary="Add a member", operation_id="add_member"
)
async def add_member(
    caller: Caller, parts: Parts, project_id: str, body: schemas.MemberBody, response: Response
) -> schemas.MemberOut:
    member = await parts.projects().add_member(caller, project_id, body.subject_id, body.role)
    response.headers["Location"] = f"/v1/projects/{project_id}/members/{member.id}"
    return presenters.member(member)


@router.patch(
    "/{project_id}/members/{member_id}", tags=["members"], summary="Change a member", operation_id="change_member"
)
async def change_member(
    caller: Caller, parts: Parts, project_id: str, member_id: str, body: schemas.MemberPatch
) -> schemas.MemberOut:
    member = await parts.projects().change_member(caller, project_id, member_id, body.role, body.behaviour)
    return presenters.member(member)
