"""Use cases on forms: making one, filling one in. A form is an artifact whose content says what it asks and what was
answered; what is searched and read of it is its Markdown."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from domain.artifact import Artifact, Version
from domain.errors import Conflict, Invalid, VersionMoved
from domain.form import Form, FormField
from domain.inbox import InboxItem
from services import filing, reading
from services.artifacts import active_project, visible
from services.desk import Command, Desk
from services.inputs import Filed, Stored, file, version_of
from services.ports.content import Content
from services.staff import Staff
from services.unit_of_work import UnitOfWork

SECTION = "notes"
MEDIA_TYPE = "application/json"


@dataclass(frozen=True, kw_only=True)
class NewForm:
    """`fields` are questions of one's own, where the template takes some; `answers` what is known already."""

    template: str
    title: str = ""
    answers: Mapping[str, JsonValue] = field(default_factory=dict)
    fields: Sequence[FormField] = ()


@dataclass(frozen=True, kw_only=True)
class Filling:
    """Answers by field, beside those that are there; or the whole form as Markdown. One of the two."""

    answers: Mapping[str, JsonValue] | None = None
    markdown: str | None = None

    def into(self, form: Form, *, whole: bool = False) -> Form:
        """Raises Invalid with a pointer to each field; with `whole` also for what is required and left out."""
        if (self.answers is None) == (self.markdown is None):
            raise Invalid("Fill the form in by `answers` or by `markdown`, one of them.", [("/answers", "or markdown")])
        if self.markdown is not None:
            return form.read(self.markdown, whole=whole)
        try:
            return form.filled(self.answers or {}, whole=whole)
        except Invalid as error:
            raise Invalid(str(error), [(f"/answers{pointer}", said) for pointer, said in error.errors]) from None


class Forms:
    def __init__(self, desk: Desk, staff: Staff) -> None:
        self._desk, self._staff = desk, staff

    async def make(self, command: Command, project_id: str, new: NewForm) -> Artifact:
        """A form of a template, in the notes. Raises Invalid."""

        async def decide(uow: UnitOfWork) -> Artifact:
            await active_project(uow, project_id)
            return await self.made(uow, project_id, new)

        return await self._desk.carry_out(command, Artifact, decide)

    async def made(self, uow: UnitOfWork, project_id: str, new: NewForm) -> Artifact:
        """`make`, as a part of something else."""
        form = new_form(self._staff, new)
        stored = await stored_form(self._desk.content, uow.workspace_id, form)
        filed = Filed(kind=form.template.kind, section=SECTION, title=form.template.title)
        return await file(uow, self._desk.content, project_id, stored, filed)

    async def fill(
        self, command: Command, id: str, filling: Filling, expected: int | None, *, derived: bool = False
    ) -> Artifact:
        """A new version of the form, or with `derived` an artifact of its own. Raises Invalid, ArtifactLocked, and
        VersionMoved when `expected` is not the stored version."""

        async def decide(uow: UnitOfWork) -> Artifact:
            artifact = await visible(uow, id)
            if not derived:
                artifact.writable()
            await active_project(uow, artifact.project_id)
            if expected is not None and artifact.version != expected:
                raise VersionMoved("artifact", id)
            head = await head_of(uow, artifact)
            form = filling.into(await form_of(self._desk.content, artifact, head))
            stored = await stored_form(self._desk.content, uow.workspace_id, form)
            if derived:
                filed = Filed(kind=artifact.kind, section=artifact.section, title=artifact.title)
                return await file(
                    uow, self._desk.content, artifact.project_id, stored, replace(filed, derived_from=[head.ref])
                )
            if stored.digest == artifact.digest:
                raise _nothing_new(form)
            return await filing.publish(uow, self._desk.content, version_of(uow, artifact, stored, ()))

        return await self._desk.carry_out(command, Artifact, decide)

    async def read(self, command: Command, id: str) -> Form:
        """What the newest version of an artifact asks and answers. Raises NotFound, and Invalid where it is no form."""
        return await self._read(self._desk.unit(command), id)

    async def asked(self, command: Command, item: InboxItem) -> Form | None:
        """What an inbox item asks to fill in; None where it asks for something else, or for what is not there."""
        if item.form is None:
            return None
        try:
            return await self._asked(self._desk.unit(command), item.form)
        except Invalid:
            return None

    async def filled(self, uow: UnitOfWork, item: InboxItem, filling: Filling) -> tuple[Form, Stored]:
        """An answer to an inbox item, which must be whole. Raises Invalid."""
        form = filling.into(await self._asked(uow, item.form or ""), whole=True)
        return form, await stored_form(self._desk.content, uow.workspace_id, form)

    async def _asked(self, uow: UnitOfWork, name: str) -> Form:
        return await self._read(uow, name) if name.startswith("art_") else Form(template=self._staff.form(name))

    async def _read(self, uow: UnitOfWork, id: str) -> Form:
        artifact = await visible(uow, id)
        return await form_of(self._desk.content, artifact, await head_of(uow, artifact))


def _nothing_new(form: Form) -> Conflict | Invalid:
    """What is still needed comes first."""
    title, needed = form.template.title, form.template.unanswered(form.answers)
    if not needed:
        return Conflict(f"The form “{title}” is filled in with these very answers already.")
    labels = ", ".join(f"“{field.label}”" for field in needed)
    said = f"The form “{title}” has nothing new to save, and still needs {labels}."
    return Invalid(said, [(f"/answers/{field.name}", "is missing") for field in needed])


def new_form(staff: Staff, new: NewForm) -> Form:
    """Raises Invalid."""
    template = staff.form(new.template).asking(new.fields, new.title)
    return Filling(answers=new.answers).into(Form(template=template))


async def head_of(uow: UnitOfWork, artifact: Artifact) -> Version:
    versions = await uow.find(Version, {"artifact_id": artifact.id, "state": "published"})
    return next(version for version in versions if version.number == artifact.head)


async def form_of(content: Content, artifact: Artifact, head: Version) -> Form:
    """Raises Invalid where it is no form."""
    form = await reading.form_in(content, head)
    if form is None:
        said = f"{artifact.id} (“{artifact.title}”) is no form that can be filled in."
        raise Invalid(said, [("/form", "is no form")])
    return form


async def stored_form(content: Content, workspace_id: str, form: Form) -> Stored:
    body = json.dumps(form.written(), ensure_ascii=False, indent=2).encode()
    passages = json.dumps(passages_of(form.markdown), ensure_ascii=False).encode()
    return Stored(
        digest=await content.put(workspace_id, body),
        text_digest=await content.put(workspace_id, passages),
        media_type=MEDIA_TYPE,
        size=len(body),
    )


def passages_of(markdown: str) -> list[str]:
    """A field each, with its heading; the title with the first."""
    parts = markdown.split("\n## ")
    return [part.strip() for part in (parts[0], *(f"## {part}" for part in parts[1:]))]
