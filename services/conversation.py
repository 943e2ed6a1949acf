"""Use cases on conversations: asking the manager of a project or of the workspace, keeping what was said, settling
what was proposed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

from domain.agent_graph import AgentGraph
from domain.artifact import Artifact, VersionRef
from domain.conversation import MAX_SAID, Proposal, Turn
from domain.errors import Conflict, Invalid, NotFound
from domain.ids import make_id
from domain.project import Project
from domain.run import Run
from domain.task import Assignee, Task
from services import filing, turns
from services.artifacts import active_project
from services.canonical import digest_of_graph
from services.desk import Command, Desk
from services.forms import Forms, NewForm
from services.inputs import Filed, Intake, Stored, version_of
from services.plan_edits import PlanEdits, TaskDraft
from services.projects import NewProject, Projects
from services.staff import Staff
from services.unit_of_work import UnitOfWork
from services.work.graphs import CONVERSATION
from services.work.legend import with_legend

TICK = timedelta(milliseconds=1)


class Conversation:
    """A project's where a project is named, else the workspace's."""

    def __init__(
        self, desk: Desk, intake: Intake, projects: Projects, edits: PlanEdits, forms: Forms, staff: Staff
    ) -> None:
        self._desk, self._intake, self._projects, self._staff = desk, intake, projects, staff
        self._edits, self._forms = edits, forms

    async def say(self, command: Command, project_id: str | None, text: str) -> Turn:
        """The manager's turn, `thinking`; a run answers. Raises Conflict while it answers another one."""
        if not text.strip():
            raise Invalid("There is nothing in the message; write what you want to know or have done.", [EMPTY])
        if len(text) > MAX_SAID:
            raise Invalid(
                f"A message holds at most {MAX_SAID:,} characters; hand a longer text over as a source.",
                [("/text", f"is longer than {MAX_SAID:,} characters")],
            )

        async def decide(uow: UnitOfWork) -> Turn:
            project = await active_project(uow, project_id) if project_id is not None else None
            newest = await self._newest(uow, project_id)
            at = max(uow.at, newest.at + TICK) if newest is not None else uow.at
            asked = Turn(
                id=make_id("turn", at, uow.clock.entropy()) if newest is not None else _first(project_id, uow),
                workspace_id=uow.workspace_id,
                project_id=project_id,
                said_by=uow.scene.principal.id,
                role="person",
                at=at,
                text=text,
            )
            turns.say(uow, asked)
            return self._answering(uow, project, asked)

        return await self._desk.carry_out(command, Turn, decide)

    async def again(self, command: Command, id: str) -> Turn:
        """A turn that failed, asked for once more: a new one that answers the same message."""

        async def decide(uow: UnitOfWork) -> Turn:
            failed = await uow.get(Turn, id)
            if failed.state != "failed":
                raise Conflict(f"The message {id} did not fail; only one that did is asked for again.")
            project = await active_project(uow, failed.project_id) if failed.project_id is not None else None
            newest = await self._newest(uow, failed.project_id)
            asked = await uow.get(Turn, failed.answers or "")
            return self._answering(uow, project, asked, newest)

        return await self._desk.carry_out(command, Turn, decide)

    async def page(self, command: Command, project_id: str | None, before: str, limit: int) -> list[Turn]:
        """Newest first; `before` is the id of the last one seen. Raises NotFound."""
        if project_id is not None:
            await self._desk.get(command, Project, project_id)
        return await self._desk.store.find(
            Turn,
            command.principal.workspace_id,
            where={"project_id": project_id},
            after=before,
            limit=limit,
            newest_first=True,
        )

    async def turn(self, command: Command, id: str) -> Turn:
        found = await self._desk.store.get(Turn, command.principal.workspace_id, id)
        if found is None:
            raise NotFound("message", id)
        return found

    async def keep(self, command: Command, id: str, project_id: str | None = None) -> Artifact:
        """Files what was said as a note, made from what it cites; once. What was said in the workspace's conversation
        needs a project to be filed in."""
        turn = (await self.turn(command, id)).keepable()
        where = turn.project_id or project_id
        if where is None:
            raise Invalid("Say in which project it is to be kept.", [("/project_id", "is missing")])
        titles = {citation.artifact_id: citation.title for citation in turn.citations}
        stored = await self._intake.text(turn.workspace_id, with_legend(turn.text, turn.citations, titles))

        async def decide(uow: UnitOfWork) -> Artifact:
            known = await uow.get(Turn, id)
            if known.kept_as is not None:
                return await uow.get(Artifact, known.kept_as)
            await active_project(uow, where)
            asked = await uow.get(Turn, known.answers) if known.answers is not None else known
            artifact = await self._filed(uow, where, stored, _title(asked), known)
            uow.put(known.kept(artifact.id))
            uow.happened("turn.kept", id, project_id=where, data={"artifact_id": artifact.id})
            return artifact

        return await self._desk.carry_out(command, Artifact, decide)

    async def settle(
        self, command: Command, turn_id: str, proposal_id: str, to: Literal["accepted", "dismissed"]
    ) -> Turn:
        """Accepted, what was proposed is done by the rules of a person's own edit, in the same commit. Raises
        RefusedTransition when it was settled before."""
        turn = await self.turn(command, turn_id)
        proposal = turn.proposal(proposal_id)
        words = str(proposal.data.get("goal") or proposal.data.get("text") or "") if to == "accepted" else ""
        stored = await self._intake.text(turn.workspace_id, words) if words else None

        async def decide(uow: UnitOfWork) -> Turn:
            known = await uow.get(Turn, turn_id)
            found = known.proposal(proposal_id)
            found.settled(to)  # refuses before anything is done
            made = await self._made(uow, known, found, stored) if to == "accepted" else None
            settled = known.settled(proposal_id, to, made)
            uow.put(settled)
            data = {"turn_id": turn_id, "kind": found.kind, "state": to, "made": made}
            uow.happened("proposal.settled", proposal_id, project_id=turns.scope_of(known), data=dict(data))
            return settled

        return await self._desk.carry_out(command, Turn, decide)

    # asking

    async def _newest(self, uow: UnitOfWork, project_id: str | None) -> Turn | None:
        """The last turn, written again with what follows it, so that two messages cannot both follow it."""
        found = await uow.store.find(
            Turn, uow.workspace_id, where={"project_id": project_id}, newest_first=True, limit=1
        )
        if not found:
            return None
        if found[0].state == "thinking":
            raise Conflict(
                f"The manager is answering already ({found[0].id}); wait for it, or cancel its run {found[0].run_id}."
            )
        uow.put(found[0])
        return found[0]

    def _answering(self, uow: UnitOfWork, project: Project | None, asked: Turn, newest: Turn | None = None) -> Turn:
        after = max(asked.at, newest.at if newest is not None else asked.at) + TICK
        at = max(uow.at, after)
        manager = project.manager_id if project is not None else self._staff.manager.id
        run_id = uow.new_id("run")
        turn = Turn(
            id=make_id("turn", at, uow.clock.entropy()),
            workspace_id=uow.workspace_id,
            project_id=asked.project_id,
            said_by=manager,
            role="manager",
            at=at,
            state="thinking",
            answers=asked.id,
            run_id=run_id,
        )
        uow.put(turn)
        filing.start_run(uow, _run(uow, run_id, turn, CONVERSATION), CONVERSATION)
        return turn

    # keeping and accepting

    async def _filed(self, uow: UnitOfWork, project_id: str, stored: Stored, title: str, turn: Turn) -> Artifact:
        """A note by whoever said it, made from what it cites there."""
        filed = Filed(kind="note", section="notes", title=title)
        artifact = Artifact(
            id=uow.new_id("artifact"),
            workspace_id=uow.workspace_id,
            project_id=project_id,
            kind=filed.kind,
            section=filed.section,
            title=filed.title[:300],
            owner_id=uow.scene.principal.id,
            created_at=uow.at,
        )
        uow.put(artifact)
        refs = dict.fromkeys(VersionRef(artifact_id=c.artifact_id, digest=c.digest) for c in turn.citations)
        version = replace(
            version_of(uow, artifact, stored, tuple(refs)),
            made_by=turn.said_by,
            citations=turn.citations,
            model=turn.model or None,
            rehearsed=turn.rehearsed,
        )
        return await filing.publish(uow, self._desk.content, version)

    async def _made(self, uow: UnitOfWork, turn: Turn, proposal: Proposal, stored: Stored | None) -> str:
        """Does what was proposed; the id of what came of it."""
        data: Mapping[str, Any] = proposal.data
        match proposal.kind:
            case "task":
                task = await self._edits.added(uow, turns.scope_of(turn), _draft("added", data))
                return task.id
            case "plan_change" if data["do"] == "goal":
                assert stored is not None
                return (await self._projects.directed(uow, turns.scope_of(turn), str(data["goal"]), stored)).id
            case "plan_change" if data["do"] == "remove":
                return (await self._edits.without(uow, await _own(uow, turn, data))).id
            case "plan_change" | "agent":
                id = await _own(uow, turn, data)
                return (await self._edits.changed(uow, id, _draft(id, data))).id
            case "artifact" if "form" in data:
                await active_project(uow, turns.scope_of(turn))
                new = NewForm(template=str(data["form"]), title=str(data["title"]))
                return (await self._forms.made(uow, turns.scope_of(turn), new)).id
            case "artifact":
                assert stored is not None
                await active_project(uow, turns.scope_of(turn))
                filed = await self._filed(uow, turns.scope_of(turn), stored, str(data["title"]), turn)
                return filed.id
            case "project":
                assert stored is not None
                started = NewProject(goal=str(data["goal"]), name=str(data["name"]))
                return (await self._projects.founded(uow, started, stored)).id


EMPTY = ("/text", "is empty")


def _first(project_id: str | None, uow: UnitOfWork) -> str:
    """The id of a conversation's first turn: there can be only one of it."""
    return f"trn_{(project_id or uow.workspace_id).partition('_')[2]}"


def _run(uow: UnitOfWork, id: str, turn: Turn, graph: AgentGraph) -> Run:
    """A turn in the workspace's conversation counts for the workspace, which stands in the project's place."""
    return Run(
        id=id,
        workspace_id=turn.workspace_id,
        project_id=turns.scope_of(turn),
        root_id=id,
        graph=graph.name,
        graph_digest=digest_of_graph(graph),
        actor=turn.said_by,
        on_behalf_of=uow.scene.principal.id,
        created_at=uow.at,
        correlation=uow.scene.correlation,
        priority=50,  # somebody waits for it
        inputs={"turn_id": turn.id},
        limits=graph.limits,
    )


async def _own(uow: UnitOfWork, turn: Turn, data: Mapping[str, Any]) -> str:
    """The task that a proposal is about; of this project."""
    task = await uow.get(Task, str(data["task_id"]))
    if task.project_id != turn.project_id:
        raise NotFound("task", task.id)
    return task.id


def _draft(key: str, data: Mapping[str, Any]) -> TaskDraft:
    given = data.get("assignee")
    assignee = Assignee(kind=given["kind"], id=given["id"]) if isinstance(given, Mapping) else None
    return TaskDraft(key=key, title=data.get("title"), brief=data.get("brief"), assignee=assignee)


def _title(turn: Turn) -> str:
    first = turn.text.strip().splitlines()[0].strip("#* ") or "Note"
    return first if len(first) <= 80 else f"{first[:79]}…"
