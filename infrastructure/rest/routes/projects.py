"""Projects, their case file and report."""

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from typing import IO, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from domain.artifact import SECTIONS
from domain.budget import Budget
from domain.errors import Forbidden
from domain.project import Project
from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, Match, Paged, Parts, Poster, etag
from infrastructure.rest.paging import Listed
from infrastructure.rest.routes.artifacts import presented
from services.projects import NewProject, ProjectChange

router = APIRouter(prefix="/v1/projects", tags=["projects"])
CASE_FILE_PAGE = 1000
LOCAL = ("127.0.0.1", "localhost", "::1")
PASSED_ON = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
CHUNK = 256_000
ZIP: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The archive.",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def scratch(caller: Caller, parts: Parts) -> Iterator[IO[bytes]]:
    """A file without a name in the data directory, gone once the answer is sent or nobody waits for it."""
    with tempfile.TemporaryFile(dir=parts.directory().path) as file:
        yield file


@router.post("", status_code=201, summary="Create a project", operation_id="create_project")
async def create(caller: Poster, parts: Parts, body: schemas.ProjectBody, response: Response) -> schemas.ProjectOut:
    """The goal is filed as its first artifact. Hand over inputs next, then start a run."""
    new = NewProject(
        goal=body.goal,
        name=body.name,
        instructions=body.instructions,
        budget=Budget(**body.budget.model_dump()),
        approve_plan=body.approve_plan,
        sign_off_code=body.sign_off_code,
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


@router.patch(
    "/{project_id}", summary="Change name, goal, instructions, budget or watched folder", operation_id="change_project"
)
async def change(
    caller: Caller,
    parts: Parts,
    project_id: identifiers.Project,
    body: schemas.ProjectPatch,
    match: Match,
    request: Request,
    response: Response,
) -> schemas.ProjectOut:
    """A folder to watch is set from this machine only: what is new or changed in it becomes sources, or new versions
    of them. What was noted of it are events of the kind `folder.noted`."""
    if body.watched_folder is not None and not _is_local(request):
        raise Forbidden("A folder to watch is set by the owner at this machine, not through a proxy or another name.")
    budget = Budget(**body.budget.model_dump()) if body.budget is not None else None
    wanted = ProjectChange(
        name=body.name,
        goal=body.goal,
        instructions=body.instructions,
        budget=budget,
        approve_plan=body.approve_plan,
        sign_off_code=body.sign_off_code,
        watched_folder=(body.watched_folder or "") if "watched_folder" in body.model_fields_set else None,
    )
    project = await parts.projects().change(caller, project_id, wanted, match)
    parts.watching().wake()
    response.headers["ETag"] = etag(project.version)
    return presenters.project(project)


def _is_local(request: Request) -> bool:
    """Whether the request came straight from this machine, by its own name."""
    there = request.client.host if request.client is not None else ""
    return {there, request.url.hostname} <= set(LOCAL) and not any(name in request.headers for name in PASSED_ON)


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


@router.get(
    "/{project_id}/export",
    summary="All of it, as a zip file",
    operation_id="export_project",
    response_class=Response,
    responses=ZIP,
)
async def export(
    caller: Caller, parts: Parts, project_id: identifiers.Project, file: Annotated[IO[bytes], Depends(scratch)]
) -> StreamingResponse:
    """Plan, tasks, runs, case file with the content of every version, graph, events and report; its README.txt says
    what is what and how digests are checked. Archived projects too."""
    await parts.exports().write(caller, project_id, file)
    headers = {"Content-Disposition": f'attachment; filename="{project_id}.zip"', "Content-Length": str(file.tell())}
    file.seek(0)
    return StreamingResponse(iter(lambda: file.read(CHUNK), b""), media_type="application/zip", headers=headers)
