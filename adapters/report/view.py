"""What stands where on the page: order, anchors and links, before any HTML."""

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from adapters.report import boxes, words
from adapters.report.drawing import draw
from adapters.report.markdown import render
from domain.artifact import SECTIONS
from domain.task import Task
from services.ports.report import ReportedArtifact, ReportModel

HANDED_OVER = ("goal", "instructions", "source")
ASIDE = ("critique", "archive", "alerts")
MAX_SOURCE, MAX_TEXT = 20_000, 200_000
ID = re.compile(r"\b(?:usr|agt)_\w+")


@dataclass(frozen=True, kw_only=True)
class Link:
    """`href` is empty where the page has nothing to lead to."""

    text: str
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class Cited:
    """A passage that an artifact cites, under `anchor`."""

    label: str
    anchor: str
    source: Link
    passage: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An artifact as the page shows it. `cut` says so where its text was too long."""

    artifact: ReportedArtifact
    author: str
    anchor: str
    body: Markup
    cut: str
    origins: tuple[Link, ...]
    task: Link | None
    cited: tuple[Cited, ...]

    @property
    def source(self) -> bool:
        return self.artifact.kind in HANDED_OVER

    @property
    def by(self) -> str:
        """Who made it, and with what."""
        model = "rehearsal" if self.artifact.rehearsed else self.artifact.model
        return f"{self.author} · {model}" if model else self.author

    @property
    def accept(self) -> str:
        """The command with which a person accepts it."""
        return f"caseworks artifacts accept {shlex.quote(self.artifact.id)}"

    @property
    def doubt(self) -> str:
        """Why it is no information product yet; empty for one that is, or that cannot become one."""
        return words.doubt(self.artifact.stage, self.artifact.qa)


@dataclass(frozen=True, kw_only=True)
class Attention:
    """A task that needs attention, with its unfinished draft."""

    task: Task
    anchor: str
    draft: Markup | None


class Page:
    """The report's parts in the order in which they are read."""

    def __init__(self, model: ReportModel) -> None:
        self.model = model
        self.task_anchors = {task.id: f"task-{n}" for n, task in enumerate(model.tasks, 1)}
        self._anchors = {item.id: f"artifact-{n}" for n, item in enumerate(model.artifacts, 1)}
        self._titles = {item.id: item.title for item in model.artifacts}
        self._tasks = {task.id: task for task in model.tasks}

    def name(self, id: str) -> str:
        """Of an agent or a person; the id without one."""
        return self.model.names.get(id) or id

    @property
    def origin(self) -> str:
        """Of the plan, with names in place of the ids in it."""
        return ID.sub(lambda found: self.name(found[0]), self.model.plan_origin)

    @cached_property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """(earlier, later) between artifacts of the report, from both places that tell of them."""
        told = [(earlier, later) for later, earlier in self.model.edges]
        told += [(earlier, item.id) for item in self.model.artifacts for earlier in item.derived_from]
        known = self._anchors
        return tuple(edge for edge in dict.fromkeys(told) if edge[0] in known and edge[1] in known)

    @cached_property
    def shown(self) -> tuple[Shown, ...]:
        return tuple(self._show(item) for item in self.model.artifacts)

    @cached_property
    def results(self) -> tuple[Shown, ...]:
        """What the work was for: executive briefs, then what nothing else was made from."""
        made = [item for item in self.shown if not item.source]
        aside = {item.artifact.id for item in made if item.artifact.section in ASIDE}
        used = {earlier for earlier, later in self.edges if later not in aside}
        last = [item for item in made if item.artifact.id not in used]
        briefs = [item for item in made if item.artifact.kind == "executive_brief"]
        products = [item for item in last if item.artifact.stage != "cognitive" and item.artifact.id not in aside]
        chosen = [*briefs, *(products or ([] if briefs else last))]
        return tuple(item for n, item in enumerate(chosen) if item not in chosen[:n])

    @property
    def others(self) -> tuple[tuple[str, tuple[Shown, ...]], ...]:
        """(section, its artifacts) for the rest of what was made, in the case file's order."""
        rest = [item for item in self.shown if not item.source and item not in self.results]
        names = [*SECTIONS, *sorted({item.artifact.section for item in rest} - set(SECTIONS))]
        grouped = [(name, tuple(item for item in rest if item.artifact.section == name)) for name in names]
        return tuple((name, items) for name, items in grouped if items)

    @property
    def sources(self) -> tuple[Shown, ...]:
        return tuple(item for item in self.shown if item.source)

    @property
    def rehearsed(self) -> tuple[Shown, ...]:
        return tuple(item for item in self.shown if item.artifact.rehearsed)

    @property
    def doubted(self) -> tuple[Shown, ...]:
        return tuple(item for item in self.shown if item.doubt)

    @property
    def attention(self) -> tuple[Attention, ...]:
        drafts: Mapping[str, str] = self.model.attention
        return tuple(
            Attention(
                task=task,
                anchor=self.task_anchors[task.id],
                draft=render(drafts[task.id][:MAX_TEXT]) if drafts.get(task.id, "").strip() else None,
            )
            for task in self.model.tasks
            if task.state == "needs_attention" or task.id in drafts
        )

    @property
    def states(self) -> tuple[tuple[str, int], ...]:
        """(state, number of tasks), in the order of the legend."""
        numbers = Counter(task.state for task in self.model.tasks)
        return tuple((state, numbers[state]) for state in words.STATES if numbers[state])

    def who(self, task: Task) -> str:
        """By name, and what they are unless they are of the core team."""
        kind = {"person": " (person)", "custom": " (custom agent)"}.get(task.spec.assignee.kind, "")
        return f"{self.name(task.spec.assignee.id)}{kind}"

    def depends_on(self, task: Task) -> tuple[Link, ...]:
        return tuple(
            Link(text=self._tasks[id].spec.title, href=f"#{self.task_anchors[id]}")
            for id in task.spec.depends_on
            if id in self._tasks
        )

    def made_in(self, task: Task) -> tuple[Link, ...]:
        return tuple(self._link(item.id) for item in self.model.artifacts if item.task_id == task.id)

    @property
    def plan(self) -> Markup:
        drawn = [boxes.of_task(task, f"#{self.task_anchors[task.id]}", self.who(task)) for task in self.model.tasks]
        edges = [(id, task.id) for task in self.model.tasks for id in task.spec.depends_on]
        return draw(drawn, edges, "The plan: tasks from left to right, each behind those it depends on")

    @property
    def lineage(self) -> Markup:
        items = [item.artifact for item in self.shown] if self.edges else []
        drawn = [boxes.of_artifact(i.id, i.title, i.kind, i.stage, f"#{self._anchors[i.id]}") for i in items]
        return draw(drawn, self.edges, "Lineage: artifacts from left to right, each behind those it was made from")

    def _link(self, id: str, title: str = "") -> Link:
        anchor = self._anchors.get(id)
        return Link(text=self._titles.get(id) or title or id, href=f"#{anchor}" if anchor else "")

    def _show(self, item: ReportedArtifact) -> Shown:
        anchor, limit = self._anchors[item.id], MAX_SOURCE if item.kind in HANDED_OVER else MAX_TEXT
        cited = self._cited(item, anchor)
        anchors = {one.label: one.anchor for one in cited}
        task = self._tasks.get(item.task_id or "")
        return Shown(
            artifact=item,
            author=self.name(item.made_by),
            anchor=anchor,
            body=render(item.text[:limit], anchors, without_title=item.title),
            cut=words.cut(item.text, limit),
            origins=tuple(self._link(id) for id in self._origins(item)),
            task=Link(text=task.spec.title, href=f"#{self.task_anchors[task.id]}") if task else None,
            cited=cited,
        )

    def _origins(self, item: ReportedArtifact) -> Sequence[str]:
        told = [earlier for later, earlier in self.model.edges if later == item.id]
        return tuple(dict.fromkeys([*item.derived_from, *told]))

    def _cited(self, item: ReportedArtifact, anchor: str) -> tuple[Cited, ...]:
        """The passages, which only made artifacts have; what was handed over is shown as it is."""
        if item.kind in HANDED_OVER:
            return ()
        return tuple(
            Cited(label=label, anchor=f"{anchor}-s{n}", source=self._link(id, title), passage=passage[:MAX_SOURCE])
            for n, (label, (id, title, passage)) in enumerate(item.citations.items(), 1)
        )
