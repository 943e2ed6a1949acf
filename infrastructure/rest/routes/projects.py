"""Projects, their case file and report."""

from collections import defaultdict
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from domain.artifact import SECTIONS
from domain.project import Budget, Project
from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, Match, Paged, Parts, Poster, etag
from infrastructure.rest.paging import Listed
from infrastructure.rest.routes.artifacts import presented
from services.projects import NewProject, ProjectChange

router = APIRouter(prefix="/v1/projects", tags=["projects"])
CASE_FILE_PAGE = 1000


@router.post("", status_code=201, summary="Create a project", operation_id="create_project")
async def create(caller: Poster, parts: Parts, body: schemas.ProjectBody, response: Response) -> schemas.ProjectOut:
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
    state: Annotated[Literal["active", "archived"] | None, Query(description="Only these.")] = None,
) -> Listed[schemas.ProjectOut]:
    found = await parts.projects().page(caller, paged.cursor, paged.more, state)
    shown, cursor = paged.cut(found)
    return Listed(items=[presenters.project(item) for item in shown], next_cursor=cursor)


@router.get("/{project_id}", summary="One project", operation_id="get_project")
async def get(caller: Caller, parts: Parts, project_id: identifiers.Project, response: Response) -> schemas.ProjectOut:
    project = await parts.desk().get(caller, Project, project_id)
    response.headers["ETag"] = etag(project.version)
    return presenters.project(project)


@router.patch("/{project_id}", summary="Change name, instructions or budget", operation_id="change_project")
async def change(
    caller: Caller,
    parts: Parts,
    project_id: identifiers.Project,
    body: schemas.ProjectPatch,
    match: Match,
    response: Response,
) -> schemas.ProjectOut:
    budget = Budget(money=body.budget.money, calls=body.budget.calls) if body.budget is not None else None
    wanted = ProjectChange(
        name=body.name, instructions=body.instructions, budget=budget, approve_plan=body.approve_plan
    )
    project = await parts.projects().change(caller, project_id, wanted, match)
    response.headers["ETag"] = etag(project.version)
    return presenters.project(project)


@router.delete("/{project_id}", summary="Archive a project", operation_id="archive_project")
async def archive(caller: Caller, parts: Parts, project_id: identifiers.Project) -> schemas.ProjectOut:
    """Nothing is deleted: the project takes no more work."""
    return presenters.project(await parts.projects().archive(caller, project_id))


@router.get("/{project_id}/case-file", summary="All artifacts by section", operation_id="get_case_file")
async def case_file(caller: Caller, parts: Parts, project_id: identifiers.Project) -> schemas.CaseFileOut:
    sections: dict[str, list[schemas.ArtifactOut]] = defaultdict(list)
    after: str | None = ""
    while after is not None:
        found = await parts.artifacts().page(caller, project_id, after, CASE_FILE_PAGE)
        for item in await presented(caller, parts, found):
            sections[item.section].append(item)
        after = found[-1].id if len(found) == CASE_FILE_PAGE else None
    return schemas.CaseFileOut(project_id=project_id, sections={s: sections[s] for s in SECTIONS if s in sections})


@router.get(
    "/{project_id}/report",
    summary="The report, one self-contained HTML file",
    operation_id="get_report",
    response_class=HTMLResponse,
)
async def report(caller: Caller, parts: Parts, project_id: identifiers.Project) -> HTMLResponse:
    return HTMLResponse(await parts.reports().html(caller, project_id))


@router.get("/{project_id}/usage", summary="What its calls used in all", operation_id="get_usage")
async def usage(caller: Caller, parts: Parts, project_id: identifiers.Project) -> schemas.UsageOut:
    await parts.desk().get(caller, Project, project_id)
    return presenters.usage(await parts.store().usage(caller.principal.workspace_id, project_id))
