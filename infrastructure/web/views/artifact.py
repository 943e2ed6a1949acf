"""An artifact as a page shows it. Whatever is in it was written by others: it is rendered, never executed."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from adapters.report import boxes, words
from adapters.report.drawing import draw
from adapters.report.markdown import render
from domain.artifact import Artifact, Citation, Version
from domain.form import Form
from domain.project import Project
from domain.task import Task
from infrastructure.container import Container
from infrastructure.web.naming import Names
from services import reading
from services.desk import Command
from services.ports.views import Subgraph

MAX_TEXT, MAX_ROWS, MAX_COLUMNS, MAX_BOXES, STEPS = 200_000, 300, 40, 60, 5
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"})
PICTURE = "Lineage: artifacts from left to right, each behind those it was made from"
Shape = Literal["prose", "table", "text", "picture"]


@dataclass(frozen=True, kw_only=True)
class Link:
    text: str
    href: str


@dataclass(frozen=True, kw_only=True)
class Cited:
    label: str
    anchor: str
    source: Link
    passage: str


@dataclass(frozen=True, kw_only=True)
class Body:
    """What is in a version: `prose` or `text`, or `table` with its head first; a `picture` is loaded by its address.
    `cut` says so where it was too long."""

    shape: Shape
    prose: Markup | None = None
    text: str = ""
    table: Sequence[Sequence[str]] = ()
    cut: str = ""
    cited: tuple[Cited, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Shown:
    artifact: Artifact
    project: Project
    version: Version
    versions: tuple[Version, ...]
    body: Body
    made_by: str
    checked_by: str
    origins: tuple[Link, ...]
    task: Link | None
    lineage: Markup
    number: int
    mine: bool
    fillable: Form | None = None
    """The form that it is, while it can be filled in."""

    @property
    def newest(self) -> bool:
        return self.version.number == self.artifact.head

    @property
    def model(self) -> str:
        return "rehearsal" if self.version.rehearsed else self.version.model or ""

    @property
    def doubt(self) -> str:
        return words.doubt(self.artifact.stage, self.artifact.qa)


async def shown(parts: Container, caller: Command, id: str, number: int | None) -> Shown:
    """Raises NotFound."""
    artifact = await parts.artifacts().get(caller, id)
    latest = await parts.streams().latest(caller.principal.workspace_id, artifact.project_id)
    versions = await parts.artifacts().versions(caller, id)
    version, content = await parts.artifacts().content(caller, id, number)
    project = await parts.desk().get(caller, Project, artifact.project_id)
    where = {"project_id": artifact.project_id, "visible": "1"}
    known = await parts.store().find(Artifact, caller.principal.workspace_id, where=where, limit=10_000)
    names = Names(caller.principal.id, parts.staff().profiles, (project,))
    task = await parts.desk().get(caller, Task, version.task_id) if version.task_id else None
    open = version.number == artifact.head and not artifact.locked and project.state == "active"
    return Shown(
        artifact=artifact,
        project=project,
        version=version,
        versions=tuple(reversed(versions)),
        body=await body_of(parts, version, content, artifact.title, known),
        made_by=names(version.made_by),
        checked_by=names(artifact.qa.checked_by) if artifact.qa is not None else "",
        origins=_origins(version, known),
        task=Link(text=task.spec.title, href=f"/page/tasks/{task.id}") if task is not None else None,
        lineage=await _lineage(parts, caller, artifact, known),
        number=latest,
        mine=version.made_by == caller.principal.id,
        fillable=await reading.form_in(parts.content(), version) if open else None,
    )


async def body_of(
    parts: Container, version: Version, content: bytes, title: str = "", known: Sequence[Artifact] = ()
) -> Body:
    if version.media_type in PICTURES:
        return Body(shape="picture")
    if version.media_type == "text/csv":
        return _table(content.decode("utf-8", "replace"))
    if (form := await reading.form_in(parts.content(), version)) is not None:
        return Body(shape="prose", prose=render(form.markdown[:MAX_TEXT], {}, without_title=title, highest=3))
    if version.media_type == "application/json":
        return _text(_indented(content.decode("utf-8", "replace")))
    text = await reading.text_of(parts.content(), version)
    if version.media_type == "text/plain":
        return _text(text)
    titles = {item.id: item.title for item in known}
    cited = await cited_in(parts, version.workspace_id, version.citations, titles)
    anchors = {one.label: one.anchor for one in cited}
    prose = render(text[:MAX_TEXT], anchors, without_title=title, highest=3)
    return Body(shape="prose", prose=prose, cut=words.cut(text, MAX_TEXT), cited=cited)


async def cited_in(
    parts: Container, workspace: str, citations: Sequence[Citation], titles: Mapping[str, str], anchor: str = "passage"
) -> tuple[Cited, ...]:
    """The passages behind the labels, each with an anchor of its own on the page."""
    found = await reading.quoted(parts.store(), parts.content(), workspace, citations, titles)
    return tuple(
        Cited(label=label, anchor=f"{anchor}-{n}", source=_link(id, title), passage=passage[:MAX_TEXT])
        for n, (label, (id, title, passage)) in enumerate(found.items(), 1)
    )


def _link(id: str, title: str) -> Link:
    return Link(text=title, href=f"/page/artifacts/{id}")


def _origins(version: Version, known: Sequence[Artifact]) -> tuple[Link, ...]:
    titles = {item.id: item.title for item in known}
    ids = dict.fromkeys(ref.artifact_id for ref in version.derived_from)
    return tuple(_link(id, titles.get(id, id)) for id in ids)


def _table(text: str) -> Body:
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text[:4_000], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), dialect) if row]
    except csv.Error:
        return _text(text)
    cut = f"Shown: the first {MAX_ROWS:,} of {len(rows):,} rows." if len(rows) > MAX_ROWS else ""
    return Body(shape="table", table=[row[:MAX_COLUMNS] for row in rows[:MAX_ROWS]], cut=cut)


def _text(text: str) -> Body:
    return Body(shape="text", text=text[:MAX_TEXT], cut=words.cut(text, MAX_TEXT))


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


async def _lineage(parts: Container, caller: Command, artifact: Artifact, known: Sequence[Artifact]) -> Markup:
    """What it came from and what came from it; empty where there is neither, or too much for a picture."""
    questions = parts.graph_questions()
    before = await questions.lineage(caller, artifact.id)
    after = await questions.neighbors(
        caller, "project", artifact.project_id, artifact.id, "in", "wasDerivedFrom", STEPS
    )
    edges = _edges(before, after)
    shown = {id for edge in edges for id in edge}
    drawn = [
        boxes.of_artifact(item.id, item.title, item.kind, item.stage, f"/page/artifacts/{item.id}")
        for item in known
        if item.id in shown
    ]
    return draw(drawn, edges, PICTURE, shrinks=False) if len(drawn) <= MAX_BOXES else Markup()


def _edges(*graphs: Subgraph) -> list[tuple[str, str]]:
    """(earlier, later), each once."""
    found = [(edge.target, edge.source) for graph in graphs for edge in graph.edges]
    return list(dict.fromkeys(edge for edge in found if edge[0] != edge[1]))
