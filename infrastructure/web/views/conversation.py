"""A conversation with the manager as a page shows it: what was said, what it rests on, what was proposed."""

from dataclasses import dataclass

from markupsafe import Markup

from adapters.report import words
from adapters.report.markdown import render
from domain.conversation import Proposal, Turn
from domain.project import Project
from infrastructure.container import Container
from infrastructure.web.naming import Names
from infrastructure.web.views.artifact import MAX_TEXT, Cited, Link, cited_in
from services.desk import Command

AT_ONCE = 40
LONG, LONG_LINES = 4_000, 40
PLACES = {"tsk": ("task", "tasks"), "art": ("artifact", "artifacts"), "prj": ("project", "projects")}
KINDS = {
    "plan_change": "a change of the plan",
    "task": "a task",
    "artifact": "an artifact",
    "agent": "somebody else for a task",
    "project": "a project",
}


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A proposal; `made` leads to what came of it."""

    proposal: Proposal
    kind: str
    made: Link | None


@dataclass(frozen=True, kw_only=True)
class Said:
    turn: Turn
    who: str
    prose: Markup
    cited: tuple[Cited, ...]
    offers: tuple[Offer, ...]
    kept: Link | None

    @property
    def mine(self) -> bool:
        return self.turn.role == "person"

    @property
    def long(self) -> bool:
        """Folded until somebody wants all of it."""
        return len(self.turn.text) > LONG or self.turn.text.count("\n") > LONG_LINES


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The workspace's without `project`. `earlier` is where what was said before begins, empty at the beginning;
    `projects` are those in which a message of the workspace can be kept."""

    project: Project | None
    said: tuple[Said, ...]
    earlier: str
    newest: bool
    number: int
    projects: tuple[Project, ...]

    @property
    def address(self) -> str:
        return place(self.project.id if self.project is not None else None)

    @property
    def thinking(self) -> Turn | None:
        return next((one.turn for one in self.said if one.turn.state == "thinking"), None)


def place(project_id: str | None) -> str:
    return f"/page/projects/{project_id}/conversation" if project_id is not None else "/page/conversation"


async def shown(parts: Container, caller: Command, project: Project | None, before: str) -> Shown:
    workspace, project_id = caller.principal.workspace_id, project.id if project is not None else None
    number = await parts.streams().latest(workspace, project_id or workspace)
    found = await parts.conversation().page(caller, project_id, before, AT_ONCE + 1)
    projects = await parts.projects().page(caller, "", 100, "active") if project is None else []
    names = Names(caller.principal.id, parts.staff().profiles, (project,) if project is not None else ())
    said = [await _said(parts, turn, names) for turn in reversed(found[:AT_ONCE])]
    return Shown(
        project=project,
        said=tuple(said),
        earlier=found[AT_ONCE - 1].id if len(found) > AT_ONCE else "",
        newest=not before,
        number=number,
        projects=tuple(projects),
    )


async def _said(parts: Container, turn: Turn, names: Names) -> Said:
    titles = {citation.artifact_id: citation.title for citation in turn.citations}
    cited = await cited_in(parts, turn.workspace_id, turn.citations, titles, f"passage-{turn.id}")
    anchors = {one.label: one.anchor for one in cited}
    plain = turn.role == "person" or turn.state != "said"
    return Said(
        turn=turn,
        who=names(turn.said_by),
        prose=Markup() if plain else render(names.told(turn.text)[:MAX_TEXT], anchors, highest=3),
        cited=cited,
        offers=tuple(_offer(proposal) for proposal in turn.proposals),
        kept=_link(turn.kept_as) if turn.kept_as is not None else None,
    )


def _offer(proposal: Proposal) -> Offer:
    made = _link(proposal.made) if proposal.made is not None else None
    return Offer(proposal=proposal, kind=KINDS.get(proposal.kind, words.plain(proposal.kind)), made=made)


def _link(id: str) -> Link | None:
    """Where something is, by its id; a plan's is its project's, with a number."""
    found = PLACES.get(id.partition("_")[0])
    return Link(text=f"the {found[0]}", href=f"/page/{found[1]}/{id.partition('/')[0]}") if found is not None else None
