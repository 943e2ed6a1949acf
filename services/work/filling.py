"""What an agent fills in: `fill_form@1`, for workflows."""

from collections.abc import Mapping

from pydantic import JsonValue

from domain.artifact import Artifact, Version, VersionRef
from domain.changes import StageVersion
from domain.errors import Invalid, NotFound
from domain.form import Form
from domain.project import Project
from services.forms import SECTION, Filling, form_of, stored_form
from services.running.effects import EffectContext, EffectResult
from services.staff import Staff


async def fill_form(context: EffectContext, staff: Staff, values: Mapping[str, JsonValue]) -> EffectResult:
    """A form filled in: `form` is a template's name or a form's id, `answers` are by field. It is an artifact of its
    own, derived from the form where there is one, and filed by an exit with `publish`: `{artifact_id, text}`."""
    name, answers = str(values.get("form", "")), values.get("answers")
    if not isinstance(answers, dict):
        raise Invalid("It needs `answers`, by the names of the form's fields.")
    given = {field: answer for field, answer in answers.items() if answer is not None}
    form, origin = await _form(context, staff, name)
    filled = Filling(answers=given).into(form)
    stored = await stored_form(context.content, context.run.workspace_id, filled)
    project = await context.store.get(Project, context.run.workspace_id, context.run.project_id)
    assert project is not None
    version = Version(
        artifact_id=context.new_id("artifact"),
        workspace_id=context.run.workspace_id,
        project_id=context.run.project_id,
        kind=filled.template.kind,
        digest=stored.digest,
        text_digest=stored.text_digest,
        media_type=stored.media_type,
        size=stored.size,
        made_by=context.run.actor,
        created_at=context.effect.at,
        derived_from=origin,
        run_id=context.run.id,
    )
    title = filled.template.title
    staging = StageVersion(version=version, section=SECTION, title=title, owner_id=project.owner_id)
    value: JsonValue = {"artifact_id": version.artifact_id, "text": filled.markdown}
    return EffectResult(output={"value": value}, changes=(staging,))


async def _form(context: EffectContext, staff: Staff, name: str) -> tuple[Form, tuple[VersionRef, ...]]:
    if not name.startswith("art_"):
        return Form(template=staff.form(name)), ()
    artifact = await context.store.get(Artifact, context.run.workspace_id, name)
    if artifact is None or artifact.project_id != context.run.project_id:
        raise NotFound("form", name)
    where = {"artifact_id": name, "state": "published"}
    versions = await context.store.find(Version, context.run.workspace_id, where=where)
    head = next((version for version in versions if version.number == artifact.head), None)
    if head is None:
        raise NotFound("form", name)
    return await form_of(context.content, artifact, head), (head.ref,)
