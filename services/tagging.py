"""Tags: the Archivist says by rule what a published artifact is about; lists of tags that somebody made are read."""

import re
from collections.abc import Sequence

from loguru import logger
from pydantic import JsonValue

from domain.agent import agent_id
from domain.artifact import Artifact, Version
from domain.errors import Invalid
from domain.topic import Method, Topic, topic_id
from services.topics import candidates, chosen
from services.unit_of_work import UnitOfWork
from services.work.legend import labels_in

ARCHIVIST = agent_id("archivist")
LISTS = frozenset({"tags", "graph_edges"})
UNTAGGED = frozenset({"goal", "instructions"})
MOST_LINES, MOST_TOPICS = 500, 20  # lines of a list; topics of an artifact in it
LINE = re.compile(r"\s{0,8}[-*+]\s+(?P<topic>[^:|\n]{1,80}):\s*(?P<ends>\S.*)")
ID = re.compile(r"\bart_[0-9a-z]{1,40}\b")
EMPHASIS = re.compile(r"[*`_]+")


async def tag(uow: UnitOfWork, artifact: Artifact, version: Version, passages: Sequence[str]) -> None:
    """What follows from the publication of `version` alone; no model is asked."""
    if artifact.kind in LISTS:
        await _read_list(uow, artifact, version, passages)
    elif artifact.kind not in UNTAGGED and (found := candidates(passages)):
        artifacts, holders = await uow.store.tagged(uow.workspace_id, artifact.project_id, list(found))
        _tagged(uow, artifact.project_id, artifact.id, chosen(found, artifacts, holders), {"by": ARCHIVIST})


async def _read_list(uow: UnitOfWork, artifact: Artifact, version: Version, passages: Sequence[str]) -> None:
    """Lines such as `- emergency brake: art_…` or `- emergency brake: [S1]`. Only artifacts of the list's own project
    are tagged; the other ids are noted as ignored."""
    method: Method = "rule" if version.rehearsed else "model" if version.model else "person"
    said = _listed(version, passages, method)
    where = {"project_id": artifact.project_id, "visible": "1", "id": list(said)}
    found = await uow.store.find(Artifact, uow.workspace_id, where=where) if said else []
    origin: dict[str, JsonValue] = {"by": version.made_by, "listed_in": artifact.id}
    for known in found:
        _tagged(uow, artifact.project_id, known.id, tuple(said[known.id].values())[:MOST_TOPICS], origin)
    if ignored := sorted(set(said) - {known.id for known in found}):
        logger.warning("The list {} names what its project does not have: {}", artifact.id, ", ".join(ignored))
        data: dict[str, JsonValue] = {**origin, "topics": [], "ignored": list(ignored)}
        uow.happened("artifact.tagged", artifact.id, project_id=artifact.project_id, data=data)


def _listed(version: Version, passages: Sequence[str], method: Method) -> dict[str, dict[str, Topic]]:
    """For each artifact that the list names, its topics by their ids; the first 500 lines count."""
    cited = {citation.label: citation.artifact_id for citation in version.citations}
    lines = [(ordinal, line) for ordinal, passage in enumerate(passages) for line in passage.splitlines()]
    found: dict[str, dict[str, Topic]] = {}
    for ordinal, line in lines[:MOST_LINES]:
        match = LINE.fullmatch(line)
        label = " ".join(EMPHASIS.sub("", match["topic"]).split()) if match is not None else ""
        if match is None or not label:
            continue
        try:
            topic = Topic(id=topic_id(label), label=label, method=method, source=ordinal)
        except Invalid:
            continue
        ends = [*ID.findall(match["ends"]), *(cited[key] for key in labels_in(match["ends"]) if key in cited)]
        for id in ends:
            found.setdefault(id, {}).setdefault(topic.id, topic)
    return found


def _tagged(
    uow: UnitOfWork, project_id: str, artifact_id: str, topics: Sequence[Topic], origin: dict[str, JsonValue]
) -> None:
    if topics:
        said: list[JsonValue] = [
            {"id": topic.id, "label": topic.label, "method": topic.method, "source": topic.source} for topic in topics
        ]
        uow.happened("artifact.tagged", artifact_id, project_id=project_id, data={**origin, "topics": said})
