"""A person's edits of the plan: the whole of it, one more task, one task changed.

What is done is kept: where an edit asks for more than what was done, the task is marked as out of date, and done again
only when somebody asks. A live project run hears of the edit; without one a new run begins, where one had begun before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.agent import OutputType
from domain.agent_graph import AgentGraph
from domain.artifact import SECTIONS, Artifact
from domain.criterion import Criterion
from domain.errors import Invalid, InvalidPlan, NotFound, VersionMoved
from domain.inbox import InboxItem
from domain.plan import Plan, check_tasks
from domain.principal import Principal
from domain.project import Member, Project
from domain.run import Run
from domain.task import Assignee, Complexity, Expected, Task, TaskSpec
from services import filing
from services.artifacts import active_project
from services.desk import Command, Desk
from services.forms import form_of, head_of
from services.staff import Staff
from services.staffing import BY_HAND, NOBODYS, by_hand, fitting_agent, fitting_output
from services.unit_of_work import UnitOfWork
from services.work.criteria import FILLED_IN, criteria_for
from services.work.planning import Known
from services.work.ways import way_for
from services.work_orders import tell

NOTE = OutputType(kind="note", label="Note", section="notes", shape="What the task asks for, in plain words.")


@dataclass(frozen=True, kw_only=True)
class TaskDraft:
    """A task as a person writes it. `key` is the id of a task that exists, or any word that other drafts use to
    depend on a new one. None leaves a field as it is, or to the manager's usual choice for a new task."""

    key: str
    title: str | None = None
    brief: str | None = None
    assignee: Assignee | None = None
    makes: str | None = None
    section: str | None = None
    criteria: Sequence[Criterion] | None = None
    depends_on: Sequence[str] | None = None
    complexity: Complexity | None = None
    due: datetime | None = None
    no_due: bool = False
    way: str | None = None
    form: str | None = None


class PlanEdits:
    def __init__(self, desk: Desk, staff: Staff, workflows: Known) -> None:
        self._desk, self._staff, self._workflows = desk, staff, workflows

    async def replace(
        self, command: Command, project_id: str, drafts: Sequence[TaskDraft], expected: int | None
    ) -> Plan:
        """The whole plan anew: tasks that are left out are cancelled unless they are done. Raises InvalidPlan,
        RefusedTransition on a change to a task under way, VersionMoved when `expected` is not the plan's number."""

        async def decide(uow: UnitOfWork) -> Plan:
            return await self._adopted(uow, project_id, drafts, expected, "edited the plan")

        return await self._desk.carry_out(command, Plan, decide)

    async def add(self, command: Command, project_id: str, draft: TaskDraft) -> Task:
        """One more task, at the end of the plan; the first one makes a plan."""

        return await self._desk.carry_out(command, Task, lambda uow: self.added(uow, project_id, draft))

    async def added(self, uow: UnitOfWork, project_id: str, draft: TaskDraft) -> Task:
        """`add`, as a part of something else."""
        known = await self._known(uow, project_id)
        plan = await self._adopted(
            uow, project_id, [*map(_as_it_is, known), draft], None, f"added the task “{draft.title}”", only=len(known)
        )
        return await uow.get(Task, plan.tasks[-1].id)

    async def change(
        self, command: Command, task_id: str, draft: TaskDraft, expected: int | None, plan: int | None = None
    ) -> Task:
        """Raises VersionMoved when `expected` is not the task's version, or `plan` not the plan's number."""

        return await self._desk.carry_out(command, Task, lambda uow: self.changed(uow, task_id, draft, expected, plan))

    async def remove(self, command: Command, task_id: str, plan: int | None) -> Plan:
        """The plan without a task, which is cancelled unless it is done. Raises VersionMoved as `replace` does."""

        return await self._desk.carry_out(command, Plan, lambda uow: self.without(uow, task_id, plan))

    async def changed(
        self, uow: UnitOfWork, task_id: str, draft: TaskDraft, expected: int | None = None, plan: int | None = None
    ) -> Task:
        """`change`, as a part of something else."""
        task = await uow.get(Task, task_id)
        if expected is not None and task.version != expected:
            raise VersionMoved("task", task_id)
        known = await self._known_with(uow, task)
        drafts = [replace(draft, key=id) if id == task_id else _as_it_is(id) for id in known]
        what, only = f"changed the task “{task.spec.title}”", known.index(task_id)
        await self._adopted(uow, task.project_id, drafts, plan, what, only=only)
        return await uow.get(Task, task_id)

    async def without(self, uow: UnitOfWork, task_id: str, plan: int | None = None) -> Plan:
        """The plan without a task, on which nothing else may depend."""
        task = await uow.get(Task, task_id)
        kept = [id for id in await self._known_with(uow, task) if id != task_id]
        return await self._adopted(
            uow, task.project_id, [*map(_as_it_is, kept)], plan, f"removed the task “{task.spec.title}”"
        )

    async def _known_with(self, uow: UnitOfWork, task: Task) -> list[str]:
        known = await self._known(uow, task.project_id)
        if task.id not in known:
            raise Invalid(f"The task {task.id} is no longer in the plan; add a new one.")
        return known

    async def _known(self, uow: UnitOfWork, project_id: str) -> list[str]:
        plan = await _newest(uow, project_id)
        return [spec.id for spec in plan.tasks] if plan is not None else []

    async def trial(self, principal: Principal, project_id: str) -> "Trial":
        """To see whether an edit would be taken, without making it."""
        uow = self._desk.unit(Command(principal=principal))
        project = await active_project(uow, project_id)
        plan = await _newest(uow, project_id)
        tasks = {task.id: task for task in await uow.find(Task, {"project_id": project_id})}
        return Trial(await self._office(uow, project, plan), tasks)

    async def _adopted(
        self,
        uow: UnitOfWork,
        project_id: str,
        drafts: Sequence[TaskDraft],
        expected: int | None,
        what: str,
        *,
        only: int | None = None,
    ) -> Plan:
        """`only` is the place of the one draft that somebody sent; of that alone a fault is told."""
        project = await active_project(uow, project_id)
        plan = await _newest(uow, project_id)
        if expected is not None and expected != (plan.number if plan is not None else 0):
            raise VersionMoved("plan of", project_id)
        office = await self._office(uow, project, plan)
        drafts = [await self._with_form(uow, project_id, draft) if draft.form else draft for draft in drafts]
        try:
            made = office.plan(drafts, f"{uow.scene.principal.id} {what}.")
        except InvalidPlan as error:
            raise error if only is None else _alone(error, only) from None
        await self._withdraw(uow, plan, made)
        await filing.adopt(uow, made)
        ran = bool(await uow.find(Run, {"project_id": project_id, "graph": filing.PROJECT_RUN}))
        await tell(uow, project_id, start=ran and plan is not None)
        return made

    async def _with_form(self, uow: UnitOfWork, project_id: str, draft: TaskDraft) -> TaskDraft:
        """A task that is done by filling a form in makes what the form is, and is checked for what it requires."""
        form = await uow.seek(Artifact, draft.form or "")
        if form is None or form.project_id != project_id:
            raise Invalid(f"there is no form {draft.form} in this project.", [("/form", "is not known")])
        if form.version:  # else it is made in this very commit
            await form_of(self._desk.content, form, await head_of(uow, form))
        return replace(
            draft,
            assignee=draft.assignee or Assignee(kind="person", id=uow.scene.principal.id),
            makes=form.kind,
            section=form.section,
            criteria=draft.criteria or (FILLED_IN,),
        )

    async def _office(self, uow: UnitOfWork, project: Project, plan: Plan | None) -> "_Office":
        members = await uow.find(Member, {"project_id": project.id})
        people = [m.subject_id for m in members if m.kind == "person" and m.removed_at is None]
        sources = await uow.find(Artifact, {"project_id": project.id, "section": "sources", "visible": "1"})
        return _Office(self._staff, self._workflows(), project, plan, people, uow, sources=len(sources))

    async def _withdraw(self, uow: UnitOfWork, old: Plan | None, new: Plan) -> None:
        """What the inbox asks about tasks that are other ones now, or gone."""
        before = {spec.id: spec for spec in old.tasks} if old is not None else {}
        after = {spec.id: spec for spec in new.tasks}
        moot = {id for id, spec in before.items() if after.get(id) != spec}
        for item in await uow.find(InboxItem, {"project_id": new.project_id, "state": "open"}):
            if item.task_id in moot:
                uow.put(item.withdrawn())
                uow.happened("inbox.withdrawn", item.id, project_id=item.project_id)


@dataclass(kw_only=True)
class _Choice:
    """Who does it, what comes of it, and why they do where that must be said."""

    assignee: Assignee
    output: OutputType
    why: str = ""


class _Office:
    """Turns drafts into tasks of a plan."""

    def __init__(
        self,
        staff: Staff,
        workflows: Mapping[str, AgentGraph],
        project: Project,
        plan: Plan | None,
        people: Sequence[str],
        uow: UnitOfWork,
        *,
        sources: int,
    ) -> None:
        self._staff, self._workflows, self._people, self._uow = staff, workflows, people, uow
        self._project, self._plan, self._sources = project, plan, sources
        self._before: Mapping[str, TaskSpec] = {spec.id: spec for spec in plan.tasks} if plan is not None else {}

    @property
    def known(self) -> list[str]:
        return list(self._before)

    def plan(self, drafts: Sequence[TaskDraft], origin: str) -> Plan:
        """The next plan. Raises InvalidPlan."""
        specs, who = self._specs(drafts), self._uow.scene.principal.id
        if self._plan is not None:
            return self._plan.followed_by(specs, made_by=who, origin=origin, at=self._uow.at)
        check_tasks(specs)
        return Plan(
            project_id=self._project.id,
            workspace_id=self._project.workspace_id,
            number=1,
            tasks=specs,
            made_by=who,
            origin=origin,
            created_at=self._uow.at,
        )

    def _specs(self, drafts: Sequence[TaskDraft]) -> tuple[TaskSpec, ...]:
        keys = [draft.key for draft in drafts]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            places = [number for number, key in enumerate(keys) if key == twice]
            raise InvalidPlan(
                f"Two tasks of the plan are called {twice}; give each a key of its own.",
                [(f"/tasks/{n}/{'id' if twice in self._before else 'key'}", "stands there twice") for n in places],
            )
        ids = {draft.key: draft.key if draft.key in self._before else self._uow.new_id("task") for draft in drafts}
        made = []
        for number, draft in enumerate(drafts):
            if draft.key.startswith("tsk_") and draft.key not in self._before:
                raise NotFound("task in the plan", draft.key)
            try:
                made.append(self._spec(ids, draft))
            except Invalid as error:
                pointers = [(f"/tasks/{number}{pointer}", text) for pointer, text in error.errors]
                raise InvalidPlan(f"Task {number + 1}: {error}", pointers) from None
        return tuple(made)

    def _spec(self, ids: Mapping[str, str], draft: TaskDraft) -> TaskSpec:
        old = self._before.get(draft.key)
        depends = draft.depends_on if draft.depends_on is not None else (old.depends_on if old is not None else ())
        if unknown := [key for key in depends if key not in ids]:
            raise Invalid(
                f"it depends on {unknown[0]}, which the plan does not have.",
                [("/depends_on", f"names {unknown[0]}, which the plan does not have")],
            )
        after = tuple(ids[key] for key in depends)
        if old is None:
            return self._new(ids[draft.key], draft, after)
        choice = self._changed(old, draft)
        spec = replace(
            old,
            title=_given(draft.title, old.title),
            brief=_given(draft.brief, self._kept(old, choice)),
            assignee=choice.assignee if choice is not None else old.assignee,
            expected=self._expected(choice, draft) if choice is not None else old.expected,
            criteria=tuple(draft.criteria) if draft.criteria else old.criteria,
            depends_on=after,
            complexity=draft.complexity or old.complexity,
            due=None if draft.no_due else draft.due or old.due,
            way=old.way if draft.way is None else self._way(draft.way),
        )
        return spec.for_person() if spec.assignee.kind == "person" else replace(spec, form="")

    def _changed(self, old: TaskSpec, draft: TaskDraft) -> _Choice | None:
        """None where who does it and what they make stay as they were."""
        wanted = draft.assignee or old.assignee
        makes = draft.makes or old.expected[0].kind
        section = draft.section or old.expected[0].section
        if (wanted, makes, section) == (old.assignee, old.expected[0].kind, old.expected[0].section):
            return None
        if old.assignee.kind == "person" and draft.makes is None and not self._makes(wanted, makes):
            return self._choice(replace(draft, assignee=wanted), f"{draft.title or old.title} {old.brief}")
        return self._choice(replace(draft, assignee=wanted, makes=makes, section=draft.section or section), old.brief)

    def _makes(self, who: Assignee, kind: str) -> bool:
        """People make anything."""
        profiles = [profile for profile in self._staff.specialists if profile.id == who.id]
        return who.kind != "core" or not profiles or kind in [output.kind for output in profiles[0].outputs]

    def _new(self, id: str, draft: TaskDraft, depends_on: tuple[str, ...]) -> TaskSpec:
        title, brief = (draft.title or "").strip(), (draft.brief or "").strip()
        if not title:
            raise Invalid("a new task needs a title.", [("/title", "is missing")])
        choice = self._choice(draft, f"{title} {brief}")
        criteria = tuple(draft.criteria or ()) or criteria_for(
            choice.output,
            choice.output.headings,
            choice.output.max_words,
            (),
            cites=bool(self._sources),
            sign_off_code=self._project.sign_off_code,
        )
        spec = TaskSpec(
            id=id,
            title=title,
            brief="\n\n".join(part for part in (brief or title, choice.why) if part),
            assignee=choice.assignee,
            expected=self._expected(choice, draft),
            criteria=criteria,
            depends_on=depends_on,
            complexity=draft.complexity or "medium",
            due=draft.due,
            form=draft.form or "",
        )
        if choice.assignee.kind == "person":
            return spec.for_person()
        if spec.form:
            raise Invalid("a form is filled in by a person.", [("/assignee/kind", "is not person")])
        chosen = way_for(spec, self._workflows, self._sources) if draft.way is None else self._way(draft.way)
        return replace(spec, way=chosen)

    def _way(self, name: str) -> str:
        bare = name.partition("@")[0]
        if bare and bare not in self._workflows:
            known = ", ".join(sorted(self._workflows))
            raise Invalid(f"there is no workflow {name}; there are {known}.", [("/way", "is not known")])
        return bare

    def _expected(self, choice: _Choice, draft: TaskDraft) -> tuple[Expected, ...]:
        section = draft.section if draft.section and choice.assignee.kind == "person" else choice.output.section
        if draft.section not in (None, section):
            raise Invalid(
                f"a {choice.output.kind} of {choice.assignee.id} goes to {section}, not to {draft.section}.",
                [("/expected/0/section", f"is not {section}")],
            )
        return (Expected(kind=choice.output.kind, section=section),)

    def _choice(self, draft: TaskDraft, words: str) -> _Choice:
        """The assignee that the draft names, else the specialist whose work the words fit best. What only a person can
        do, and what fits nobody, is for whoever asks."""
        if draft.assignee is None:
            why = "" if draft.makes else BY_HAND if by_hand(draft.title or "") else NOBODYS
            offer = fitting_agent(self._staff, words) if why == NOBODYS else None
            if why and offer is None:
                return _Choice(assignee=self._asking, output=self._handed_in(draft), why=why)
            profile, output = offer or fitting_output(self._staff, words, draft.makes)
            return _Choice(assignee=Assignee(kind="core", id=profile.id), output=output)
        if draft.assignee.kind == "person":
            return _Choice(assignee=self._person(draft.assignee), output=self._handed_in(draft))
        if draft.assignee.kind == "custom":
            raise Invalid(f"there is no agent {draft.assignee.id}.", [("/assignee/id", "is not known")])
        try:
            profile = self._staff.agent(draft.assignee.id)
        except NotFound:
            raise Invalid(f"there is no agent {draft.assignee.id}.", [("/assignee/id", "is not known")]) from None
        _, output = fitting_output(self._staff, words, draft.makes, [profile])
        return _Choice(assignee=Assignee(kind="core", id=profile.id), output=output)

    @property
    def _asking(self) -> Assignee:
        """Who makes the edit; the owner where they are not on the team."""
        who = self._uow.scene.principal.id
        return Assignee(kind="person", id=who if who in self._people else self._project.owner_id)

    @staticmethod
    def _kept(old: TaskSpec, choice: _Choice | None) -> str:
        """The brief without why a person does it, where somebody else does it now."""
        if choice is None or choice.assignee.kind == "person":
            return old.brief
        return old.brief.removesuffix(f"\n\n{BY_HAND}").removesuffix(f"\n\n{NOBODYS}")

    def _person(self, assignee: Assignee) -> Assignee:
        if assignee.id not in self._people:
            raise Invalid(f"{assignee.id} is not on the team.", [("/assignee/id", "is not on the team")])
        return assignee

    def _handed_in(self, draft: TaskDraft) -> OutputType:
        kinds = {output.kind: output for profile in self._staff.specialists for output in profile.outputs}
        if draft.section is not None and draft.section not in SECTIONS:
            raise Invalid(f"there is no section {draft.section}.", [("/expected/0/section", "is not known")])
        if draft.makes is None:
            return NOTE
        return kinds.get(draft.makes) or NOTE.model_copy(update={"kind": draft.makes, "label": draft.makes})


class Trial:
    """Edits that are tried: each raises what making it would."""

    def __init__(self, office: _Office, tasks: Mapping[str, Task]) -> None:
        self._office, self._tasks = office, tasks

    def add(self, draft: TaskDraft) -> None:
        self._office.plan([*map(_as_it_is, self._office.known), draft], "tried")

    def change(self, task_id: str, draft: TaskDraft) -> None:
        drafts = [replace(draft, key=id) if id == task_id else _as_it_is(id) for id in self._office.known]
        made = self._office.plan(drafts, "tried").task(task_id)
        if task_id in self._tasks and made != self._tasks[task_id].spec:
            self._tasks[task_id].edited(made)

    def remove(self, task_id: str) -> None:
        self._office.plan([_as_it_is(id) for id in self._office.known if id != task_id], "tried")


def _given(new: str | None, old: str) -> str:
    """What is written again as it stands, but for the space around it, is no change."""
    return old if new is None or new.strip() in ("", old.strip()) else new.strip()


def _alone(error: InvalidPlan, number: int) -> InvalidPlan:
    """The fault of a plan, told of its one task that was sent."""
    said, place = str(error).removeprefix(f"Task {number + 1}: "), f"/tasks/{number}/"
    of_it = [(pointer.removeprefix(place[:-1]), what) for pointer, what in error.errors if pointer.startswith(place)]
    return InvalidPlan(said[:1].upper() + said[1:], of_it)


def _as_it_is(id: str) -> TaskDraft:
    return TaskDraft(key=id)


async def _newest(uow: UnitOfWork, project_id: str) -> Plan | None:
    return next(iter(await uow.find(Plan, {"project_id": project_id}, limit=1, newest_first=True)), None)
