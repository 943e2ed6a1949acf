"""Use cases on projects and their members."""

from dataclasses import dataclass, field, replace
from typing import Literal

from domain.errors import Conflict, Invalid, NotFound, VersionMoved
from domain.principal import User
from domain.project import Budget, Member, Project, name_of
from services.artifacts import active_project
from services.desk import Command, Desk
from services.filing import live_project_run
from services.inputs import Filed, Intake, Stored, file
from services.unit_of_work import UnitOfWork

Behaviour = Literal["autonomous", "semi_autonomous", "reactive", "scheduled"]


@dataclass(frozen=True, kw_only=True)
class NewProject:
    goal: str
    name: str = ""
    instructions: str = ""
    budget: Budget = field(default_factory=Budget)
    approve_plan: bool = False


@dataclass(frozen=True, kw_only=True)
class ProjectChange:
    """None leaves a field as it is."""

    name: str | None = None
    instructions: str | None = None
    budget: Budget | None = None
    approve_plan: bool | None = None


class Projects:
    def __init__(self, desk: Desk, intake: Intake) -> None:
        self._desk, self._intake = desk, intake

    async def create(self, command: Command, new: NewProject) -> Project:
        """Files the goal (and the instructions) as the first artifacts; the owner is the first member."""
        probe = self._desk.unit(command)
        self._made(probe, new)  # refuses a bad goal before anything is written
        workspace = command.principal.workspace_id
        goal = await self._intake.text(workspace, new.goal)
        instructions = await self._intake.text(workspace, new.instructions) if new.instructions.strip() else None

        async def decide(uow: UnitOfWork) -> Project:
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

        return await self._desk.carry_out(command, Project, decide)

    async def page(self, command: Command, after: str, limit: int, state: str | None = None) -> list[Project]:
        where = {} if state is None else {"state": state}
        return await self._desk.store.find(
            Project, command.principal.workspace_id, where=where, after=after, limit=limit, newest_first=True
        )

    async def change(self, command: Command, id: str, change: ProjectChange, expected: int | None) -> Project:
        """Raises VersionMoved when `expected` (If-Match) is not the stored version."""

        async def decide(uow: UnitOfWork) -> Project:
            project = await active_project(uow, id)
            check_version(project.version, expected, "project", id)
            values = {name: value for name, value in vars(change).items() if value is not None}
            changed = replace(project, **values)
            uow.put(changed)
            uow.happened("project.changed", id, project_id=id, data={"name": changed.name})
            return changed

        return await self._desk.carry_out(command, Project, decide)

    async def archive(self, command: Command, id: str) -> Project:
        """A live run is cancelled: an archived project takes no work."""

        async def decide(uow: UnitOfWork) -> Project:
            archived = (await uow.get(Project, id)).archived()
            uow.put(archived)
            if (live := await live_project_run(uow, id)) is not None:
                uow.signal(live.id, "cancel")
            uow.happened("project.archived", id, project_id=id)
            return archived

        return await self._desk.carry_out(command, Project, decide)

    async def members(self, command: Command, project_id: str) -> list[Member]:
        await self._desk.get(command, Project, project_id)
        return await self._desk.store.find(Member, command.principal.workspace_id, where={"project_id": project_id})

    async def member(self, command: Command, project_id: str, id: str) -> Member:
        found = await self._desk.get(command, Member, id)
        if found.project_id != project_id:
            raise NotFound("member", id)
        return found

    async def add_member(self, command: Command, project_id: str, user_id: str, role: str) -> Member:
        """A person of this workspace; only the owner exists for now."""

        async def decide(uow: UnitOfWork) -> Member:
            project = await active_project(uow, project_id)
            user = await uow.get(User, user_id)
            if any(m.subject_id == user_id for m in await uow.find(Member, {"project_id": project_id})):
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
            member = await uow.get(Member, id)
            if member.project_id != project_id:
                raise NotFound("member", id)
            check_version(member.version, expected, "member", id)
            changed = replace(member, role=role or member.role, behaviour=behaviour or member.behaviour)
            uow.put(changed)
            data = {"role": changed.role, "behaviour": changed.behaviour}
            uow.happened("member.changed", id, project_id=project_id, data=dict(data))
            return changed

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


def check_version(version: int, expected: int | None, kind: str, id: str) -> None:
    if expected is not None and version != expected:
        raise VersionMoved(kind, id)
