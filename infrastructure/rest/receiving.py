"""Taking in what is handed over: JSON with a text, or a form with a file."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from domain.artifact import VersionRef
from domain.errors import Invalid
from infrastructure.container import Container
from infrastructure.rest import schemas
from services.inputs import Filed, Stored

B = TypeVar("B", bound=BaseModel)
UNKNOWN = "sha256:" + "0" * 64


def either(body: type[BaseModel], form: type[BaseModel]) -> dict[str, Any]:
    """How it is told that JSON may be sent, or a form."""
    kinds = {"application/json": body, "multipart/form-data": form}
    content = {kind: {"schema": {"$ref": f"#/components/schemas/{of.__name__}"}} for kind, of in kinds.items()}
    return {"requestBody": {"required": True, "content": content}}


async def received(workspace: str, parts: Container, request: Request) -> tuple[Stored, Filed]:
    if not _is_form(request):
        body = _checked(schemas.ArtifactBody, await request.body())
        stored = await parts.intake().text(workspace, body.text)
        refs = [VersionRef(artifact_id=id, digest=UNKNOWN) for id in body.derived_from]
        return stored, Filed(kind=body.kind, section=body.section, title=body.title, derived_from=refs)
    async with request.form(max_files=1, max_fields=10) as form:
        upload, name = _file(form, request.app.state.program.settings.limits.upload_bytes)
        fields = _checked(schemas.ArtifactForm, _fields(form))
        stored = await uploaded(parts, workspace, upload, name)
    return stored, Filed(kind=fields.kind, section=fields.section, title=fields.title or name)


async def received_version(workspace: str, parts: Container, request: Request) -> Stored:
    if not _is_form(request):
        return await parts.intake().text(workspace, _checked(schemas.VersionBody, await request.body()).text)
    async with request.form(max_files=1, max_fields=10) as form:
        upload, name = _file(form, request.app.state.program.settings.limits.upload_bytes)
        _checked(schemas.VersionForm, _fields(form))
        return await uploaded(parts, workspace, upload, name)


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("multipart/form-data")


def _file(form: FormData, most: int) -> tuple[UploadFile, str]:
    upload = form.get("file")
    if not isinstance(upload, UploadFile):
        raise Invalid("The form needs a field `file`.", [("/file", "is missing")])
    if (upload.size or 0) > most:
        raise HTTPException(413, f"A file of at most {most:,} bytes can be handed over.")
    return upload, named(upload)


def named(upload: UploadFile) -> str:
    """The file's name, whatever folders a browser put before it."""
    return Path(upload.filename or "").name[:200].strip() or "upload"


def _fields(form: FormData) -> dict[str, Any]:
    """The fields, each once; an empty one counts as not given."""
    found: dict[str, Any] = {}
    for name, value in form.multi_items():
        if name in found:
            raise Invalid(f"The form has the field `{name}` twice.", [(f"/{name}", "is there twice")])
        if isinstance(value, UploadFile) or value:
            found[name] = "" if name == "file" else value
    return found


def _checked(kind: type[B], given: bytes | dict[str, Any]) -> B:
    try:
        return kind.model_validate_json(given) if isinstance(given, bytes) else kind.model_validate(given)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors(include_url=False)]
        raise RequestValidationError(faults) from None


async def uploaded(parts: Container, workspace: str, upload: UploadFile, name: str) -> Stored:
    with tempfile.TemporaryDirectory(prefix="caseworks-") as folder:
        path = Path(folder) / "upload"
        with path.open("wb") as file:
            await asyncio.to_thread(shutil.copyfileobj, upload.file, file)
        return await parts.intake().read(workspace, path, name)
