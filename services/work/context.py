"""The passages that a task is worked from: direct inputs and best matches, under a token budget.

Never the whole case file: what is read is bounded by the budget, whatever the project's size. Looked at are the
sources that people handed over and what the tasks before this one made, so that a run started again sees the same.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from domain.agent import Profile
from domain.artifact import Artifact, Citation
from domain.errors import NotFound
from domain.plan import Plan
from domain.ports.llm import Passage
from domain.project import Project
from domain.task import Task
from domain.tokens import estimated_tokens
from services.ports.store import Store
from services.ports.views import Hit, Search
from services.work.legend import LABEL

QUERY_WORDS = 24
RAISED = "alerts"
STOP_WORDS = """
a an and are as at be but by for from has have how if in into is it its may not of on or our shall should so than that
the their them then there these they this to was we what when where which who will with would you your make made every
each one all any summarise write task project
"""
STOP = frozenset(STOP_WORDS.split())


@dataclass(frozen=True, kw_only=True)
class Context:
    """`citations` say for each label which passage of which version it is."""

    passages: tuple[Passage, ...]
    citations: tuple[Citation, ...]
    direct: tuple[Artifact, ...]


async def gather(
    store: Store, search: Search, task: Task, plan: Plan, profile: Profile, words: str, budget: int
) -> Context:
    """At most `budget` tokens, estimated on the safe side. Beside its direct inputs an agent reads its sections only:
    raises Forbidden where the search gave something else."""
    policy, query = profile.context, query_words(words)
    direct = await _direct(store, task) if "direct" in policy.order else ()
    picked: dict[tuple[str, int], Hit] = {}
    if direct:
        share = int(budget * policy.direct_share) // len(direct)
        for artifact in direct:
            for hit in await _of_artifact(search, artifact, query, share):
                picked[hit.artifact_id, hit.ordinal] = hit
    found = await _searched(search, task, plan, profile, query) if "search" in policy.order else []
    known = await _known(store, task, [*picked.values(), *found])
    _check(profile, direct, known)
    places = _places(plan, direct, known)
    left = budget - sum(estimated_tokens(hit.text) for hit in picked.values())
    ranks: dict[tuple[str, int], int] = {}
    for hit in ranked(found, query, places):
        cost = estimated_tokens(hit.text)
        if (hit.artifact_id, hit.ordinal) not in picked and cost <= left:
            picked[hit.artifact_id, hit.ordinal] = hit
            ranks[hit.artifact_id, hit.ordinal] = len(ranks) + 1
            left -= cost
    first = {artifact.id for artifact in direct}
    parts = {part: number for number, part in enumerate(policy.order)}

    def place(hit: Hit) -> tuple[int, int, int]:
        part = parts["direct" if hit.artifact_id in first else "search"]
        return part, places.get(hit.artifact_id, 0), hit.ordinal

    titles = {artifact.id: artifact.title for artifact in known}
    return _labelled(sorted(picked.values(), key=place), direct, titles, ranks)


async def _searched(search: Search, task: Task, plan: Plan, profile: Profile, query: Sequence[str]) -> list[Hit]:
    """Without what is raised while the tasks are at work, which would hang on who was faster; but for whose it is."""
    sections = [section for section in profile.searched if section != RAISED or section in profile.writes]
    before = ancestors(plan, task.id)
    return await search.match(task.workspace_id, task.project_id, query, sections=sections, tasks=before, limit=100)


async def gather_anywhere(
    store: Store, search: Search, project: Project, profile: Profile, words: str, budget: int
) -> Context:
    """For work that no task asked for: the best matches in the sections that the agent reads."""
    query = query_words(words)
    found = await search.match(project.workspace_id, project.id, query, sections=profile.searched, limit=100)
    picked: list[Hit] = []
    for hit in ranked(found, query):
        cost = estimated_tokens(hit.text)
        if cost <= budget:
            picked.append(hit)
            budget -= cost
    ids = sorted({hit.artifact_id for hit in picked})
    known = await store.find(Artifact, project.workspace_id, where={"project_id": project.id, "id": ids})
    _check(profile, (), known)
    ranks = {(hit.artifact_id, hit.ordinal): rank for rank, hit in enumerate(picked)}
    ordered = sorted(picked, key=lambda hit: (hit.artifact_id, hit.ordinal))
    return _labelled(ordered, (), {artifact.id: artifact.title for artifact in known}, ranks)


async def gather_one(
    store: Store, search: Search, project: Project, profile: Profile, artifact_id: str, words: str, budget: int
) -> Context:
    """One artifact of the project alone. Raises NotFound, and Forbidden where the agent may not read its section."""
    artifact = await store.get(Artifact, project.workspace_id, artifact_id)
    if artifact is None or artifact.project_id != project.id or artifact.head == 0:
        raise NotFound("artifact", artifact_id)
    profile.check_read(artifact.section)
    hits = await _of_artifact(search, artifact, query_words(words), budget)
    return _labelled(hits, (artifact,), {artifact.id: artifact.title})


def query_words(text: str) -> list[str]:
    """The words of `text` worth searching for, the most repeated and longest first."""
    counts = Counter(word for word in re.findall(r"\w{3,}", text.lower()) if word not in STOP)
    return sorted(counts, key=lambda word: (-counts[word], -len(word), word))[:QUERY_WORDS]


def ranked(hits: Sequence[Hit], query: Sequence[str], places: Mapping[str, int] | None = None) -> list[Hit]:
    """By the query words they hold, rare ones among `hits` counting more; equal ones by their artifact's place.
    Depends on nothing but its arguments."""
    texts = [set(re.findall(r"\w+", hit.text.lower())) for hit in hits]
    common = {word: sum(word in text for text in texts) for word in query}
    scores = [sum(1 / common[word] for word in query if word in text) for text in texts]
    place = places or {}
    order = sorted(
        range(len(hits)),
        key=lambda i: (-scores[i], place.get(hits[i].artifact_id, 0), hits[i].artifact_id, hits[i].ordinal),
    )
    return [hits[i] for i in order]


async def _direct(store: Store, task: Task) -> tuple[Artifact, ...]:
    """What the tasks before it made; without any, what people handed over."""
    project = {"project_id": task.project_id, "visible": "1"}
    if task.spec.depends_on:
        made = await store.find(Artifact, task.workspace_id, where={**project, "task_id": task.spec.depends_on})
        if made:
            return tuple(sorted(made, key=lambda artifact: task.spec.depends_on.index(artifact.task_id or "")))
    return tuple(await store.find(Artifact, task.workspace_id, where={**project, "section": "sources"}, limit=50))


async def _of_artifact(search: Search, artifact: Artifact, query: Sequence[str], budget: int) -> list[Hit]:
    """All of it where it fits; else half by match and half spread over it, in reading order."""
    passages = await search.passages(artifact.workspace_id, artifact.id)
    if sum(estimated_tokens(hit.text) for hit in passages) <= budget:
        return passages
    chosen: dict[int, Hit] = {}
    for hits, share in ((ranked(passages, query), budget // 2), (_spread(passages), budget)):
        for hit in hits:
            cost = estimated_tokens(hit.text)
            if hit.ordinal not in chosen and cost <= share - sum(estimated_tokens(h.text) for h in chosen.values()):
                chosen[hit.ordinal] = hit
    return [chosen[ordinal] for ordinal in sorted(chosen)]


def _spread(hits: Sequence[Hit]) -> list[Hit]:
    """First, middle, quarters, eighths …: any beginning of the list is spread over the whole."""
    order: dict[int, None] = {0: None} if hits else {}
    step = len(hits)
    while step > 1:
        step = -(-step // 2)
        order |= dict.fromkeys(range(0, len(hits), step))
        if step == 1:
            break
    return [hits[i] for i in order]


def ancestors(plan: Plan, id: str) -> list[str]:
    """The tasks that come before it."""
    found: dict[str, None] = {}
    front = [id]
    while front:
        for parent in plan.task(front.pop()).depends_on:
            if parent not in found:
                found[parent] = None
                front.append(parent)
    return list(found)


async def _known(store: Store, task: Task, hits: Sequence[Hit]) -> list[Artifact]:
    ids = sorted({hit.artifact_id for hit in hits})
    return await store.find(Artifact, task.workspace_id, where={"project_id": task.project_id, "id": ids})


def _check(profile: Profile, direct: Sequence[Artifact], known: Sequence[Artifact]) -> None:
    given = {artifact.id for artifact in direct}
    for artifact in known:
        if artifact.id not in given:
            profile.check_read(artifact.section)


def _places(plan: Plan, direct: Sequence[Artifact], known: Sequence[Artifact]) -> dict[str, int]:
    """An order of artifacts that does not hang on who was faster: direct inputs, what was handed over, then what
    tasks made, in the order of the plan. Ids made in runs are not in a stable order; those of inputs are."""
    tasks = {spec.id: number for number, spec in enumerate(plan.tasks, 1)}
    first = {artifact.id: number for number, artifact in enumerate(direct)}
    last = len(first)
    order = sorted(known, key=lambda a: (first.get(a.id, last), tasks.get(a.task_id or "", 0), a.id))
    return {artifact.id: number for number, artifact in enumerate(order)}


def _labelled(
    hits: Iterable[Hit],
    direct: tuple[Artifact, ...],
    titles: Mapping[str, str],
    ranks: Mapping[tuple[str, int], int] = MappingProxyType({}),
) -> Context:
    """`ranks` says what goes first where the model's context is too small: the highest; direct inputs stay longest."""
    passages, citations = [], []
    for number, hit in enumerate(hits, 1):
        label, title = f"S{number}", titles.get(hit.artifact_id, hit.artifact_id)
        text = LABEL.sub("", hit.text)  # labels of another prompt mean nothing here
        rank = ranks.get((hit.artifact_id, hit.ordinal), 0)
        passages.append(Passage(label=label, text=text, source=hit.artifact_id, title=title, rank=rank))
        citations.append(Citation(label=label, artifact_id=hit.artifact_id, digest=hit.digest, ordinal=hit.ordinal))
    return Context(passages=tuple(passages), citations=tuple(citations), direct=direct)
