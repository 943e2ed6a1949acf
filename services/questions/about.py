"""About: what is tagged with a topic, and which topics are near it."""

from collections import Counter

from domain.knowledge_graph import Edge, Node
from domain.topic import PREFIX, topic_id
from services.questions.answer import Answer, Item, counted, listed
from services.questions.scope import Scope
from services.work.briefing import quoted
from services.work.fitting import stem

TOPICS, HELD, NEAR = 50, 1000, 10  # topics that are meant, artifacts looked at, neighbours told


async def about(scope: Scope, topic: str, limit: int) -> Answer:
    """`topic` is an id or a label: topics that begin so, or whose words have the same stems, are meant."""
    meant, more_topics = await _meant(scope, topic)
    held = await scope.graphs.leading(
        scope.workspace_id,
        [node.id for node in meant],
        ["about"],
        direction="in",
        project_id=scope.project_id,
        limit=HELD,
    )
    touched = await scope.touched(list(dict.fromkeys(edge.source for edge in held)))
    held = sorted((edge for edge in held if edge.source in touched), key=lambda edge: edge.at, reverse=True)
    by_thing: dict[str, list[Edge]] = {}
    for edge in held:
        by_thing.setdefault(edge.source, []).append(edge)
    labels = {node.id: node.label for node in meant}
    nodes = await scope.graphs.nodes(scope.workspace_id, list(by_thing)[:limit])
    items = [
        Item(id=id, kind=node.kind, label=node.label, detail=f"about {_all(labels, by_thing[id])}")
        for id in list(by_thing)[:limit]
        if (node := nodes.get(id)) is not None
    ]
    near = await _near(scope, list(by_thing)[:limit], set(labels))
    more = more_topics or len(by_thing) > limit or len(held) >= HELD
    told = [node.label for node in meant if any(edge.target == node.id for edge in held)]
    return Answer(
        question=f"What is about {quoted(topic)}?",
        answer=_said(topic, told, len(by_thing), near, more),
        items=(*items, *near),
        truncated=more,
    )


async def _meant(scope: Scope, topic: str) -> tuple[list[Node], bool]:
    slug = (topic if topic.startswith(PREFIX) else topic_id(topic)).removeprefix(PREFIX)
    words = slug.split("-")
    found = await scope.graphs.beginning(scope.workspace_id, PREFIX + stem(words[0]), limit=HELD)
    stems = [stem(word) for word in words]
    meant = [
        node
        for node in found
        if (own := node.id.removeprefix(PREFIX)).startswith(slug) or [*map(stem, own.split("-"))][: len(stems)] == stems
    ]
    return meant[:TOPICS], len(meant) > TOPICS or len(found) == HELD


async def _near(scope: Scope, ids: list[str], meant: set[str]) -> list[Item]:
    """The topics that these things share most often."""
    edges = await scope.graphs.leading(
        scope.workspace_id, ids, ["about"], direction="out", project_id=scope.project_id, limit=HELD
    )
    shared = Counter(edge.target for edge in edges if edge.target not in meant and edge.target.startswith(PREFIX))
    best = sorted(shared, key=lambda id: (-shared[id], id))[:NEAR]
    labels = await scope.labels(best)
    return [Item(id=id, kind="topic", label=labels[id], detail=f"a topic of {shared[id]} of them") for id in best]


def _all(labels: dict[str, str], edges: list[Edge]) -> str:
    return ", ".join(dict.fromkeys(labels[edge.target] for edge in edges))


def _said(topic: str, labels: list[str], things: int, near: list[Item], more: bool) -> tuple[str, ...]:
    if not things:
        return (f"Nothing here is about {quoted(topic)}.",)
    verb = "is" if things == 1 else "are"
    said = [f"{counted(things, 'thing', more=more).capitalize()} {verb} about {listed(labels)}."]
    if near:
        said.append(f"Topics that are near: {listed([item.label for item in near])}.")
    return tuple(said)
