"""Artifacts, their versions and what was judged of them, as REST shows them."""

from collections.abc import Sequence

from domain.artifact import Artifact, Version, VersionRef
from domain.qa import QARecord
from infrastructure.rest import schemas


def qa(item: QARecord) -> schemas.QAOut:
    return schemas.QAOut(
        checked_by=item.checked_by,
        method=item.method,
        verdict=item.verdict,
        criteria=[schemas.VerdictOut(text=c.text, verdict=c.verdict, evidence=c.evidence) for c in item.criteria],
        at=item.at,
        note=item.note,
    )


def artifact(item: Artifact, head: Version) -> schemas.ArtifactOut:
    return schemas.ArtifactOut(
        id=item.id,
        project_id=item.project_id,
        title=item.title,
        kind=item.kind,
        section=item.section,
        stage=item.stage,
        owner_id=item.owner_id,
        version=item.head,
        digest=head.digest,
        locked=item.locked,
        derived_from=refs(head.derived_from),
        made_by=head.made_by,
        task_id=head.task_id,
        run_id=_run(head),
        media_type=head.media_type,
        size=head.size,
        model=head.model,
        rehearsed=head.rehearsed,
        qa=qa(item.qa) if item.qa is not None else None,
        created_at=item.created_at,
    )


def version(item: Version) -> schemas.VersionOut:
    return schemas.VersionOut(
        artifact_id=item.artifact_id,
        number=item.number or 0,
        digest=item.digest,
        media_type=item.media_type,
        size=item.size,
        made_by=item.made_by,
        model=item.model,
        rehearsed=item.rehearsed,
        run_id=_run(item),
        task_id=item.task_id,
        derived_from=refs(item.derived_from),
        created_at=item.created_at,
    )


def refs(items: Sequence[VersionRef]) -> list[schemas.RefOut]:
    return [schemas.RefOut(artifact_id=ref.artifact_id, digest=ref.digest) for ref in items]


def _run(item: Version) -> str | None:
    return item.run_id if item.run_id is not None and item.run_id.startswith("run_") else None
