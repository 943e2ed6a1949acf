"""Artifacts: handing over, reading, versions, lineage, locks, a person's acceptance."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from domain.artifact import Artifact, Version, VersionRef
from domain.errors import Invalid
from infrastructure.container import Container
from infrastructure.rest import presenters, schemas
from infrastructure.rest.access import Caller, Match, Paged, Parts, etag
from infrastructure.rest.paging import Listed
from services.artifacts import Judgement
from services.desk import Command
from services.graph_questions import node_link
from services.inputs import Filed, Stored

router = APIRouter(tags=["artifacts"])
UNKNOWN = "sha256:" + "0" * 64
FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/ArtifactBody"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "title": {"type": "string"},
                        "kind": {"type": "string"},
                        "section": {"type": "string"},
                    },
                }
            },
        },
    }
}


async def presented(caller: Command, parts: Container, found: Sequence[Artifact]) -> list[schemas.ArtifactOut]:
    """Artifacts with what is said of their heads."""
    ids = [item.id for item in found]
    where = {"artifact_id": ids, "state": "published"}
    versions = await parts.store().find(Version, caller.principal.workspace_id, where=where, limit=100_000)
    heads = {(version.artifact_id, version.number): version for version in versions}
    return [presenters.artifact(item, heads[item.id, item.head]) for item in found]


@router.post(
    "/v1/projects/{project_id}/artifacts",
    status_code=201,
    summary="Hand something over",
    operation_id="add_artifact",
    openapi_extra=FORM,
)
async def add(
    caller: Caller, parts: Parts, project_id: str, request: Request, response: Response
) -> schemas.ArtifactOut:
    """JSON with `text`, or a form with `file`: Markdown, text, CSV, JSON, HTML, PDF."""
    from domain.project import Project

    await parts.desk().get(caller, Project, project_id)
    stored, filed = await _received(caller, parts, request)
    artifact = await parts.artifacts().add(caller, project_id, stored, filed)
    response.headers["Location"] = f"/v1/artifacts/{artifact.id}"
    response.headers["ETag"] = etag(artifact.version)
    return (await presented(caller, parts, [artifact]))[0]


@router.get("/v1/projects/{project_id}/artifacts", summary="List artifacts", operation_id="list_artifacts")
async def page(
    caller: Caller, parts: Parts, project_id: str, paged: Paged, section: Annotated[str | None, Query()] = None
) -> Listed[schemas.ArtifactOut]:
    found = await parts.artifacts().page(caller, project_id, paged.cursor, paged.more, section)
    shown, cursor = paged.cut(found)
    return Listed(items=await presented(caller, parts, shown), next_cursor=cursor)


@router.get("/v1/artifacts/{artifact_id}", summary="One artifact", operation_id="get_artifact")
async def get(caller: Caller, parts: Parts, artifact_id: str, response: Response) -> schemas.ArtifactOut:
    artifact = await parts.artifacts().get(caller, artifact_id)
    response.headers["ETag"] = etag(artifact.version)
    return (await presented(caller, parts, [artifact]))[0]


@router.get("/v1/artifacts/{artifact_id}/content", summary="Its content, as a file", operation_id="get_content")
async def content(
    caller: Caller, parts: Parts, artifact_id: str, version: Annotated[int | None, Query(ge=1)] = None
) -> Response:
    found, body = await parts.artifacts().content(caller, artifact_id, version)
    return _attached(found, body)


@router.get("/v1/artifacts/{artifact_id}/versions", summary="Its versions", operation_id="list_versions")
async def versions(caller: Caller, parts: Parts, artifact_id: str) -> Listed[schemas.VersionOut]:
    found = await parts.artifacts().versions(caller, artifact_id)
    return Listed(items=[presenters.version(item) for item in found])


@router.post(
    "/v1/artifacts/{artifact_id}/versions",
    status_code=201,
    summary="A new version",
    operation_id="add_version",
)
async def add_version(
    caller: Caller, parts: Parts, artifact_id: str, body: schemas.VersionBody, match: Match, response: Response
) -> schemas.ArtifactOut:
    await parts.artifacts().get(caller, artifact_id)
    stored = await parts.intake().text(caller.principal.workspace_id, body.text)
    artifact = await parts.artifacts().add_version(caller, artifact_id, stored, match)
    response.headers["Location"] = f"/v1/artifacts/{artifact_id}"
    response.headers["ETag"] = etag(artifact.version)
    return (await presented(caller, parts, [artifact]))[0]


@router.get("/v1/artifacts/{artifact_id}/lineage", summary="What it came from", operation_id="get_lineage")
async def lineage(caller: Caller, parts: Parts, artifact_id: str) -> dict[str, Any]:
    """Node-link JSON of `wasDerivedFrom`, up to five steps back."""
    return node_link(await parts.graph_questions().lineage(caller, artifact_id))


@router.post("/v1/artifacts/{artifact_id}/lock", summary="Lock it", operation_id="lock_artifact")
async def lock(caller: Caller, parts: Parts, artifact_id: str) -> schemas.ArtifactOut:
    return (await presented(caller, parts, [await parts.artifacts().lock(caller, artifact_id, locked=True)]))[0]


@router.post("/v1/artifacts/{artifact_id}/unlock", summary="Unlock it", operation_id="unlock_artifact")
async def unlock(caller: Caller, parts: Parts, artifact_id: str) -> schemas.ArtifactOut:
    return (await presented(caller, parts, [await parts.artifacts().lock(caller, artifact_id, locked=False)]))[0]


@router.post("/v1/artifacts/{artifact_id}/qa", summary="A person's judgement", operation_id="judge_artifact")
async def judge(caller: Caller, parts: Parts, artifact_id: str, body: schemas.QABody) -> schemas.ArtifactOut:
    """Accepted, an intellectual artifact becomes an information product. Nobody judges what they made."""
    judgement = Judgement(verdict=body.verdict, note=body.note, digest=body.digest)
    return (await presented(caller, parts, [await parts.artifacts().judge(caller, artifact_id, judgement)]))[0]


def _attached(version: Version, body: bytes) -> Response:
    """As an attachment that a browser does not run."""
    suffix = {"text/markdown": "md", "text/csv": "csv", "application/json": "json", "application/pdf": "pdf"}
    name = f"{version.artifact_id}.{suffix.get(version.media_type, 'txt')}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "ETag": f'"{version.digest}"',
    }
    kind = version.media_type if version.media_type != "text/html" else "text/plain"
    return Response(body, media_type=kind, headers=headers)


async def _received(caller: Command, parts: Container, request: Request) -> tuple[Stored, Filed]:
    workspace, kind = caller.principal.workspace_id, request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        body = await _json(request)
        stored = await parts.intake().text(workspace, body.text)
        refs = [VersionRef(artifact_id=id, digest=UNKNOWN) for id in body.derived_from]
        return stored, Filed(kind=body.kind, section=body.section, title=body.title, derived_from=refs)
    async with request.form(max_files=1, max_fields=10) as form:
        upload = form.get("file")
        if not isinstance(upload, UploadFile):
            raise Invalid("The form needs a field `file`.", [("/file", "is missing")])
        name = Path(upload.filename or "upload").name[:200]
        stored = await _uploaded(parts, workspace, upload, name)
        fields = {field: str(form[field]) for field in ("title", "kind", "section") if form.get(field)}
    return stored, Filed(
        kind=fields.get("kind", "source"), section=fields.get("section", "sources"), title=fields.get("title", name)
    )


async def _uploaded(parts: Container, workspace: str, upload: UploadFile, name: str) -> Stored:
    import asyncio

    with tempfile.TemporaryDirectory(prefix="caseworks-") as folder:
        path = Path(folder) / "upload"
        with path.open("wb") as file:
            await asyncio.to_thread(shutil.copyfileobj, upload.file, file)
        return await parts.intake().read(workspace, path, name)


async def _json(request: Request) -> schemas.ArtifactBody:
    try:
        return schemas.ArtifactBody.model_validate_json(await request.body())
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors(include_url=False)]
        raise RequestValidationError(faults) from None


Direction = Literal["in", "out", "both"]
