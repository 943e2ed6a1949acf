"""Agents, templates, forms and workflows, as REST shows them."""

from typing import Any

from domain.agent import Profile
from domain.form import Form, FormTemplate
from domain.template import PlanTemplate
from infrastructure.rest import schemas
from services.profiles import Kept
from services.staff import Origin
from services.workflow_formats import written
from services.workflow_shelves import Workflow


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
