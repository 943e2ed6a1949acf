"""A project seen by the rules of recommending: what is new is filed, once for each reason; what is moot withdrawn."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from domain.abbreviations import abbreviations
from domain.artifact import Artifact, Version
from domain.changes import Recommend
from domain.ids import make_id
from domain.project import Project
from domain.recommendation import MAX_OPEN, Recommendation
from domain.recommending import Advice, Situation, moot, recommend
from domain.task import Task
from services import filing
from services.ports.content import Content
from services.ports.store import Store
from services.unit_of_work import UnitOfWork

REMEMBERED = 500  # recommendations of the workspace from which the rules are tuned
SOURCES, CHARACTERS = 20, 200_000  # how much is read to find abbreviations
GONE = "What it was recommended for no longer holds."


async def advised(
    store: Store, content: Content, project: Project, tasks: Sequence[Task], at: datetime, *, read: bool
) -> Recommend:
    """What is worth recommending now and what no longer is, `tasks` in the order of the plan. Unless `read`, the
    sources are not looked into."""
    workspace, here = project.workspace_id, {"project_id": project.id}
    mine = await store.find(Recommendation, workspace, where=here, newest_first=True, limit=REMEMBERED)
    others = await store.find(Recommendation, workspace, where={}, newest_first=True, limit=REMEMBERED)
    artifacts = await store.find(Artifact, workspace, where=here | {"visible": "1"}, limit=10_000)
    look = read and not any(one.rule == "terms" and one.state in ("accepted", "dismissed") for one in mine)
    situation = Situation(
        project=project,
        tasks=tuple(tasks),
        artifacts=tuple(artifacts),
        terms=abbreviations(await _texts(store, content, artifacts)) if look else None,
        earlier=(*mine, *(one for one in others if one.project_id != project.id)),
    )
    return Recommend(
        new=tuple(_made(advice, project, at) for advice in recommend(situation)),
        moot=tuple(one.id for one in moot(situation)),
    )


async def file(uow: UnitOfWork, manager: str, found: Recommend) -> None:
    """Those that were not made before, as far as there is room once the moot ones are withdrawn."""
    for id in found.moot:
        await _withdraw(uow, manager, id)
    for new in found.new:
        known = await uow.seek(Recommendation, new.id)
        if known is not None and known.state != "withdrawn":
            continue
        waiting = await uow.find(Recommendation, {"project_id": new.project_id, "state": "open"})
        if sum(one.state == "open" for one in waiting) >= MAX_OPEN:
            return
        uow.put(known.made_again(new) if known is not None else new)
        data = {"rule": new.rule, "form": new.form, "title": new.title, "reason": new.reason}
        uow.happened("recommendation.made", new.id, project_id=new.project_id, data=data, actor=manager)


async def _withdraw(uow: UnitOfWork, manager: str, id: str) -> None:
    known = await uow.get(Recommendation, id)
    if known.state == "open":
        uow.put(known.withdrawn(GONE))
        data = {"rule": known.rule, "title": known.title, "reason": GONE}
        uow.happened("recommendation.withdrawn", id, project_id=known.project_id, data=data, actor=manager)


def _made(advice: Advice, project: Project, at: datetime) -> Recommendation:
    """Its id follows from its reason, so that two who look at once make one."""
    reason = hashlib.sha256(f"{project.id}/{advice.key}".encode()).digest()
    return Recommendation(
        id=make_id("recommendation", project.created_at, reason),
        workspace_id=project.workspace_id,
        project_id=project.id,
        rule=advice.rule,
        cause=advice.cause,
        makes=advice.form,
        form=advice.form,
        title=advice.title,
        reason=advice.reason,
        created_at=at,
        about=advice.about,
        data={
            "answers": dict(advice.answers),
            "fields": [field.model_dump(mode="json", exclude_defaults=True) for field in advice.fields],
        },
    )


async def _texts(store: Store, content: Content, artifacts: Sequence[Artifact]) -> list[str]:
    sources = {item.id: item.head for item in artifacts if item.section == "sources"}
    ids = list(sources)[:SOURCES]
    where = {"artifact_id": ids, "state": "published"}
    found = await store.find(Version, artifacts[0].workspace_id, where=where, limit=10_000) if ids else []
    texts, left = [], CHARACTERS
    for version in found:
        if version.number == sources[version.artifact_id] and left > 0:
            text = "\n".join(await filing.passages_of(content, version))[:left]
            left -= len(text)
            texts.append(text)
    return texts
