"""Use cases on artifacts: handing over, new versions, locking, a person's acceptance."""

from dataclasses import dataclass, replace
from typing import Literal

from domain.artifact import COGNITIVE, Artifact, Version, VersionRef
from domain.criterion import CriterionVerdict
from domain.errors import Conflict, Invalid, NotFound, VersionMoved
from domain.project import Project
from domain.qa import QARecord
from domain.task import Task
from services import filing
from services.desk import Command, Desk
from services.inputs import Filed, Stored, file, version_of
from services.unit_of_work import UnitOfWork


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A person's word on a version: `accept` finds every criterion met, `refuse` none of those named."""

    verdict: Literal["accept", "refuse"]
    note: str = ""
    digest: str | None = None


class Artifacts:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def add(self, command: Command, project_id: str, stored: Stored, filed: Filed) -> Artifact:
        async def decide(uow: UnitOfWork) -> Artifact:
            await active_project(uow, project_id)
            refs = [await self._ref(uow, ref) for ref in filed.derived_from]
            return await file(uow, self._desk.content, project_id, stored, replace(filed, derived_from=refs))

        return await self._desk.carry_out(command, Artifact, decide)

    async def add_version(self, command: Command, id: str, stored: Stored, expected: int | None) -> Artifact:
        """Raises ArtifactLocked, and VersionMoved when `expected` is not the stored version."""

        async def decide(uow: UnitOfWork) -> Artifact:
            artifact = (await visible(uow, id)).writable()
            await active_project(uow, artifact.project_id)
            if expected is not None and artifact.version != expected:
                raise VersionMoved("artifact", id)
            if artifact.digest == stored.digest:
                raise Conflict(f"{id} has this very content already.")
            earlier = VersionRef(artifact_id=id, digest=artifact.digest or stored.digest)
            version = version_of(uow, artifact, stored, () if artifact.kind in COGNITIVE else (earlier,))
            return await filing.publish(uow, self._desk.content, version)

        return await self._desk.carry_out(command, Artifact, decide)

    async def lock(self, command: Command, id: str, *, locked: bool) -> Artifact:
        async def decide(uow: UnitOfWork) -> Artifact:
            artifact = replace(await visible(uow, id), locked=locked)
            uow.put(artifact)
            uow.happened("artifact.locked" if locked else "artifact.unlocked", id, project_id=artifact.project_id)
            return artifact

        return await self._desk.carry_out(command, Artifact, decide)

    async def share(self, command: Command, id: str, project_id: str) -> Artifact:
        """The newest version as a source of another project: a copy that derives from that version and does not follow
        it. Raises NotFound, and Conflict for an archived project or the artifact's own."""

        async def decide(uow: UnitOfWork) -> Artifact:
            artifact = await visible(uow, id)
            await active_project(uow, project_id)
            if artifact.project_id == project_id:
                raise Conflict(f"{id} is in the project {project_id} already.")
            versions = await uow.find(Version, {"artifact_id": id, "state": "published"})
            head = next(version for version in versions if version.number == artifact.head)
            stored = Stored(
                digest=head.digest, text_digest=head.text_digest, media_type=head.media_type, size=head.size
            )
            filed = Filed(kind="source", section="sources", title=artifact.title, derived_from=(head.ref,))
            copy = await file(uow, self._desk.content, project_id, stored, filed)
            data = {"artifact_id": copy.id, "project_id": project_id, "digest": head.digest}
            uow.happened("artifact.shared", id, project_id=artifact.project_id, data=dict(data))
            return copy

        return await self._desk.carry_out(command, Artifact, decide)

    async def judge(self, command: Command, id: str, judgement: Judgement) -> Artifact:
        """A person's QA on the head. Accepted, an intellectual artifact becomes an information product."""

        async def decide(uow: UnitOfWork) -> Artifact:
            artifact = await visible(uow, id)
            if judgement.digest is not None and judgement.digest != artifact.digest:
                raise VersionMoved("artifact", id)
            versions = await uow.find(Version, {"artifact_id": id, "state": "published"})
            head = next(version for version in versions if version.number == artifact.head)
            record = await persons_record(uow, head, judgement)
            uow.put(record)
            judged = artifact.judged(record)
            uow.put(judged)
            filing.judged(uow, record)
            return judged

        return await self._desk.carry_out(command, Artifact, decide)

    async def page(
        self, command: Command, project_id: str, after: str, limit: int, section: str | None = None
    ) -> list[Artifact]:
        await self._desk.get(command, Project, project_id)
        where = {"project_id": project_id, "visible": "1"} | ({} if section is None else {"section": section})
        return await self._desk.store.find(
            Artifact, command.principal.workspace_id, where=where, after=after, limit=limit
        )

    async def get(self, command: Command, id: str) -> Artifact:
        """Raises NotFound; staged artifacts are not there yet."""
        return await visible(self._desk.unit(command), id)

    async def versions(self, command: Command, id: str) -> list[Version]:
        """Published versions, oldest first."""
        await self.get(command, id)
        where = {"artifact_id": id, "state": "published"}
        found = await self._desk.store.find(Version, command.principal.workspace_id, where=where)
        return sorted(found, key=lambda version: version.number or 0)

    async def content(self, command: Command, id: str, number: int | None = None) -> tuple[Version, bytes]:
        versions = await self.versions(command, id)
        version = next((v for v in versions if v.number == number), None) if number else versions[-1]
        if version is None:
            raise NotFound("version", f"{number} of {id}")
        return version, await self._desk.content.get(version.workspace_id, version.digest)

    async def draft(self, command: Command, version_id: str) -> tuple[Version, bytes]:
        """A staged version, for the person whom an inbox item shows it."""
        version = await self._desk.get(command, Version, version_id)
        return version, await self._desk.content.get(version.workspace_id, version.digest)

    async def _ref(self, uow: UnitOfWork, ref: VersionRef) -> VersionRef:
        artifact = await visible(uow, ref.artifact_id)
        return VersionRef(artifact_id=artifact.id, digest=artifact.digest or ref.digest)


async def visible(uow: UnitOfWork, id: str) -> Artifact:
    artifact = await uow.get(Artifact, id)
    if artifact.head == 0:
        raise NotFound("artifact", id)
    return artifact


async def active_project(uow: UnitOfWork, id: str) -> Project:
    project = await uow.get(Project, id)
    if project.state != "active":
        raise Conflict(f"The project {id} is archived.")
    return project


async def persons_record(uow: UnitOfWork, version: Version, judgement: Judgement) -> QARecord:
    """The criteria are those of the task that made it; without a task, that somebody vouches for it. Raises
    SelfReview."""
    task = await uow.seek(Task, version.task_id) if version.task_id else None
    texts = [criterion.text for criterion in task.spec.criteria] if task else ["A person vouches for it"]
    accepted = judgement.verdict == "accept"
    if not accepted and not judgement.note.strip():
        raise Invalid("Say in `note` what is wrong with it.", [("/note", "is empty")])
    evidence = judgement.note.strip() or "accepted by a person"
    return QARecord(
        id=uow.new_id("qa"),
        workspace_id=version.workspace_id,
        project_id=version.project_id,
        artifact_id=version.artifact_id,
        digest=version.digest,
        author=version.made_by,
        checked_by=uow.scene.principal.id,
        method="person",
        criteria=tuple(
            CriterionVerdict(text=text, verdict="met" if accepted else "not_met", evidence=evidence) for text in texts
        ),
        at=uow.at,
        note=judgement.note,
    )
