"""Workflows: looking at them, writing one's own, running them."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse

from config.workflow_files import schema
from domain.errors import Invalid
from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, MatchDigest, Paged, Parts, Poster, etag
from infrastructure.rest.paging import Listed
from services.workflow_formats import mermaid
from services.workflow_shelves import Workflow

router = APIRouter(prefix="/v1/workflows", tags=["workflows"])


@router.get("", summary="The workflows that there are", operation_id="list_workflows")
async def page(caller: Caller, parts: Parts, paged: Paged) -> Listed[schemas.WorkflowOut]:
    """Your own and those that ship by name, then those that are built in."""
    shown, cursor = paged.window(parts.workflows().all(), lambda item: item.name)
    return Listed(items=[presenters.workflow(item) for item in shown], next_cursor=cursor)


@router.post("", status_code=201, summary="Write a workflow", operation_id="create_workflow")
async def create(
    caller: Poster, parts: Parts, body: schemas.WorkflowBody, response: Response
) -> schemas.WorkflowWholeOut:
    """YAML becomes a file in the data directory's folder `workflows`."""
    made = await parts.workflows().create(caller, body.name, body.yaml)
    response.headers["Location"] = f"/v1/workflows/{made.name}"
    return _whole(made, response)


@router.post("/validate", summary="Check a workflow without keeping it", operation_id="validate_workflow")
async def validate(caller: Poster, parts: Parts, body: schemas.YamlBody) -> schemas.ValidationOut:
    """All that is wrong with it, each with its line and field."""
    faults = await asyncio.to_thread(parts.workflows().faults, body.yaml)
    return schemas.ValidationOut(ok=not faults, faults=[schemas.WorkflowFaultOut(**f._asdict()) for f in faults])


@router.get("/schema", summary="The JSON Schema of workflows, for editors", operation_id="get_workflow_schema")
async def of_all(caller: Caller) -> dict[str, Any]:
    return schema()


@router.get(
    "/{name}",
    summary="One workflow",
    operation_id="get_workflow",
    response_model=schemas.WorkflowWholeOut,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": "flowchart TD"}}}},
)
async def get(
    caller: Caller,
    parts: Parts,
    name: identifiers.Workflow,
    response: Response,
    format: Annotated[Literal["json", "mermaid"], Query(description="Or a Mermaid flowchart.")] = "json",
) -> schemas.WorkflowWholeOut | PlainTextResponse:
    found = parts.workflows().get(name)
    if format == "json":
        return _whole(found, response)
    if found.graph is None:
        raise Invalid(f"The workflow {found.name} cannot be drawn: {found.fault}")
    return PlainTextResponse(mermaid(found.graph))


@router.put("/{name}", summary="Change a workflow", operation_id="change_workflow")
async def change(
    caller: Caller,
    parts: Parts,
    name: identifiers.Workflow,
    body: schemas.YamlBody,
    match: MatchDigest,
    response: Response,
) -> schemas.WorkflowWholeOut:
    """Of one that ships, one of your own takes its place. Runs that are under way go on as they began."""
    return _whole(await parts.workflows().change(caller, name, body.yaml, match), response)


@router.delete("/{name}", status_code=204, summary="Remove a workflow of your own", operation_id="remove_workflow")
async def remove(caller: Caller, parts: Parts, name: identifiers.Workflow, match: MatchDigest) -> None:
    """Runs that are under way go on; one that ships comes back where yours stood in its place."""
    await parts.workflows().discard(caller, name, match)


@router.post("/{name}/runs", status_code=202, summary="Run a workflow in a project", operation_id="run_workflow")
async def run(
    caller: Poster, parts: Parts, name: identifiers.Workflow, body: schemas.WorkflowRunBody, response: Response
) -> schemas.RunOut:
    """It may run beside the project's own work. What it gives is the run's `output`."""
    started = await parts.workflows().run(caller, name, body.project_id, body.inputs)
    response.headers["Location"] = f"/v1/runs/{started.id}"
    return presenters.run(started)


def _whole(found: Workflow, response: Response) -> schemas.WorkflowWholeOut:
    if found.digest:
        response.headers["ETag"] = etag(found.digest)
    return presenters.workflow_whole(found)
