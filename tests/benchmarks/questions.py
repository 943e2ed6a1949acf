"""Does a bigger knowledge graph make slower answers? Named questions in a project with 1,000 edges and in one with
1,000,000: ten edges and events an artifact, each derived from earlier ones, judged by rules now and then, and about
a few topics; a tenth of all is about one of them."""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from adapters.store.committing import canonical
from adapters.store.entities import row_of
from adapters.store.views import SqlStreams
from domain.artifact import Artifact, Version
from domain.events import Event
from services.questions import about, impact, since, unchecked, why
from services.questions.answer import Answer
from services.questions.scope import Scope
from tests.benchmarks.house import AT, PROJECT, USER, WORKSPACE, House, house
from tests.benchmarks.measuring import Measurement, Times, interleaved
from tests.benchmarks.neighbors import EDGE as DERIVED
from tests.benchmarks.neighbors import LARGE, NODE, SMALL, inserted

SHARE = 10  # edges an artifact
TOPICS = 200
ASKED = 10  # of each question a repetition
COMMAND = ".venv/bench/bin/python -m tests.benchmarks questions"
DIGEST = f"sha256:{0:064}"
EDGE = DERIVED.replace("'wasDerivedFrom'", "?")
EVENT = (
    "INSERT INTO events (workspace_id, position, type, subject, project_id, root_id, body, previous, hash) "
    f"VALUES ('{WORKSPACE}', ?, ?, ?, '{PROJECT}', NULL, ?, '', '')"
)
STREAM = f"INSERT INTO streams (scope, number, workspace_id, position) VALUES ('{PROJECT}', ?, '{WORKSPACE}', ?)"
Asking = Callable[[House, int], Awaitable[Answer]]


async def measured() -> Sequence[Measurement]:
    with house() as small, house() as large:
        await _filled(small, SMALL)
        began = time.perf_counter()
        await _filled(large, LARGE)
        note = f"; filling took {time.perf_counter() - began:.0f} s"
        return [
            await _compared(small, large, name, note if name == "why" else "")
            for name in ("why", "impact", "since", "unchecked", "about")
        ]


async def _compared(small: House, large: House, name: str, more: str) -> Measurement:
    few, many = await interleaved(7, lambda: _asked(small, SMALL, name), lambda: _asked(large, LARGE, name), warm=2)
    few, many = few.per(ASKED), many.per(ASKED)
    told = f"{await _asked(large, LARGE, name)} and {await _asked(small, SMALL, name)} items on average"
    return _row(name, few, many, f"large {many}; small {few}; {told}{more}")


def _row(name: str, few: Times, many: Times, note: str) -> Measurement:
    return Measurement(
        what=f"graph question: {name}, {LARGE:,} edges",
        ours=many.median * 1000,
        other=few.median * 1000,
        unit="ms",
        against=f"{SMALL:,} edges",
        command=COMMAND,
        note=note,
    )


async def _asked(home: House, edges: int, name: str) -> int:
    """Items told on average; artifacts, times and topics spread over the graph, the topic that is most used among
    them."""
    count = edges // SHARE
    scope = Scope(store=home.store, graphs=home.graphs, workspace_id=WORKSPACE, project_id=PROJECT)
    told = 0
    for turn in range(ASKED):
        number = turn * count // ASKED
        match name:
            case "why":
                found = await why.why(scope, _id(count - 1 - number), 50)
            case "impact":
                found = await impact.impact(scope, _id(number), 50)
            case "since":
                at = AT + timedelta(seconds=number)
                found = await since.since(scope, SqlStreams(home.database), at.isoformat(), 50)
            case "unchecked":
                found = await unchecked.unchecked(scope, 50)
            case _:
                found = await about.about(scope, f"subject {turn}", 50)
        told += len(found.items)
    return told // ASKED


async def _filled(home: House, edges: int) -> None:
    count, random = edges // SHARE, Random(edges)
    await home.founded()
    await inserted(home, NODE, ((_id(number),) for number in range(count)))
    topics = ((f"topic/subject-{number}",) for number in range(TOPICS))
    await inserted(home, NODE.replace("'artifact'", "'topic'"), topics)
    await inserted(home, EDGE, _edges(count, random))
    await _entities(home, count)
    events = ((n + 2, "artifact.published", _id(n), _event(n)) for n in range(count))
    await inserted(home, EVENT, events)
    await inserted(home, STREAM, ((n + 1, n + 2) for n in range(count)))
    head = "INSERT INTO stream_heads (scope, workspace_id, number) VALUES (?, ?, ?)"
    await inserted(home, head, iter([(PROJECT, WORKSPACE, count)]))


def _edges(count: int, random: Random) -> Iterator[tuple[str, str, str]]:
    """Ten an artifact: part of the project, made by the bench, about three topics, derived from five."""
    for number in range(count):
        id = _id(number)
        yield id, "partOf", PROJECT
        yield id, "wasAttributedTo", USER
        yield id, "about", f"topic/subject-{0 if number % SHARE == 0 else random.randrange(TOPICS)}"
        for topic in random.sample(range(TOPICS), 2):
            yield id, "about", f"topic/subject-{topic}"
        for _ in range(5):
            if number:
                yield id, "wasDerivedFrom", _id(random.randrange(number))


async def _entities(home: House, count: int) -> None:
    for kind, table in ((_artifact, "artifacts"), (_version, "versions")):
        columns = list(row_of(kind(0)))
        marks = ", ".join("?" for _ in columns)
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        await inserted(home, statement, (tuple(row_of(kind(number)).values()) for number in range(count)))


def _artifact(number: int) -> Artifact:
    return Artifact(
        id=_id(number),
        workspace_id=WORKSPACE,
        project_id=PROJECT,
        kind="report",
        section="drafts",
        title=f"Report {number}",
        owner_id=USER,
        created_at=AT,
        head=1,
        digest=DIGEST,
    )


def _version(number: int) -> Version:
    earlier: Any = ({"artifact_id": "art_x", "digest": DIGEST},)
    return Version(
        artifact_id=_id(number),
        workspace_id=WORKSPACE,
        project_id=PROJECT,
        kind="report",
        digest=DIGEST,
        media_type="text/markdown",
        size=1,
        made_by=USER,
        created_at=AT,
        state="published",
        number=1,
        derived_from=earlier,
    )


def _event(number: int) -> str:
    return canonical(
        Event(
            type="artifact.published",
            workspace_id=WORKSPACE,
            subject=_id(number),
            actor=USER,
            at=AT + timedelta(seconds=number),
            project_id=PROJECT,
            data={"kind": "report", "title": f"Report {number}", "number": 1},
        )
    )


def _id(number: int) -> str:
    return f"art_{number:026}"
