"""Taking in what people hand over: the content is written first, then the version that names it."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.artifact import Artifact, Version, VersionRef
from services import filing
from services.desk import Desk
from services.ports.content import Content
from services.ports.documents import Document, DocumentReader
from services.unit_of_work import UnitOfWork


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Content that is on the disk, not yet named by a version."""

    digest: str
    text_digest: str | None
    media_type: str
    size: int


class Intake:
    def __init__(self, desk: Desk, reader: DocumentReader) -> None:
        self._desk, self._reader = desk, reader

    async def read(self, workspace_id: str, path: Path, name: str) -> Stored:
        """Raises UnreadableDocument."""
        document = await self._reader.read(path, name)
        return await self._store(workspace_id, path.read_bytes(), document)

    async def text(self, workspace_id: str, text: str, name: str = "text.md") -> Stored:
        """Raises UnreadableDocument."""
        with tempfile.TemporaryDirectory(prefix="caseworks-") as folder:
            path = Path(folder) / "text"
            path.write_text(text, encoding="utf-8")
            return await self.read(workspace_id, path, name)

    async def _store(self, workspace_id: str, content: bytes, document: Document) -> Stored:
        passages = json.dumps(document.passages, ensure_ascii=False).encode()
        return Stored(
            digest=await self._desk.content.put(workspace_id, content),
            text_digest=await self._desk.content.put(workspace_id, passages),
            media_type=document.media_type,
            size=len(content),
        )


@dataclass(frozen=True, kw_only=True)
class Filed:
    """How a stored thing is filed; under an `id` that is known already, or a new one."""

    kind: str
    section: str
    title: str
    derived_from: Sequence[VersionRef] = ()
    id: str | None = None


async def file(uow: UnitOfWork, content: Content, project_id: str, stored: Stored, filed: Filed) -> Artifact:
    """A new artifact with version 1, published, made by whoever acts."""
    who = uow.scene.principal
    artifact = Artifact(
        id=filed.id or uow.new_id("artifact"),
        workspace_id=who.workspace_id,
        project_id=project_id,
        kind=filed.kind,
        section=filed.section,
        title=filed.title[:300],
        owner_id=who.id,
        created_at=uow.at,
    )
    uow.put(artifact)
    return await filing.publish(uow, content, version_of(uow, artifact, stored, filed.derived_from))


def version_of(uow: UnitOfWork, artifact: Artifact, stored: Stored, derived_from: Sequence[VersionRef]) -> Version:
    return Version(
        artifact_id=artifact.id,
        workspace_id=artifact.workspace_id,
        project_id=artifact.project_id,
        kind=artifact.kind,
        digest=stored.digest,
        text_digest=stored.text_digest,
        media_type=stored.media_type,
        size=stored.size,
        made_by=uow.scene.principal.id,
        created_at=uow.at,
        derived_from=tuple(derived_from),
        run_id=uow.new_id("run").replace("run_", "hand_"),
    )
