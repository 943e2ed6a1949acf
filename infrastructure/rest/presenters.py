"""From the domain to the wire."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pydantic import JsonValue

from domain.agent import Profile
from domain.artifact import Artifact, Version, VersionRef
from domain.budget import Shortage
from domain.conversation import Turn
from domain.form import Form, FormTemplate
from domain.ids import kind_of
from domain.inbox import ANSWERS, InboxItem
from domain.knowledge_graph import Edge
from domain.message import SentMessage
from domain.plan import Plan
from domain.project import Member, Project
from domain.qa import QARecord
from domain.recommendation import Recommendation
from domain.run import Run, Usage
from domain.task import Task
from domain.template import PlanTemplate
from infrastructure.rest import schemas
from services.ports.store import RecordedCall
from services.ports.views import Subgraph
from services.profiles import Kept
from services.questions.answer import Answer
from services.staff import Origin
from services.workflow_formats import written
from services.workflow_shelves import Workflow


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


def agent_message(item: SentMessage, text: str) -> schemas.AgentMessageOut:
    return schemas.AgentMessageOut(
        id=item.id,
        project_id=item.project_id,
        kind=item.kind,
        sender=item.sender,
        recipient=item.recipient,
        correlation=item.correlation,
        run_id=item.run_id,
        state=item.state,
        sent_at=item.sent_at,
        deadline=item.deadline,
        text=text,
    )


def usage(item: Usage) -> schemas.UsageOut:
    return schemas.UsageOut(
        input_tokens=item.input_tokens,
        output_tokens=item.output_tokens,
        money=item.money,
        calls=item.calls,
        seconds=round(item.seconds, 3),
    )


def project_of(scope: str | None) -> str | None:
    """What runs in the workspace's conversation belongs to no project."""
    return scope if scope is not None and kind_of(scope) == "project" else None


def run(item: Run, output: dict[str, JsonValue] | None = None) -> schemas.RunOut:
    return schemas.RunOut(
        id=item.id,
        project_id=project_of(item.project_id),
        parent_id=item.parent_id,
        root_id=item.root_id,
        task_id=item.task_id,
        workflow=item.graph,
        state=item.phase,
        result=item.result,
        reason=item.reason,
        output=output,
        attempt=item.attempt,
        created_at=item.created_at,
        started_at=item.started_at,
        ended_at=item.ended_at,
        usage=usage(item.usage),
    )


def call(item: RecordedCall) -> schemas.CallOut:
    return schemas.CallOut(
        key=item.key,
        state=item.state,
        purpose=item.purpose,
        agent=item.agent,
        alias=item.alias,
        reason=item.reason,
        left_out=item.left_out,
        rung=item.fit.rung,
        repairs=item.fit.repairs,
        asked=item.fit.asked,
        cached=item.cached,
        model=item.model,
        started_at=item.started_at,
        ended_at=item.ended_at,
        usage=usage(item.usage),
        error=item.error,
    )


def qa(item: QARecord) -> schemas.QAOut:
    return schemas.QAOut(
        checked_by=item.checked_by,
        method=item.method,
        verdict=item.verdict,
        criteria=[schemas.VerdictOut(text=c.text, verdict=c.verdict, evidence=c.evidence) for c in item.criteria],
        at=item.at,
        note=item.note,
    )


def artifact(item: Artifact, head: Version) -> schemas.ArtifactOut:
    return schemas.ArtifactOut(
        id=item.id,
        project_id=item.project_id,
        title=item.title,
        kind=item.kind,
        section=item.section,
        stage=item.stage,
        owner_id=item.owner_id,
        version=item.head,
        digest=head.digest,
        locked=item.locked,
        derived_from=refs(head.derived_from),
        made_by=head.made_by,
        task_id=head.task_id,
        run_id=_run(head),
        media_type=head.media_type,
        size=head.size,
        model=head.model,
        rehearsed=head.rehearsed,
        qa=qa(item.qa) if item.qa is not None else None,
        created_at=item.created_at,
    )


def version(item: Version) -> schemas.VersionOut:
    return schemas.VersionOut(
        artifact_id=item.artifact_id,
        number=item.number or 0,
        digest=item.digest,
        media_type=item.media_type,
        size=item.size,
        made_by=item.made_by,
        model=item.model,
        rehearsed=item.rehearsed,
        run_id=_run(item),
        task_id=item.task_id,
        derived_from=refs(item.derived_from),
        created_at=item.created_at,
    )


def refs(items: Sequence[VersionRef]) -> list[schemas.RefOut]:
    return [schemas.RefOut(artifact_id=ref.artifact_id, digest=ref.digest) for ref in items]


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


def inbox(item: InboxItem, asked: Form | None = None) -> schemas.InboxOut:
    return schemas.InboxOut(
        id=item.id,
        project_id=item.project_id,
        kind=item.kind,
        title=item.title,
        detail=item.detail,
        state=item.state,
        task_id=item.task_id,
        run_id=item.run_id,
        artifact_id=item.artifact_id,
        has_draft=item.draft is not None,
        findings=list(item.findings),
        answers=list(ANSWERS[item.kind]) if item.state == "open" else [],
        form=form(asked) if asked is not None else None,
        shortage=shortage(item.shortage) if item.shortage is not None else None,
        created_at=item.created_at,
    )


def shortage(item: Shortage) -> schemas.ShortageOut:
    return schemas.ShortageOut(
        level=item.cap.level,
        id=item.cap.id,
        measure=item.cap.measure,
        cap=item.cap.amount,
        used=item.used,
        held=item.held,
        wanted=item.wanted,
        least=item.least,
    )


def turn(item: Turn) -> schemas.TurnOut:
    return schemas.TurnOut(
        id=item.id,
        project_id=item.project_id,
        role=item.role,
        said_by=item.said_by,
        state=item.state,
        text=item.text,
        answers=item.answers,
        run_id=item.run_id,
        citations=[
            schemas.CitationOut(
                label=c.label,
                artifact_id=c.artifact_id,
                digest=c.digest,
                ordinal=c.ordinal,
                title=c.title,
                quote=c.quote,
            )
            for c in item.citations
        ],
        proposals=[
            schemas.ProposalOut(
                id=p.id, kind=p.kind, title=p.title, reason=p.reason, data=p.data, state=p.state, made=p.made
            )
            for p in item.proposals
        ],
        model=item.model,
        rehearsed=item.rehearsed,
        kept_as=item.kept_as,
        at=item.at,
    )


def answering(item: Turn, by: Run) -> schemas.AnsweringOut:
    return schemas.AnsweringOut(**turn(item).model_dump(), run=run(by))


def agent(item: Profile, origin: Origin) -> schemas.AgentOut:
    return schemas.AgentOut(**_agent(item, origin))


def agent_whole(item: Kept) -> schemas.AgentWholeOut:
    return schemas.AgentWholeOut(**_agent(item.profile, item.origin), yaml=item.text)


def _agent(item: Profile, origin: Origin) -> dict[str, Any]:
    policy, memory = item.context, item.memory
    return {
        "id": item.id,
        "name": item.name,
        "title": item.title,
        "role": item.role,
        "kind": "manager" if item.name == "manager" else "core",
        "reads": list(item.reads),
        "writes": list(item.writes),
        "outputs": [schemas.OutputTypeOut(**{**o.model_dump(), "headings": list(o.headings)}) for o in item.outputs],
        "tier": item.tier,
        "reviewer": f"agt_{item.reviewer}" if item.reviewer else None,
        "wakes": item.wakes,
        "tools": list(item.tools),
        "prompt": item.prompt,
        "context_tokens": item.context_tokens,
        "context": schemas.ContextOut(
            order=list(policy.order),
            direct_share=policy.direct_share,
            sections=None if policy.sections is None else list(policy.sections),
        ),
        "memory": schemas.MemoryOut(outputs=memory.outputs, tokens=memory.tokens),
        "temperature": item.temperature,
        "origin": origin,
    }


def profile_template(item: Profile) -> schemas.TemplateOut:
    return schemas.TemplateOut(
        kind="profile",
        name=item.name,
        title=item.title,
        description=item.role,
        steps=[],
        form=None,
        own_fields=False,
    )


def template(item: PlanTemplate) -> schemas.TemplateOut:
    return schemas.TemplateOut(
        kind="plan",
        name=item.name,
        title=item.title,
        description=item.description,
        steps=[step.model_dump(mode="json") for step in item.steps],
        form=None,
        own_fields=False,
    )


def form(item: Form) -> schemas.FormOut:
    template = item.template
    return schemas.FormOut(
        template=template.name,
        kind=template.kind,
        title=template.title,
        description=template.description,
        fields=list(template.fields),
        answers=dict(item.answers),
        answers_schema=template.answers_schema(),
        markdown=item.markdown,
    )


def form_template(item: FormTemplate) -> schemas.TemplateOut:
    return schemas.TemplateOut(
        kind="form",
        name=item.name,
        title=item.title,
        description=item.description,
        steps=[],
        form=form(Form(template=item)),
        own_fields=item.own_fields,
    )


def recommendation(item: Recommendation) -> schemas.RecommendationOut:
    return schemas.RecommendationOut(
        id=item.id,
        project_id=item.project_id,
        rule=item.rule,
        makes=item.makes,
        form=item.form,
        title=item.title,
        reason=item.reason,
        about=list(item.about),
        state=item.state,
        withdrawn_because=item.withdrawn_because or None,
        artifact_id=item.artifact_id,
        task_id=item.task_id,
        created_at=item.created_at,
    )


def workflow(item: Workflow) -> schemas.WorkflowOut:
    graph = item.graph
    return schemas.WorkflowOut(
        name=item.name,
        version=int(graph.name.partition("@")[2]) if graph is not None else None,
        title=graph.title if graph is not None else "",
        description=graph.description if graph is not None else "",
        origin=item.origin,
        digest=item.digest or None,
        fits=schemas.FitsOut(**graph.fits.model_dump(mode="json")) if graph is not None and graph.fits else None,
        inputs={
            name: schemas.InputOut(**given.model_dump(mode="json"))
            for name, given in ((graph.inputs if graph is not None else None) or {}).items()
        },
        fault=item.fault or None,
    )


def workflow_whole(item: Workflow) -> schemas.WorkflowWholeOut:
    return schemas.WorkflowWholeOut(
        **workflow(item).model_dump(),
        yaml=item.text,
        graph=written(item.graph) if item.graph is not None else None,
    )


def graph(item: Subgraph) -> schemas.GraphOut:
    return schemas.GraphOut(
        directed=True,
        multigraph=True,
        nodes=[schemas.NodeOut(id=node.id, kind=node.kind, label=node.label) for node in item.nodes],
        edges=[edge(one) for one in item.edges],
    )


def edge(item: Edge) -> schemas.EdgeOut:
    return schemas.EdgeOut(
        source=item.source, target=item.target, relation=item.relation, at=item.at, run_id=item.run_id
    )


def graph_answer(item: Answer) -> schemas.GraphAnswerOut:
    return schemas.GraphAnswerOut(
        question=item.question,
        answer=list(item.answer),
        items=[schemas.ItemOut(id=i.id, kind=i.kind, label=i.label, detail=i.detail) for i in item.items],
        truncated=item.truncated,
    )


def _run(item: Version) -> str | None:
    return item.run_id if item.run_id is not None and item.run_id.startswith("run_") else None
