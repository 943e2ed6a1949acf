"""Runs: starting, steering, looking at them."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from domain.project import Project
from domain.run import Run
from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, Paged, Parts, Poster
from infrastructure.rest.paging import Listed
from services.outputs import readable
from services.workflow_formats import written

router = APIRouter(tags=["runs"])


@router.post("/v1/projects/{project_id}/runs", status_code=202, summary="Start the work", operation_id="start_run")
async def start(
    caller: Poster,
    parts: Parts,
    project_id: identifiers.Project,
    response: Response,
    body: schemas.RunBody | None = None,
) -> schemas.RunOut:
    """Plans, works, checks. 409 while a run of the project is live; there is one at a time."""
    run = await parts.work_orders().start(caller, project_id, replan=body is not None and body.replan)
    response.headers["Location"] = f"/v1/runs/{run.id}"
    return presenters.run(run)


@router.get("/v1/projects/{project_id}/runs", summary="A project's runs, newest first", operation_id="list_runs")
async def page(
    caller: Caller,
    parts: Parts,
    project_id: identifiers.Project,
    paged: Paged,
    workflow: Annotated[
        str | None, Query(max_length=80, description="Only runs of this one.", examples=["project@1"])
    ] = None,
) -> Listed[schemas.RunOut]:
    """The project's own runs are `project@1`; answers in its conversation are `turn@1`."""
    await parts.desk().get(caller, Project, project_id)
    found = await parts.store().find(
        Run,
        caller.principal.workspace_id,
        where={"project_id": project_id, "parent_id": None} | ({} if workflow is None else {"graph": workflow}),
        after=paged.cursor,
        limit=paged.more,
        newest_first=True,
    )
    shown, cursor = paged.cut(found)
    return Listed(items=[presenters.run(item) for item in shown], next_cursor=cursor)


@router.get("/v1/runs/{run_id}", summary="One run", operation_id="get_run")
async def get(caller: Caller, parts: Parts, run_id: identifiers.Run) -> schemas.RunOut:
    """A project's run counts the usage of all the runs that it started."""
    run = await parts.work_orders().run(caller, run_id)
    return presenters.run(run, await readable(parts.content(), run))


@router.get("/v1/runs/{run_id}/workflow", summary="The workflow that it pinned", operation_id="get_run_workflow")
async def workflow(caller: Caller, parts: Parts, run_id: identifiers.Run) -> schemas.PinnedOut:
    """As it was when the run began, whatever was changed since."""
    run = await parts.desk().get(caller, Run, run_id)
    graph = await parts.journal().graph(run.graph_digest)
    return schemas.PinnedOut(name=graph.name, digest=run.graph_digest, graph=written(graph))


@router.get("/v1/runs/{run_id}/calls", summary="Its calls to models", operation_id="list_calls")
async def calls(caller: Caller, parts: Parts, run_id: identifiers.Run, paged: Paged) -> Listed[schemas.CallOut]:
    await parts.desk().get(caller, Run, run_id)
    found = await parts.store().calls(caller.principal.workspace_id, run_id)
    shown, cursor = paged.window(found, lambda call: call.key)
    return Listed(items=[presenters.call(item) for item in shown], next_cursor=cursor)


@router.post("/v1/runs/{run_id}/fork", status_code=202, summary="Go on from an earlier point", operation_id="fork_run")
async def fork(
    caller: Poster, parts: Parts, run_id: identifiers.Run, response: Response, body: schemas.ForkBody | None = None
) -> schemas.RunOut:
    """A new run of the same graph that goes on from where this one was after its tick `seq`: what was done until then
    is not done again. For runs that no other run started."""
    run = await parts.work_orders().fork(caller, run_id, body.seq if body is not None else None)
    response.headers["Location"] = f"/v1/runs/{run.id}"
    return presenters.run(run)


@router.post("/v1/runs/{run_id}/cancel", status_code=202, summary="Cancel it", operation_id="cancel_run")
async def cancel(caller: Poster, parts: Parts, run_id: identifiers.Run) -> schemas.RunOut:
    """What is finished is kept; tasks under way are given back."""
    return presenters.run(await parts.work_orders().steer(caller, run_id, "cancel"))


@router.post("/v1/runs/{run_id}/pause", status_code=202, summary="Pause it", operation_id="pause_run")
async def pause(caller: Poster, parts: Parts, run_id: identifiers.Run) -> schemas.RunOut:
    """Calls under way come to their end; nothing new is begun."""
    return presenters.run(await parts.work_orders().steer(caller, run_id, "pause"))


@router.post("/v1/runs/{run_id}/resume", status_code=202, summary="Go on", operation_id="resume_run")
async def resume(caller: Poster, parts: Parts, run_id: identifiers.Run) -> schemas.RunOut:
    return presenters.run(await parts.work_orders().steer(caller, run_id, "resume"))
