"""Use cases on projects and their members."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Literal

from domain.budget import Budget
from domain.errors import Conflict, Forbidden, Invalid, NotFound, VersionMoved
from domain.inbox import InboxItem
from domain.principal import User
from domain.project import Member, Project, name_of
from domain.run import Run
from domain.task import FINISHED, MOVES, Task
from services import directions, filing
from services.artifacts import active_project
from services.budgets import Budgets, rebudgeted
from services.desk import Command, Desk
from services.inputs import Filed, Intake, Stored, file
from services.ports.folders import Folders
from services.turns import CONVERSATION
from services.unit_of_work import UnitOfWork

Behaviour = Literal["autonomous", "semi_autonomous", "reactive", "scheduled"]
UNFINISHED = sorted(set(MOVES) - FINISHED - {"cancelled"})
NAMED = 10  # tasks that a refusal names


@dataclass(frozen=True, kw_only=True)
class NewProject:
    goal: str
    name: str = ""
    instructions: str = ""
    budget: Budget = field(default_factory=Budget)
    approve_plan: bool = False
    sign_off_code: bool = True


@dataclass(frozen=True, kw_only=True)
class ProjectChange:
    """None leaves a field as it is; an empty `watched_folder` takes the folder away."""

    name: str | None = None
    goal: str | None = None
    instructions: str | None = None
    budget: Budget | None = None
    approve_plan: bool | None = None
    sign_off_code: bool | None = None
    watched_folder: str | None = None


class Projects:
    def __init__(self, desk: Desk, intake: Intake, folders: Folders, budgets: Budgets) -> None:
        self._desk, self._intake, self._folders, self._budgets = desk, intake, folders, budgets

    async def create(self, command: Command, new: NewProject) -> Project:
        """Files the goal (and the instructions) as the first artifacts; the owner is the first member."""
        probe = self._desk.unit(command)
        self._made(probe, new)  # refuses a bad goal before anything is written
        workspace = command.principal.workspace_id
        goal = await self._intake.text(workspace, new.goal)
        instructions = await self._intake.text(workspace, new.instructions) if new.instructions.strip() else None

        return await self._desk.carry_out(command, Project, lambda uow: self.founded(uow, new, goal, instructions))

    async def founded(
        self, uow: UnitOfWork, new: NewProject, goal: Stored, instructions: Stored | None = None
    ) -> Project:
        """`create`, as a part of something else, with the words stored before."""
        project = self._made(uow, new)
        uow.put(project)
        uow.happened(
            "project.created",
            project.id,
            project_id=project.id,
            data={"name": project.name, "manager_id": project.manager_id, "owner_id": project.owner_id},
        )
        await self._file_words(uow, project, goal, instructions)
        await self._add_owner(uow, project)
        return project

    async def page(self, command: Command, after: str, limit: int, state: str | None = None) -> list[Project]:
        where = {} if state is None else {"state": state}
        return await self._desk.store.find(
            Project, command.principal.workspace_id, where=where, after=after, limit=limit, newest_first=True
        )

    async def change(self, command: Command, id: str, change: ProjectChange, expected: int | None) -> Project:
        """A goal or instructions that change leave what is done as it is, marked as out of date; the rest is done by
        the new ones. Raises VersionMoved when `expected` (If-Match) is not the stored version, Forbidden when somebody
        else than this machine's owner names a folder to watch."""
        folder = await self._folder(command, change.watched_folder)
        change = replace(change, goal=_stripped(change.goal), instructions=_stripped(change.instructions))
        goal = await self._words(command, change.goal or None)
        instructions = await self._words(command, change.instructions, directions.NO_INSTRUCTIONS)

        async def decide(uow: UnitOfWork) -> Project:
            project = await active_project(uow, id)
            check_version(project.version, expected, "project", id)
            values = {name: value for name, value in vars(change).items() if value is not None and name != "budget"}
            changed = replace(project, **values)
            if goal is not None and changed.goal != project.goal:
                await directions.change_goal(uow, self._desk.content, project, changed.goal, goal)
            if instructions is not None and (said := changed.instructions) != project.instructions:
                await directions.change_instructions(uow, self._desk.content, project, said, instructions)
            if folder is not None:
                changed = replace(changed, watched_folder=folder or None)
            uow.put(changed)
            uow.happened("project.changed", id, project_id=id, data={"name": changed.name})
            return changed if change.budget is None else await rebudgeted(uow, changed, change.budget)

        changed = await self._desk.carry_out(command, Project, decide)
        if change.budget is not None:
            await self._budgets.free("project", id)
        return changed

    async def directed(self, uow: UnitOfWork, id: str, goal: str, stored: Stored) -> Project:
        """Towards another goal, as a part of something else."""
        project = await active_project(uow, id)
        if goal != project.goal:
            await directions.change_goal(uow, self._desk.content, project, goal, stored)
        changed = replace(project, goal=goal)
        uow.put(changed)
        uow.happened("project.changed", id, project_id=id, data={"name": changed.name})
        return changed

    async def _words(self, command: Command, said: str | None, instead: str = "") -> Stored | None:
        """What is to be filed of them; `instead` where they are empty."""
        return None if said is None else await self._intake.text(command.principal.workspace_id, said or instead)

    async def _folder(self, command: Command, wanted: str | None) -> str | None:
        if not wanted:
            return wanted
        owner = await self._desk.store.owner()
        if owner is None or owner.id != command.principal.id:
            raise Forbidden("Only the owner of this installation can have a folder of this machine watched.")
        return await asyncio.to_thread(self._folders.fit, wanted)

    async def archive(self, command: Command, id: str) -> Project:
        """Live runs are cancelled: an archived project takes no work, and answers no questions."""

        async def decide(uow: UnitOfWork) -> Project:
            archived = (await uow.get(Project, id)).archived()
            uow.put(archived)
            for graph in (filing.PROJECT_RUN, CONVERSATION):
                for live in await uow.find(Run, {"project_id": id, "graph": graph, "phase": filing.LIVE_PHASES}):
                    uow.signal(live.id, "cancel")
            for item in await uow.find(InboxItem, {"project_id": id, "state": "open"}):
                if item.kind == "budget" and item.shortage is not None and item.shortage.cap.level != "workspace":
                    uow.put(item.withdrawn())
                    uow.happened("inbox.withdrawn", item.id, project_id=id)
            uow.happened("project.archived", id, project_id=id)
            return archived

        return await self._desk.carry_out(command, Project, decide)

    async def members(self, command: Command, project_id: str) -> list[Member]:
        """Who is on the team now."""
        await self._desk.get(command, Project, project_id)
        found = await self._desk.store.find(Member, command.principal.workspace_id, where={"project_id": project_id})
        return [member for member in found if member.removed_at is None]

    async def member(self, command: Command, project_id: str, id: str) -> Member:
        """Raises NotFound; one that was removed is not there any more."""
        return await _on_team(self._desk.unit(command), project_id, id)

    async def add_member(self, command: Command, project_id: str, user_id: str, role: str) -> Member:
        """A person of this workspace; only the owner exists for now."""

        async def decide(uow: UnitOfWork) -> Member:
            project = await active_project(uow, project_id)
            user = await uow.get(User, user_id)
            known = await uow.find(Member, {"project_id": project_id, "subject_id": user_id})
            if any(member.removed_at is None for member in known):
                raise Conflict(f"{user.name} is on the team of {project_id} already.")
            return self._member(uow, project, user, role)

        return await self._desk.carry_out(command, Member, decide)

    async def change_member(
        self,
        command: Command,
        project_id: str,
        id: str,
        role: str | None,
        behaviour: Behaviour | None,
        expected: int | None = None,
    ) -> Member:
        """Raises VersionMoved when `expected` (If-Match) is not the stored version."""

        async def decide(uow: UnitOfWork) -> Member:
            member = await _on_team(uow, project_id, id)
            check_version(member.version, expected, "member", id)
            changed = replace(member, role=role or member.role, behaviour=behaviour or member.behaviour)
            uow.put(changed)
            data = {"role": changed.role, "behaviour": changed.behaviour}
            uow.happened("member.changed", id, project_id=project_id, data=dict(data))
            return changed

        return await self._desk.carry_out(command, Member, decide)

    async def remove_member(self, command: Command, project_id: str, id: str, expected: int | None = None) -> Member:
        """What the member did stays as it is. Raises Conflict for the owner and for somebody with unfinished tasks,
        VersionMoved when `expected` (If-Match) is not the stored version."""

        async def decide(uow: UnitOfWork) -> Member:
            project = await active_project(uow, project_id)
            member = await _on_team(uow, project_id, id)
            check_version(member.version, expected, "member", id)
            if member.subject_id == project.owner_id:
                raise Conflict(f"{member.name} owns the project {project_id} and cannot leave its team.")
            await _check_idle(uow, member)
            removed = replace(member, removed_at=uow.at)
            uow.put(removed)
            data = {"subject_id": member.subject_id, "name": member.name}
            uow.happened("member.removed", id, project_id=project_id, data=dict(data))
            return removed

        return await self._desk.carry_out(command, Member, decide)

    def _made(self, uow: UnitOfWork, new: NewProject) -> Project:
        if new.name and not new.name.strip():
            raise Invalid("The name is blank.", [("/name", "is blank")])
        return Project(
            id=uow.new_id("project"),
            workspace_id=uow.workspace_id,
            name=new.name.strip() or name_of(new.goal),
            goal=new.goal.strip(),
            instructions=new.instructions.strip(),
            owner_id=uow.scene.principal.id,
            manager_id=uow.new_id("agent"),
            created_at=uow.at,
            budget=new.budget,
            approve_plan=new.approve_plan,
            sign_off_code=new.sign_off_code,
        )

    async def _file_words(self, uow: UnitOfWork, project: Project, goal: Stored, instructions: Stored | None) -> None:
        content = self._desk.content
        await file(uow, content, project.id, goal, Filed(kind="goal", section="plans", title="Goal"))
        if instructions is not None:
            filed = Filed(kind="instructions", section="plans", title="Instructions")
            await file(uow, content, project.id, instructions, filed)

    async def _add_owner(self, uow: UnitOfWork, project: Project) -> None:
        owner = await uow.get(User, project.owner_id)
        self._member(uow, project, owner, "owner")

    def _member(self, uow: UnitOfWork, project: Project, user: User, role: str) -> Member:
        member = Member(
            id=uow.new_id("member"),
            workspace_id=uow.workspace_id,
            project_id=project.id,
            kind="person",
            subject_id=user.id,
            name=user.name,
            role=role,
            created_at=uow.at,
        )
        uow.put(member)
        data = {"subject_id": user.id, "name": user.name, "role": role}
        uow.happened("member.added", member.id, project_id=project.id, data=dict(data))
        return member


def _stripped(said: str | None) -> str | None:
    return None if said is None else said.strip()


async def _on_team(uow: UnitOfWork, project_id: str, id: str) -> Member:
    member = await uow.get(Member, id)
    if member.project_id != project_id or member.removed_at is not None:
        raise NotFound("member", id)
    return member


async def _check_idle(uow: UnitOfWork, member: Member) -> None:
    """Raises Conflict, with the titles, while a task waits for the member or will."""
    tasks = await uow.find(Task, {"project_id": member.project_id, "state": UNFINISHED})
    theirs = [f"“{task.spec.title}” ({task.id})" for task in tasks if task.spec.assignee.id == member.subject_id]
    if theirs:
        more = f" and {len(theirs) - NAMED} more" if len(theirs) > NAMED else ""
        raise Conflict(
            f"{member.name} has unfinished tasks: {', '.join(theirs[:NAMED])}{more}; give them to somebody else, skip "
            "them or cancel them first."
        )


def check_version(version: int, expected: int | None, kind: str, id: str) -> None:
    if expected is not None and version != expected:
        raise VersionMoved(kind, id)
