"""The form by which a person writes a task: what can be chosen, what was typed, what the plan says now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from adapters.report import words
from domain.errors import Invalid
from domain.plan import Plan
from domain.project import Member, Project
from domain.task import LIVE, Assignee, Complexity, Task, TaskSpec
from infrastructure.container import Container
from infrastructure.web.access import Form
from services.desk import Command
from services.plan_edits import NOTE, TaskDraft
from services.work.planning import newest_plan

COMPLEXITIES: Mapping[str, Complexity] = {"simple": "simple", "medium": "medium", "complex": "complex"}
MOST_TITLE, MOST_BRIEF = 200, 20_000
END_OF_DAY = time(23, 59, tzinfo=UTC)
Choice = tuple[str, str]
"""A value and what stands for it."""


@dataclass(frozen=True, kw_only=True)
class Typed:
    """A task as the form has it: `who` is a kind and an id, `due` a day; empty where nothing was chosen."""

    title: str = ""
    brief: str = ""
    who: str = ""
    makes: str = ""
    complexity: str = "medium"
    due: str = ""
    after: tuple[str, ...] = ()

    def draft(self, key: str, old: TaskSpec | None = None) -> TaskDraft:
        """Raises Invalid."""
        if not self.title:
            raise Invalid("The task needs a title.")
        kind, _, id = self.who.partition(":")
        if kind not in ("", "core", "person") or self.complexity not in COMPLEXITIES:
            raise Invalid("Choose who does the task, and how complex it is, from what the form offers.")
        stays = old is not None and old.due is not None and self.due == _day(old.due)
        return TaskDraft(
            key=key,
            title=self.title,
            brief=self.brief,
            assignee=Assignee(kind="person" if kind == "person" else "core", id=id) if kind else None,
            makes=self.makes or None,
            depends_on=self.after,
            complexity=COMPLEXITIES[self.complexity],
            due=None if stays else _end_of(self.due),
            no_due=not self.due,
        )


@dataclass(frozen=True, kw_only=True)
class Editing:
    """`task` is changed; a new one is added without it. `now` is what the plan says, where it is another thing than
    what was typed, by field."""

    project: Project
    number: int
    task: Task | None
    typed: Typed
    agents: tuple[Choice, ...]
    people: tuple[Choice, ...]
    makes: tuple[Choice, ...]
    others: tuple[Choice, ...]
    now: Mapping[str, str]

    @property
    def live(self) -> bool:
        return self.task is not None and self.task.state in LIVE


def read(form: Form) -> Typed:
    """Raises Invalid on what is too long."""
    return Typed(
        title=form.text("title", MOST_TITLE),
        brief=form.text("brief", MOST_BRIEF),
        who=form.text("who", 100),
        makes=form.text("makes", 40),
        complexity=form.text("complexity", 20),
        due=form.text("due", 10),
        after=tuple(dict.fromkeys(form.all("after"))),
    )


def typed_of(spec: TaskSpec) -> Typed:
    return Typed(
        title=spec.title,
        brief=spec.brief,
        who=f"{spec.assignee.kind}:{spec.assignee.id}",
        makes=spec.expected[0].kind,
        complexity=spec.complexity,
        due=_day(spec.due) if spec.due is not None else "",
        after=spec.depends_on,
    )


async def editing(
    parts: Container, caller: Command, project: Project, task: Task | None, typed: Typed | None = None
) -> Editing:
    """`typed` is what somebody wrote before; without it the form shows what the plan says. Raises Invalid for a task
    that is not in the plan."""
    plan = await newest_plan(parts.store(), project.workspace_id, project.id)
    specs = plan.tasks if plan is not None else ()
    spec = in_plan(plan, task.id) if task is not None else None
    stored = typed_of(spec) if spec is not None else Typed()
    members = await parts.projects().members(caller, project.id)
    shown = typed or stored
    found = Editing(
        project=project,
        number=plan.number if plan is not None else 0,
        task=task,
        typed=shown,
        agents=tuple((f"core:{profile.id}", profile.title) for profile in parts.staff().specialists),
        people=_people(members, caller.principal.id),
        makes=_makes(parts, shown.makes),
        others=tuple((each.id, each.title) for each in specs if task is None or each.id != task.id),
        now={},
    )
    return found if spec is None or typed is None else _with_differences(found, stored)


def in_plan(plan: Plan | None, task_id: str) -> TaskSpec:
    """Raises Invalid."""
    found = next((spec for spec in plan.tasks if spec.id == task_id), None) if plan is not None else None
    if found is None:
        raise Invalid("This task is no longer in the plan; add a new one.")
    return found


def _with_differences(found: Editing, stored: Typed) -> Editing:
    names = dict([*found.agents, *found.people, *found.makes, *found.others])
    values = {name: names.get(value, value) for name, value in vars(stored).items() if isinstance(value, str)}
    values["after"] = ", ".join(names.get(id, id) for id in stored.after)
    now = {name: value or "nothing" for name, value in values.items() if _moved(found.typed, stored, name)}
    return Editing(**{**vars(found), "now": now})


def _moved(typed: Typed, stored: Typed, name: str) -> bool:
    mine, theirs = getattr(typed, name), getattr(stored, name)
    return set(mine) != set(theirs) if name == "after" else bool(mine != theirs)


def _people(members: Sequence[Member], me: str) -> tuple[Choice, ...]:
    people = [member for member in members if member.kind == "person"]
    return tuple((f"person:{one.subject_id}", "You" if one.subject_id == me else one.name) for one in people)


def _makes(parts: Container, current: str) -> tuple[Choice, ...]:
    kinds = {output.kind: output.label for profile in parts.staff().specialists for output in profile.outputs}
    kinds |= {NOTE.kind: NOTE.label}
    if current and current not in kinds:
        kinds[current] = words.plain(current)
    return tuple(sorted(kinds.items(), key=lambda kind: kind[1]))


def _day(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()


def _end_of(day: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(day), END_OF_DAY) if day else None
    except ValueError:
        raise Invalid(f"{day!r} is no day; write it as 2026-11-30.") from None
