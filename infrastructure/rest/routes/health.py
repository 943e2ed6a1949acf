"""Whether the process lives and is ready, and what the doctor says."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from starlette.requests import Request

from infrastructure.rest import schemas
from infrastructure.rest.access import Caller, Parts
from infrastructure.rest.paging import Listed
from services.ports.figures import Counts

router = APIRouter(tags=["health"])


class Exposition(PlainTextResponse):
    """Prometheus' text format, 0.0.4."""

    media_type = "text/plain; version=0.0.4"


@router.get("/health", summary="Is the process alive?", operation_id="health")
async def health() -> schemas.HealthOut:
    return schemas.HealthOut(status="ok")


@router.get(
    "/ready",
    summary="Can it take work?",
    operation_id="ready",
    responses={503: {"model": schemas.ReadyOut, "description": "Not ready."}},
)
async def ready(parts: Parts, response: Response) -> schemas.ReadyOut:
    """503 when the database cannot be read. Says which model stands behind the default alias."""
    alive = await parts.database().alive()
    response.status_code = 200 if alive else 503
    info = parts.llm().describe(parts.alias())
    return schemas.ReadyOut(status="ready" if alive else "not ready", model=info.model, backend=info.backend)


@router.get("/metrics", summary="Numbers for Prometheus", response_class=Exposition, operation_id="metrics")
async def metrics(caller: Caller, parts: Parts, request: Request) -> Response:
    """Requests, runs, tasks, calls to models with their tokens and money, the inbox, the process."""

    async def count() -> Counts:
        return await parts.figures().counts(caller.principal.workspace_id)

    return Exposition(await parts.metrics().exposition(count, streams=request.app.state.streams))


@router.get("/v1/doctor", summary="What is well and what is not", operation_id="doctor")
async def doctor(
    caller: Caller,
    parts: Parts,
    verify: Annotated[bool, Query(description="Also rebuild and compare, check the audit chain, re-hash.")] = False,
) -> Listed[schemas.FindingOut]:
    findings = await parts.doctor().examine(verify=verify)
    return Listed(items=[schemas.FindingOut(name=f.name, level=f.level, detail=f.detail) for f in findings])


@router.get("/reference", include_in_schema=False, response_class=HTMLResponse)
async def reference(request: Request) -> str:
    """The reference as a page, made from the OpenAPI document; nothing of it comes from the network."""
    from infrastructure.rest.reference import page

    document: dict[str, Any] = request.app.openapi()
    return page(document)
