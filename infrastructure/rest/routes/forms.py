"""Forms: made of a template, filled in, read."""

from fastapi import APIRouter, Response

from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, Match, Parts, Poster, etag
from infrastructure.rest.routes.artifacts import presented
from services.forms import Filling, NewForm

router = APIRouter(tags=["thinking tools"])


@router.post("/v1/projects/{project_id}/forms", status_code=201, summary="Make a form", operation_id="make_form")
async def make(
    caller: Poster, parts: Parts, project_id: identifiers.Project, body: schemas.FormBody, response: Response
) -> schemas.ArtifactOut:
    """Of a template (`GET /v1/templates?kind=form`); it is filed in the notes."""
    new = NewForm(template=body.template, title=body.title, answers=body.answers, fields=body.fields)
    artifact = await parts.forms().make(caller, project_id, new)
    response.headers["Location"] = f"/v1/artifacts/{artifact.id}"
    response.headers["ETag"] = etag(artifact.version)
    return (await presented(caller, parts, [artifact]))[0]


@router.get("/v1/artifacts/{artifact_id}/form", summary="What a form asks and answers", operation_id="get_form")
async def get(caller: Caller, parts: Parts, artifact_id: identifiers.Artifact) -> schemas.FormOut:
    return presenters.form(await parts.forms().read(caller, artifact_id))


@router.post("/v1/artifacts/{artifact_id}/fill", status_code=201, summary="Fill a form in", operation_id="fill_form")
async def fill(
    caller: Poster,
    parts: Parts,
    artifact_id: identifiers.Artifact,
    body: schemas.FillBody,
    match: Match,
    response: Response,
) -> schemas.ArtifactOut:
    """Answers by field, or the form as Markdown. What is required may be left out until it is handed in for a task."""
    filling = Filling(answers=body.answers, markdown=body.markdown)
    derived = body.filled_as == "derived"
    artifact = await parts.forms().fill(caller, artifact_id, filling, match, derived=derived)
    response.headers["Location"] = f"/v1/artifacts/{artifact.id}"
    response.headers["ETag"] = etag(artifact.version)
    return (await presented(caller, parts, [artifact]))[0]
