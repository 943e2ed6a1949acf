"""Projects, their plans and tasks, and who is on their teams, as REST shows them."""

from collections.abc import Sequence
from dataclasses import asdict

from domain.plan import Plan
from domain.project import Member, Project
from domain.task import Task
from infrastructure.rest import schemas


def project(item: Project) -> schemas.ProjectOut:
    return schemas.ProjectOut(
        id=item.id,
        name=item.name,
        goal=item.goal,
        instructions=item.instructions,
        state=item.state,
        manager_id=item.manager_id,
        owner_id=item.owner_id,
        budget=schemas.BudgetBody(**asdict(item.budget)),
        approve_plan=item.approve_plan,
        sign_off_code=item.sign_off_code,
        watched_folder=item.watched_folder,
        created_at=item.created_at,
    )


def task(item: Task) -> schemas.TaskOut:
    spec = item.spec
    return schemas.TaskOut(
        id=item.id,
        project_id=item.project_id,
        title=spec.title,
        brief=spec.brief,
        state=item.state,
        complexity=spec.complexity,
        assignee=schemas.AssigneeBody(kind=spec.assignee.kind, id=spec.assignee.id),
        depends_on=list(spec.depends_on),
        expected=[schemas.ExpectedOut(kind=e.kind, section=e.section) for e in spec.expected],
        criteria=[
            schemas.CriterionOut(
                text=c.text,
                check=schemas.CheckOut(rule=c.check.rule, params=c.check.params) if c.check is not None else None,
            )
            for c in spec.criteria
        ],
        attempts=item.attempts,
        run_id=item.run_id,
        findings=list(item.findings),
        hint=item.hint,
        stale=item.stale or None,
        due=spec.due,
        way=spec.way or None,
        form=spec.form or None,
        budget=schemas.BudgetBody(**asdict(item.budget)),
        created_at=item.created_at,
    )


def plan(item: Plan, tasks: Sequence[Task]) -> schemas.PlanOut:
    known = {t.id: t for t in tasks}
    return schemas.PlanOut(
        project_id=item.project_id,
        number=item.number,
        origin=item.origin,
        template=item.template,
        made_by=item.made_by,
        created_at=item.created_at,
        tasks=[task(known[spec.id]) for spec in item.tasks if spec.id in known],
    )


def member(item: Member) -> schemas.MemberOut:
    return schemas.MemberOut(
        id=item.id,
        project_id=item.project_id,
        kind=item.kind,
        subject_id=item.subject_id,
        name=item.name,
        role=item.role,
        behaviour=item.behaviour,
        autonomy=item.autonomy,
        triggers=list(item.triggers),
    )
