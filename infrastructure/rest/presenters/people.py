"""What waits for people and what is said to them, as REST shows it."""

from domain.budget import Shortage
from domain.conversation import Turn
from domain.form import Form
from domain.inbox import ANSWERS, InboxItem
from domain.recommendation import Recommendation
from domain.run import Run
from infrastructure.rest import schemas
from infrastructure.rest.presenters.runs import run
from infrastructure.rest.presenters.team import form


def inbox(item: InboxItem, asked: Form | None = None) -> schemas.InboxOut:
    return schemas.InboxOut(
        id=item.id,
        project_id=item.project_id,
        kind=item.kind,
        title=item.title,
        detail=item.detail,
        state=item.state,
        task_id=item.task_id,
        run_id=item.run_id,
        artifact_id=item.artifact_id,
        has_draft=item.draft is not None,
        findings=list(item.findings),
        answers=list(ANSWERS[item.kind]) if item.state == "open" else [],
        form=form(asked) if asked is not None else None,
        shortage=shortage(item.shortage) if item.shortage is not None else None,
        created_at=item.created_at,
    )


def shortage(item: Shortage) -> schemas.ShortageOut:
    return schemas.ShortageOut(
        level=item.cap.level,
        id=item.cap.id,
        measure=item.cap.measure,
        cap=item.cap.amount,
        used=item.used,
        held=item.held,
        wanted=item.wanted,
        least=item.least,
    )


def turn(item: Turn) -> schemas.TurnOut:
    return schemas.TurnOut(
        id=item.id,
        project_id=item.project_id,
        role=item.role,
        said_by=item.said_by,
        state=item.state,
        text=item.text,
        answers=item.answers,
        run_id=item.run_id,
        citations=[
            schemas.CitationOut(
                label=c.label,
                artifact_id=c.artifact_id,
                digest=c.digest,
                ordinal=c.ordinal,
                title=c.title,
                quote=c.quote,
            )
            for c in item.citations
        ],
        proposals=[
            schemas.ProposalOut(
                id=p.id, kind=p.kind, title=p.title, reason=p.reason, data=p.data, state=p.state, made=p.made
            )
            for p in item.proposals
        ],
        model=item.model,
        rehearsed=item.rehearsed,
        kept_as=item.kept_as,
        at=item.at,
    )


def answering(item: Turn, by: Run) -> schemas.AnsweringOut:
    return schemas.AnsweringOut(**turn(item).model_dump(), run=run(by))


def recommendation(item: Recommendation) -> schemas.RecommendationOut:
    return schemas.RecommendationOut(
        id=item.id,
        project_id=item.project_id,
        rule=item.rule,
        makes=item.makes,
        form=item.form,
        title=item.title,
        reason=item.reason,
        about=list(item.about),
        state=item.state,
        withdrawn_because=item.withdrawn_because or None,
        artifact_id=item.artifact_id,
        task_id=item.task_id,
        created_at=item.created_at,
    )
