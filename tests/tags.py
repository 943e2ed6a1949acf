"""Lists of tags, published as agents do."""

import json

from domain.artifact import Artifact, Citation, Version
from services import filing
from tests.stores import AT, Opened, W, fresh


async def listing(
    at: Opened, text: str, *, citations: tuple[Citation, ...] = (), model: str | None = None, kind: str = "tags"
) -> Artifact:
    uow = at.unit()
    id = fresh("art")
    uow.put(
        Artifact(
            id=id,
            workspace_id=W,
            project_id="prj_1",
            kind=kind,
            section="archive",
            title="Tags",
            owner_id="usr_ann",
            created_at=AT,
        )
    )
    version = Version(
        artifact_id=id,
        workspace_id=W,
        project_id="prj_1",
        kind=kind,
        digest=await at.content.put(W, text.encode()),
        text_digest=await at.content.put(W, json.dumps([text]).encode()),
        media_type="text/markdown",
        size=len(text),
        made_by="agt_archivist",
        created_at=AT,
        citations=citations,
        model=model,
        run_id=fresh("run"),
    )
    made = await filing.publish(uow, at.content, version)
    await uow.commit()
    return made
