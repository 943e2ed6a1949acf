"""Handlers `draft@1` (an agent writes), `craft@1` (a way of working wrote) and `take_in@1` (a person handed something
in)."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from domain.agent import OutputType, Profile
from domain.artifact import Artifact, Citation, Version, VersionRef
from domain.changes import Change, MoveTask, StageVersion
from domain.errors import Invalid
from domain.plan import Plan
from domain.ports.llm import Reply, Request, Shape
from domain.project import Project
from domain.routing import Choice
from domain.task import Expected, Task, TaskSpec
from services.filing import goal_of
from services.running.effects import EffectContext, EffectResult
from services.staff import Staff
from services.work.choosing import Choosing
from services.work.context import Context, gather
from services.work.hearing import broadcasts, tokens_of
from services.work.legend import labels_in, with_legend, without_legend
from services.work.moving import drafted_before
from services.work.planning import newest_plan
from services.work.remembering import remembered
from services.work.telling import CITATIONS, is_content

OVERHEAD = 1_000  # tokens kept free for system prompt, brief, criteria
PREVIOUS = 6_000  # characters of a refused draft shown again


@dataclass(frozen=True, kw_only=True)
class _Made:
    """A draft before it is filed."""

    text: str
    citations: tuple[Citation, ...]
    titles: Mapping[str, str]
    model: str | None
    rehearsed: bool
    direct: tuple[Artifact, ...] = ()


class Drafter:
    def __init__(self, staff: Staff, choosing: Choosing) -> None:
        self._staff, self._choosing = staff, choosing

    async def draft(self, context: EffectContext) -> EffectResult:
        """One version, staged. A revision sees the earlier draft and the findings on it."""
        project, plan, task = await loaded(context)
        profile = self._staff.agent(task.spec.assignee.id)
        expected = task.spec.expected[0]
        output = profile.output(expected.kind)
        profile.check_write(expected.section)
        shape = shape_of(task.spec, output)
        heard = (*await remembered(context, profile), *await broadcasts(context))
        room = reply_tokens(shape.max_words) + tokens_of(heard) + OVERHEAD
        purpose = "draft" if "draft" not in context.state.outputs else "revise"
        choice = self._choosing.choose(
            profile, purpose, project.id, task=task, failed=int(purpose == "revise"), text=task.spec.brief
        )
        gathered = await self._context(context, project, plan, task, profile, choice, room)
        request = await self._request(context, project, task, profile, choice, shape, gathered)
        request = replace(request, passages=(*request.passages, *heard))
        reply = await _whole(context, request, profile.id, purpose)
        made = _Made(
            text=reply.text,
            citations=gathered.citations,
            titles={passage.source: passage.title for passage in gathered.passages},
            model=reply.model,
            rehearsed=reply.rehearsal,
            direct=gathered.direct,
        )
        return await self._staged(context, project, task, expected, made, profile.id)

    async def craft(self, context: EffectContext) -> EffectResult:
        """What a way of working made, staged as it came; when that was refused, a revision of it."""
        if "draft" in context.state.outputs:
            return await self.draft(context)
        project, _, task = await loaded(context)
        profile = self._staff.agent(task.spec.assignee.id)
        expected = task.spec.expected[0]
        profile.output(expected.kind)
        profile.check_write(expected.section)
        given = context.given("way.text")
        if not is_content(given):
            raise Invalid(f"The workflow {context.text('inputs.way')} gave no text; its exit must output `text`.")
        assert isinstance(given, dict)
        text = (await context.content.get(project.workspace_id, str(given["content"]))).decode()
        citations = CITATIONS.validate_python(context.given("way.citations") or [])
        cited = sorted({citation.artifact_id for citation in citations})
        known = await context.store.find(Artifact, project.workspace_id, where={"project_id": project.id, "id": cited})
        made = _Made(
            text=text,
            citations=citations,
            titles={artifact.id: artifact.title for artifact in known},
            model=context.text("way.model") or None,
            rehearsed=bool(context.given("way.rehearsed")),
        )
        return await self._staged(context, project, task, expected, made, profile.id)

    async def _context(
        self,
        context: EffectContext,
        project: Project,
        plan: Plan,
        task: Task,
        profile: Profile,
        choice: Choice,
        taken: int,
    ) -> Context:
        info = context.calls.describe(choice.alias)
        words = f"{task.spec.title} {task.spec.brief} {project.goal}"
        budget = max(300, min(profile.context_tokens, info.context_tokens - taken))
        return await gather(context.store, context.search, task, plan, profile, words, budget)

    async def _request(
        self,
        context: EffectContext,
        project: Project,
        task: Task,
        profile: Profile,
        choice: Choice,
        shape: Shape,
        gathered: Context,
    ) -> Request:
        output = profile.output(task.spec.expected[0].kind)
        return Request(
            alias=choice.alias,
            reason=choice.reason,
            system=profile.prompt,
            task=asked_of(project, task.spec, output, task.hint, await self._earlier(context)),
            idempotency_key="-",
            passages=gathered.passages,
            shape=shape,
            max_output_tokens=reply_tokens(shape.max_words),
            temperature=profile.temperature,
        )

    async def _earlier(self, context: EffectContext) -> str:
        digest = context.text("draft.digest")
        findings = context.given("qa.findings")
        if not digest or not isinstance(findings, list):
            return ""
        text = (await context.content.get(context.run.workspace_id, digest)).decode()
        told = "\n".join(f"- {finding}" for finding in findings)
        return f"Your earlier draft:\n{without_legend(text)[:PREVIOUS]}\n\nIt was refused. Mend exactly this:\n{told}"

    async def _staged(
        self,
        context: EffectContext,
        project: Project,
        task: Task,
        expected: Expected,
        made: "_Made",
        author: str,
    ) -> EffectResult:
        text = with_legend(_unfenced(made.text), made.citations, made.titles)
        content, workspace = text.encode(), project.workspace_id
        digest = await context.content.put(workspace, content)
        passages = json.dumps(sections_of(without_legend(text)), ensure_ascii=False).encode()
        artifact_id = await artifact_for(context, task)
        version = Version(
            artifact_id=artifact_id,
            workspace_id=workspace,
            project_id=project.id,
            kind=expected.kind,
            digest=digest,
            text_digest=await context.content.put(workspace, passages),
            media_type="text/markdown",
            size=len(content),
            made_by=author,
            created_at=context.effect.at,
            derived_from=await self._sources(context, text, made),
            citations=made.citations,
            task_id=task.id,
            run_id=context.run.id,
            model=made.model,
            rehearsed=made.rehearsed,
        )
        title = f"{task.spec.title}"
        staging = StageVersion(version=version, section=expected.section, title=title, owner_id=project.owner_id)
        still = await drafted_before(context, artifact_id, text, task.spec)
        output: dict[str, JsonValue] = {**_output(version), "stuck": still.reason if still is not None else ""}
        return EffectResult(output=output, changes=(staging, *_to_review(task)))

    async def _sources(self, context: EffectContext, text: str, made: "_Made") -> tuple[VersionRef, ...]:
        """What it cites; failing that what it was given directly; failing that the goal."""
        used = set(labels_in(text))
        refs = [_ref(citation) for citation in made.citations if citation.label in used]
        refs = refs or [_head(artifact) for artifact in made.direct]
        return tuple(dict.fromkeys(refs)) or (await goal_ref(context),)


def asked_of(project: Project, spec: TaskSpec, output: OutputType, hint: str = "", earlier: str = "") -> str:
    """What an agent is told of its task."""
    judged = [criterion.text for criterion in spec.criteria]
    parts = [
        f"The project's goal: {project.goal}",
        f"Your task: {spec.title}\n{spec.brief}",
        project.instructed,
        f"What a good one looks like: {output.shape}",
        "It will be checked against: " + "; ".join(judged) + ".",
        f"A person adds: {hint}" if hint else "",
        earlier,
    ]
    return "\n\n".join(part for part in parts if part)


async def _whole(context: EffectContext, request: Request, agent: str, purpose: str) -> Reply:
    """What is cut off is asked for once more with twice the room. Raises Invalid: half a text is no draft."""
    for room in (request.max_output_tokens, 2 * request.max_output_tokens):
        asked = replace(request, max_output_tokens=room)
        reply = await context.calls.complete(asked, agent=agent, purpose=purpose, streamed=True)
        if reply.finish != "length":
            return reply
    raise Invalid(f"The text was cut off after {reply.output_tokens} tokens, twice; ask for less or use another model.")


class Taker:
    """Takes in what a person handed in for a task."""

    async def take_in(self, context: EffectContext) -> EffectResult:
        project, _, task = await loaded(context)
        answer = context.given("hand_in")
        if not isinstance(answer, dict) or not isinstance(answer.get("digest"), str):
            raise Invalid("Nothing was handed in.")
        given = {"project_id": project.id, "visible": "1"}
        from_tasks = given | {"task_id": task.spec.depends_on} if task.spec.depends_on else None
        from_form = given | {"id": task.spec.form} if task.spec.form else None
        direct = [
            artifact
            for where in (from_form, from_tasks)
            if where is not None
            for artifact in await context.store.find(Artifact, project.workspace_id, where=where)
        ]
        expected = task.spec.expected[0]
        version = Version(
            artifact_id=await artifact_for(context, task),
            workspace_id=project.workspace_id,
            project_id=project.id,
            kind=expected.kind,
            digest=str(answer["digest"]),
            text_digest=str(answer["text_digest"]),
            media_type=str(answer["media_type"]),
            size=_int(answer["size"]),
            made_by=task.spec.assignee.id,
            created_at=context.effect.at,
            derived_from=tuple(_head(artifact) for artifact in direct) or (await goal_ref(context),),
            task_id=task.id,
            run_id=context.run.id,
        )
        title = str(answer.get("title") or task.spec.title)
        staging = StageVersion(version=version, section=expected.section, title=title, owner_id=project.owner_id)
        return EffectResult(output=_output(version), changes=(staging, *_to_review(task)))


async def loaded(context: EffectContext, task_id: str = "") -> tuple[Project, Plan, Task]:
    workspace = context.run.workspace_id
    project = await context.store.get(Project, workspace, context.run.project_id)
    task = await context.store.get(Task, workspace, task_id or context.text("inputs.task_id"))
    plan = await newest_plan(context.store, workspace, context.run.project_id)
    assert project is not None and task is not None and plan is not None
    return project, plan, task


async def artifact_for(context: EffectContext, task: Task) -> str:
    """The task's artifact: every attempt makes versions of the same one."""
    known = await context.store.find(Artifact, task.workspace_id, where={"task_id": task.id})
    return known[0].id if known else context.new_id("artifact")


async def goal_ref(context: EffectContext) -> VersionRef:
    return await goal_of(context.store, context.run.workspace_id, context.run.project_id)


def sections_of(text: str) -> list[str]:
    """A draft's passages: what stands under each heading of the second rank, the title with the first."""
    parts = [part.strip() for part in re.split(r"\n(?=## )", text)]
    return [part for part in parts if part]


def shape_of(spec: TaskSpec, output: OutputType) -> Shape:
    """From the criteria that code checks, so that what is asked and what is checked agree."""
    params = {c.check.rule: c.check.params for c in spec.criteria if c.check is not None}
    headings = params.get("sections@1", {}).get("headings", list(output.headings))
    limit = params.get("length@1", {}).get("max_words", output.max_words)
    return Shape(
        kind=output.kind,
        title=spec.title,
        headings=tuple(str(h) for h in headings) if isinstance(headings, list) else (),
        max_words=_int(limit),
        cite="citations@1" in params,
    )


def _to_review(task: Task) -> Sequence[Change]:
    return [MoveTask(task_id=task.id, to="in_review")] if task.state == "running" else []


def _output(version: Version) -> dict[str, JsonValue]:
    return {"version_id": version.id, "artifact_id": version.artifact_id, "digest": version.digest}


def _head(artifact: Artifact) -> VersionRef:
    assert artifact.digest is not None
    return VersionRef(artifact_id=artifact.id, digest=artifact.digest)


def _ref(citation: Citation) -> VersionRef:
    return VersionRef(artifact_id=citation.artifact_id, digest=citation.digest)


def reply_tokens(words: int) -> int:
    return 200 + 2 * words


def _unfenced(text: str) -> str:
    """Models like to wrap a whole Markdown reply into a code fence."""
    stripped = text.strip()
    if stripped.startswith(("```markdown", "```md")) and stripped.endswith("```"):
        return stripped.split("\n", 1)[-1].rsplit("```", 1)[0].strip()
    return stripped


def _int(value: JsonValue) -> int:
    return int(value) if isinstance(value, int | float | str) else 0
