"""The manager's planning: small structured steps for the model, checked by the rules; a template where that fails."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import JsonValue, ValidationError

from domain import wording
from domain.agent import OutputType, Profile
from domain.agent_graph import AgentGraph
from domain.artifact import Artifact
from domain.changes import AdoptPlan
from domain.criterion import Criterion
from domain.errors import InvalidPlan
from domain.plan import Plan, check_staff, check_tasks
from domain.ports.llm import Passage, Request
from domain.project import Project
from domain.routing import Choice
from domain.task import FINISHED, Assignee, Complexity, Expected, Task, TaskSpec
from domain.template import PlannedStep, PlanTemplate
from services.ports.store import Store
from services.running.effects import EffectContext, EffectResult
from services.staff import Staff
from services.work import structured
from services.work.choosing import Choosing
from services.work.criteria import criteria_for
from services.work.fitting import fitting
from services.work.sizing import sized
from services.work.ways import way_for

Known = Callable[[], Mapping[str, AgentGraph]]
MAX_PLANNED = 12
MAX_SOURCES_SHOWN = 12
SHOWN = 600  # characters of each
PLAN_TOKENS = 1_200


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What the manager plans from."""

    project: Project
    sources: tuple[Artifact, ...]
    passages: tuple[Passage, ...]
    hint: str = ""


class Planner:
    """Handlers `plan@1` and `replan@1`."""

    def __init__(self, staff: Staff, choosing: Choosing, workflows: Known = dict) -> None:
        self._staff, self._choosing, self._workflows = staff, choosing, workflows

    async def plan(self, context: EffectContext) -> EffectResult:
        existing = await newest_plan(context.store, context.run.workspace_id, context.run.project_id)
        rejected = context.given("approve.action") == "reject"
        ask = bool(context.given("inputs.approve_plan"))
        if existing is not None and not rejected and not context.given("inputs.replan"):
            return EffectResult(output=_output(existing, ask=ask and not await _begun(context)))
        brief = await self._brief(context)
        tasks, origin, template = await self._tasks(context, brief)
        kept = await _finished(context, existing)
        plan = Plan(
            project_id=brief.project.id,
            workspace_id=brief.project.workspace_id,
            number=1 if existing is None else existing.number + 1,
            tasks=(*kept, *tasks),
            made_by=brief.project.manager_id,
            origin=origin,
            created_at=context.effect.at,
            template=template,
        )
        return EffectResult(output=_output(plan, ask=ask), changes=(AdoptPlan(plan=plan, goal=brief.project.goal),))

    async def _brief(self, context: EffectContext) -> Brief:
        project = await context.store.get(Project, context.run.workspace_id, context.run.project_id)
        assert project is not None
        where = {"project_id": project.id, "section": "sources", "visible": "1"}
        sources = await context.store.find(Artifact, project.workspace_id, where=where, limit=50)
        passages = []
        for number, source in enumerate(sources[:MAX_SOURCES_SHOWN], 1):
            first = await context.search.passages(project.workspace_id, source.id)
            text = first[0].text[:SHOWN] if first else ""
            passages.append(Passage(label=f"S{number}", text=text, source=source.id, title=source.title))
        hint = context.text("approve.hint")
        return Brief(project=project, sources=tuple(sources), passages=tuple(passages), hint=hint)

    async def _tasks(self, context: EffectContext, brief: Brief) -> tuple[tuple[TaskSpec, ...], str, str | None]:
        template = fitting(list(self._staff.templates.values()), brief.project.goal)
        if context.calls.describe(self._choice(brief.project, "plan").alias).rehearsal:
            origin = f"From the template “{template.title}”: no language model planned this (rehearsal)."
            return self._from_template(context, brief, template), origin, template.name
        try:
            tasks, model = await self._from_model(context, brief, template)
        except structured.StructuredFailure as failure:
            origin = f"From the template “{template.title}”, because the model's plan could not be used: {failure}"
            return self._from_template(context, brief, template), origin, template.name
        return tasks, f"Planned by the manager agent with {model}.", None

    # by template

    def _from_template(self, context: EffectContext, brief: Brief, template: PlanTemplate) -> tuple[TaskSpec, ...]:
        ids = dict(zip((step.key for step in template.steps), _in_order(context, len(template.steps)), strict=True))
        return tuple(self._spec(ids, step, brief) for step in template.steps)

    def _spec(self, ids: dict[str, str], step: PlannedStep, brief: Brief) -> TaskSpec:
        profile = self._staff.agent(step.agent)
        output = profile.output(step.makes)
        goal = brief.project.goal.strip()
        headings = step.headings or output.headings
        max_words = step.max_words or output.max_words
        text = step.brief.replace("{goal}", goal)
        if brief.hint:
            text += f"\n\nThe person who asked adds: {brief.hint}"
        spec = TaskSpec(
            id=ids[step.key],
            title=step.title,
            brief=text,
            assignee=Assignee(kind="core", id=profile.id),
            expected=(Expected(kind=output.kind, section=output.section),),
            criteria=criteria_for(
                output,
                headings,
                max_words,
                step.judged,
                cites=bool(brief.sources),
                sign_off_code=brief.project.sign_off_code,
            ),
            depends_on=tuple(ids[key] for key in step.depends_on),
            complexity=step.complexity,
        )
        return replace(spec, way=way_for(spec, self._workflows(), len(brief.sources)))

    # by the model

    async def _from_model(
        self, context: EffectContext, brief: Brief, example: PlanTemplate
    ) -> tuple[tuple[TaskSpec, ...], str]:
        offers = [(profile, output) for profile in self._staff.specialists for output in profile.outputs]
        request = self._request(brief, outline_task(brief, offers, example), outline_schema(offers))
        ids = dict(zip(map(_key, range(1, MAX_PLANNED + 1)), _in_order(context, MAX_PLANNED), strict=True))

        def build(value: Any) -> list[PlannedStep]:
            steps = _steps(value, offers)
            specs = [self._spec(ids, step, brief) for step in steps]
            check_tasks(specs)
            check_staff(specs, [profile.id for profile in self._staff.specialists])
            return steps

        agent = brief.project.manager_id
        steps, reply = await structured.ask(context.calls, request, build, agent=agent, purpose="plan: outline")
        detailed = [await self._detailed(context, brief, step, steps) for step in steps]
        sizes = [await sized(context, self._choosing, brief.project, step) for step in detailed]
        return tuple(self._spec(ids, step, brief) for step in sizes), reply.model

    async def _detailed(
        self, context: EffectContext, brief: Brief, step: PlannedStep, steps: Sequence[PlannedStep]
    ) -> PlannedStep:
        """Brief and criteria for one step; its outline as it stands where the model fails at it."""
        output = self._staff.agent(step.agent).output(step.makes)
        request = self._request(brief, detail_task(brief.project.goal, step.title, output, steps), DETAIL)

        def build(value: Any) -> PlannedStep:
            return step.model_copy(
                update={"brief": str(value["brief"]), "judged": tuple(str(c)[:300] for c in value["criteria"])}
            )

        try:
            detailed, _ = await structured.ask(
                context.calls, request, build, agent=brief.project.manager_id, purpose="plan: detail"
            )
        except structured.StructuredFailure:
            return step
        return detailed

    def _choice(self, project: Project, purpose: str) -> Choice:
        return self._choosing.choose(self._staff.manager, purpose, project.id, text=project.goal)

    def _request(self, brief: Brief, task: str, schema: dict[str, JsonValue], purpose: str = "plan") -> Request:
        choice = self._choice(brief.project, purpose)
        return Request(
            alias=choice.alias,
            reason=choice.reason,
            stronger=choice.stronger,
            system=self._staff.manager.prompt,
            task=task,
            idempotency_key="-",
            passages=brief.passages,
            schema=schema,
            max_output_tokens=PLAN_TOKENS,
            temperature=0.1,
        )

    # again

    async def replan(self, context: EffectContext) -> EffectResult:
        """The task in other words, mindful of what its review found. By rule where no model can."""
        task = await context.store.get(Task, context.run.workspace_id, context.text("inputs.task_id"))
        plan = await newest_plan(context.store, context.run.workspace_id, context.run.project_id)
        project = await context.store.get(Project, context.run.workspace_id, context.run.project_id)
        assert task is not None and plan is not None and project is not None
        findings = context.given("inputs.findings")
        told = "; ".join(str(item) for item in findings) if isinstance(findings, list) else ""
        spec = await self._reworded(context, project, task.spec, told)
        origin = f"The task “{task.spec.title}” was planned again after its review: {told or 'it failed'}"[:1000]
        revised = plan.revised(spec, made_by=project.manager_id, origin=origin, at=context.effect.at)
        return EffectResult(output={"number": revised.number}, changes=(AdoptPlan(plan=revised, only=(spec.id,)),))

    async def _reworded(self, context: EffectContext, project: Project, spec: TaskSpec, told: str) -> TaskSpec:
        by_rule = replace(spec, brief=f"{spec.brief}\n\nAn earlier attempt was refused. Mind: {told}"[:20_000])
        if context.calls.describe(self._choice(project, "replan").alias).rehearsal:
            return by_rule
        task = (
            f"The task “{spec.title}” was done twice and refused. Its brief: {spec.brief[:3_000]}\nThe review found: "
            f"{told}\n{project.instructed}\n"
            "Write a better, more exact `brief` for it, and in `criteria` what a reader can check on it."
        )
        request = self._request(Brief(project=project, sources=(), passages=()), task, DETAIL, "replan")

        def build(value: Any) -> TaskSpec:
            kept = tuple(criterion for criterion in spec.criteria if criterion.check is not None)
            judged = tuple(Criterion(text=str(text)[:300]) for text in value["criteria"])
            return replace(spec, brief=str(value["brief"]), criteria=kept + judged)

        try:
            reworded, _ = await structured.ask(
                context.calls, request, build, agent=project.manager_id, purpose="replan"
            )
        except structured.StructuredFailure:
            return by_rule
        return reworded


async def _begun(context: EffectContext) -> bool:
    """Whether the plan is at work already: then somebody agreed to it."""
    tasks = await context.store.find(Task, context.run.workspace_id, where={"project_id": context.run.project_id})
    return any(task.attempts for task in tasks)


async def _finished(context: EffectContext, plan: Plan | None) -> tuple[TaskSpec, ...]:
    """The tasks of `plan` that are done or were left out: a new plan keeps them."""
    where = {"project_id": context.run.project_id, "state": sorted(FINISHED)}
    finished = {task.id for task in await context.store.find(Task, context.run.workspace_id, where=where)}
    return tuple(spec for spec in plan.tasks if spec.id in finished) if plan is not None else ()


async def newest_plan(store: Store, workspace_id: str, project_id: str) -> Plan | None:
    plans = await store.find(Plan, workspace_id, where={"project_id": project_id}, limit=1, newest_first=True)
    return plans[0] if plans else None


def outline_schema(offers: Sequence[tuple[Profile, OutputType]]) -> dict[str, JsonValue]:
    """One flat list, one choice of who makes what, references by number: what a 3B model can manage."""
    makes: list[JsonValue] = [f"{profile.name}:{output.kind}" for profile, output in offers]
    number: dict[str, JsonValue] = {"type": "integer", "minimum": 1, "maximum": MAX_PLANNED}
    task: dict[str, JsonValue] = {
        "type": "object",
        "properties": {
            "title": {"type": "string", "minLength": 3, "maxLength": 100},
            "makes": {"type": "string", "enum": makes},
            "depends_on": {"type": "array", "items": number, "maxItems": 8},
        },
        "required": ["title", "makes", "depends_on"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"tasks": {"type": "array", "items": task, "minItems": 1, "maxItems": MAX_PLANNED}},
        "required": ["tasks"],
        "additionalProperties": False,
    }


DETAIL: dict[str, JsonValue] = {
    "type": "object",
    "properties": {
        "brief": {"type": "string", "minLength": 20, "maxLength": 1200},
        "criteria": {
            "type": "array",
            "items": {"type": "string", "minLength": 5, "maxLength": 200},
            "minItems": 1,
            "maxItems": 3,
        },
    },
    "required": ["brief", "criteria"],
    "additionalProperties": False,
}


def outline_task(brief: Brief, offers: Sequence[tuple[Profile, OutputType]], example: PlanTemplate) -> str:
    staff = "\n".join(f"- {profile.name}:{output.kind}: {output.label}. {output.shape}" for profile, output in offers)
    numbers = {step.key: number for number, step in enumerate(example.steps, 1)}
    usual = "\n".join(
        f"{numbers[step.key]}. {step.title} ({step.agent}:{step.makes}), after "
        f"{[numbers[key] for key in step.depends_on]}"
        for step in example.steps
    )
    parts = [
        f"Plan this project. The goal: {brief.project.goal}",
        f"Instructions: {brief.project.instructions[:3_000]}" if brief.project.instructions else "",
        f"The person who asked refused an earlier plan: {brief.hint}" if brief.hint else "",
        f"Who can make what:\n{staff}",
        f"A usual plan for something like it (“{example.title}”), for orientation:\n{usual}",
        f"Give 2 to 8 tasks, at most {MAX_PLANNED}. `depends_on` holds the numbers (from 1) of the tasks whose results "
        "a task needs; tasks that need nothing of each other run side by side. The last task delivers what the goal "
        "asks for.",
    ]
    return "\n\n".join(part for part in parts if part)


def detail_task(goal: str, title: str, output: OutputType, steps: Sequence[PlannedStep]) -> str:
    return (
        f"The goal: {goal}\nThe plan: {'; '.join(other.title for other in steps)}.\n"
        f"Now the task “{title}”, which makes a {output.label}. Say in `brief` in two or three sentences what "
        "to do, and in `criteria` one to three short statements that a reader can check on the result."
    )


def _steps(value: Any, offers: Sequence[tuple[Profile, OutputType]]) -> list[PlannedStep]:
    """Raises InvalidPlan with the exact fault."""
    by_name = {f"{profile.name}:{output.kind}": (profile, output) for profile, output in offers}
    items, steps = value["tasks"], []
    for number, item in enumerate(items, 1):
        profile, output = by_name[item["makes"]]
        for other in item["depends_on"]:
            if other == number or other > len(items):
                raise InvalidPlan(f"Task {number} depends on task {other}, which is itself or does not exist.")
        complexity: Complexity = "simple" if not item["depends_on"] else "medium"
        try:
            steps.append(
                PlannedStep(
                    key=_key(number),
                    title=str(item["title"]),
                    agent=profile.name,
                    makes=output.kind,
                    brief=f"{item['title']}. It serves the goal: {{goal}}",
                    depends_on=tuple(_key(other) for other in item["depends_on"]),
                    complexity=complexity,
                )
            )
        except ValidationError as error:
            raise InvalidPlan(f"Task {number}: {wording.told(error)[0][1]}.") from None
    return steps


def _in_order(context: EffectContext, count: int) -> list[str]:
    """Ids whose order is that of the plan, so that lists of tasks are, too."""
    return sorted(context.new_id("task") for _ in range(count))


def _key(number: int) -> str:
    return "task_" + chr(ord("a") + number - 1)


def _output(plan: Plan, *, ask: bool) -> dict[str, JsonValue]:
    numbers = {task.id: number for number, task in enumerate(plan.tasks, 1)}
    lines = [
        f"{numbers[task.id]}. {task.title} ({task.assignee.id})"
        + (f", after {', '.join(str(numbers[id]) for id in task.depends_on)}" if task.depends_on else "")
        for task in plan.tasks
    ]
    return {"number": plan.number, "tasks": len(plan.tasks), "summary": "\n".join(lines), "ask": ask}
