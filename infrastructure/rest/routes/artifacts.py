"""Artifacts: handing over, reading, versions, lineage, locks, a person's acceptance."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from domain.artifact import Artifact, Version
from domain.project import Project
from infrastructure.container import Container
from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, Match, Paged, Parts, Poster, etag, with_form
from infrastructure.rest.paging import Listed
from infrastructure.rest.receiving import either, received, received_version
from services.artifacts import Judgement
from services.desk import Command
from services.ports.documents import suffix_of

router = APIRouter(tags=["artifacts"])
FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
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
    openapi_extra=either(schemas.ArtifactBody, schemas.ArtifactForm),
)
async def add(
    caller: Poster, parts: Parts, project_id: identifiers.Project, request: Request, response: Response
) -> schemas.ArtifactOut:
    """JSON with `text`, or a form with `file`: text, CSV, JSON, HTML, PDF, office documents, books, e-mail,
    images, zip archives."""
    await parts.desk().get(caller, Project, project_id)
    stored, filed = await received(caller.principal.workspace_id, parts, request)
    if caller.key is not None:
        caller = with_form(caller, filed.kind, filed.section, filed.title, stored.digest)
    artifact = await parts.artifacts().add(caller, project_id, stored, filed)
    response.headers["Location"] = f"/v1/artifacts/{artifact.id}"
    return await _edited(caller, parts, artifact, response)


@router.get("/v1/projects/{project_id}/artifacts", summary="List artifacts", operation_id="list_artifacts")
async def page(
    caller: Caller,
    parts: Parts,
    project_id: identifiers.Project,
    paged: Paged,
    section: Annotated[
        str | None, Query(description="Only this section of the case file.", examples=["sources"])
    ] = None,
) -> Listed[schemas.ArtifactOut]:
    found = await parts.artifacts().page(caller, project_id, paged.cursor, paged.more, section)
    shown, cursor = paged.cut(found)
    return Listed(items=await presented(caller, parts, shown), next_cursor=cursor)


@router.get("/v1/artifacts/{artifact_id}", summary="One artifact", operation_id="get_artifact")
async def get(
    caller: Caller, parts: Parts, artifact_id: identifiers.Artifact, response: Response
) -> schemas.ArtifactOut:
    return await _edited(caller, parts, await parts.artifacts().get(caller, artifact_id), response)


@router.get(
    "/v1/artifacts/{artifact_id}/content",
    summary="Its content, as a file",
    operation_id="get_content",
    response_class=Response,
    responses=FILE,
)
async def content(
    caller: Caller,
    parts: Parts,
    artifact_id: identifiers.Artifact,
    version: Annotated[int | None, Query(ge=1, description="A number of a version; the latest without it.")] = None,
) -> Response:
    """As an attachment, never to be shown as a page; HTML comes as plain text."""
    found, body = await parts.artifacts().content(caller, artifact_id, version)
    return attached(found, body)


@router.get("/v1/artifacts/{artifact_id}/versions", summary="Its versions", operation_id="list_versions")
async def versions(
    caller: Caller, parts: Parts, artifact_id: identifiers.Artifact, paged: Paged
) -> Listed[schemas.VersionOut]:
    """Oldest first."""
    found = await parts.artifacts().versions(caller, artifact_id)
    shown, cursor = paged.window(found, lambda version: str(version.number))
    return Listed(items=[presenters.version(item) for item in shown], next_cursor=cursor)


@router.post(
    "/v1/artifacts/{artifact_id}/versions",
    status_code=201,
    summary="A new version",
    operation_id="add_version",
    openapi_extra=either(schemas.VersionBody, schemas.VersionForm),
)
async def add_version(
    caller: Poster,
    parts: Parts,
    artifact_id: identifiers.Artifact,
    request: Request,
    match: Match,
    response: Response,
) -> schemas.ArtifactOut:
    """JSON with `text`, or a form with `file`."""
    await parts.artifacts().get(caller, artifact_id)
    stored = await received_version(caller.principal.workspace_id, parts, request)
    if caller.key is not None:
        caller = with_form(caller, stored.digest)
    artifact = await parts.artifacts().add_version(caller, artifact_id, stored, match)
    response.headers["Location"] = f"/v1/artifacts/{artifact_id}"
    return await _edited(caller, parts, artifact, response)


@router.get("/v1/artifacts/{artifact_id}/lineage", summary="What it came from", operation_id="get_lineage")
async def lineage(caller: Caller, parts: Parts, artifact_id: identifiers.Artifact) -> schemas.GraphOut:
    """Node-link JSON of `wasDerivedFrom`, up to five steps back."""
    return presenters.graph(await parts.graph_questions().lineage(caller, artifact_id))


@router.post("/v1/artifacts/{artifact_id}/lock", summary="Lock it", operation_id="lock_artifact")
async def lock(
    caller: Poster, parts: Parts, artifact_id: identifiers.Artifact, response: Response
) -> schemas.ArtifactOut:
    return await _edited(caller, parts, await parts.artifacts().lock(caller, artifact_id, locked=True), response)


@router.post("/v1/artifacts/{artifact_id}/unlock", summary="Unlock it", operation_id="unlock_artifact")
async def unlock(
    caller: Poster, parts: Parts, artifact_id: identifiers.Artifact, response: Response
) -> schemas.ArtifactOut:
    return await _edited(caller, parts, await parts.artifacts().lock(caller, artifact_id, locked=False), response)


@router.post(
    "/v1/artifacts/{artifact_id}/share",
    status_code=201,
    summary="Share it with another project",
    operation_id="share_artifact",
)
async def share(
    caller: Poster, parts: Parts, artifact_id: identifiers.Artifact, body: schemas.ShareBody, response: Response
) -> schemas.ArtifactOut:
    """Its newest version becomes a source of another project of yours: a copy that derives from it. Later versions are
    not shared with it."""
    copy = await parts.artifacts().share(caller, artifact_id, body.project_id)
    response.headers["Location"] = f"/v1/artifacts/{copy.id}"
    return await _edited(caller, parts, copy, response)


@router.post("/v1/artifacts/{artifact_id}/qa", summary="A person's judgement", operation_id="judge_artifact")
async def judge(
    caller: Poster, parts: Parts, artifact_id: identifiers.Artifact, body: schemas.QABody, response: Response
) -> schemas.ArtifactOut:
    """Accepted, an intellectual artifact becomes an information product. Nobody judges what they made."""
    judgement = Judgement(verdict=body.verdict, note=body.note, digest=body.digest)
    return await _edited(caller, parts, await parts.artifacts().judge(caller, artifact_id, judgement), response)


async def _edited(caller: Command, parts: Container, artifact: Artifact, response: Response) -> schemas.ArtifactOut:
    response.headers["ETag"] = etag(artifact.version)
    return (await presented(caller, parts, [artifact]))[0]


def attached(version: Version, body: bytes) -> Response:
    """As an attachment that a browser does not run."""
    name = f"{version.artifact_id}{suffix_of(version.media_type)}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "ETag": f'"{version.digest}"',
    }
    kind = version.media_type if version.media_type != "text/html" else "text/plain"
    return Response(body, media_type=kind, headers=headers)
