"""Handlers of workflow nodes: `agent@1`, `model@1`, `gate@1`, `route@1`, `transform@1`, `tool@1`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import JsonValue

from domain.agent import OutputType, Profile
from domain.agent_graph import AgentNode, GateNode, Given, ModelNode, RouterNode, ToolNode, TransformNode, resolved
from domain.agent_graph.nodes import Asking
from domain.errors import Invalid
from domain.ports.llm import Reply, Request, Shape
from domain.project import Project
from domain.routing import Choice
from services.running.effects import EffectContext, EffectResult
from services.staff import Staff
from services.work import structured
from services.work.choosing import Choosing
from services.work.context import Context, gather, gather_anywhere, gather_one
from services.work.drafting import loaded, reply_tokens, shape_of
from services.work.filling import fill_form
from services.work.hearing import broadcasts, tokens_of
from services.work.remembering import remembered
from services.work.telling import Teller, cited
from services.work.tools import Tools
from services.work.transforms import FILL_FORM, transformed

EXPECTED = "expected"
OVERHEAD = 1_000
MODEL_REPLY, DECIDED = 1_500, 400  # tokens of a reply: of a model node, of a small decision
ASKED = 2_000  # characters of what is asked that the case file is searched by


class Steps:
    def __init__(self, staff: Staff, choosing: Choosing, tools: Tools) -> None:
        self._staff, self._choosing, self._tools = staff, choosing, tools

    async def agent(self, context: EffectContext) -> EffectResult:
        """An agent answers: a text with its citations, or the fields that the node wants."""
        node = context.node
        assert isinstance(node, AgentNode)
        teller = Teller(context=context)
        name = (await teller.told(node.agent)) or context.run.actor
        profile = self._staff.agent(name)
        project = await context.store.get(Project, context.run.workspace_id, context.run.project_id)
        assert project is not None
        shape = await self._shape(context, node, profile)
        heard = (*await remembered(context, profile), *await broadcasts(context))
        room = reply_tokens(shape.max_words if shape else 400) + tokens_of(heard) + OVERHEAD
        asked = await teller.told(node.task)
        choice = self._choosing.choose(profile, "draft" if shape else "answer", project.id, text=asked)
        gathered = await self._gathered(context, project, profile, choice, node, room)
        teller.citations += gathered.citations
        request = Request(
            alias=choice.alias,
            reason=choice.reason,
            stronger=choice.stronger,
            system=profile.prompt,
            task="\n\n".join(filter(None, (f"The project's goal: {project.goal[:4_000]}", project.instructed, asked))),
            idempotency_key="-",
            passages=(*gathered.passages, *teller.passages, *heard),
            shape=shape,
            max_output_tokens=reply_tokens(shape.max_words if shape else 400),
            temperature=profile.temperature,
        )
        return await self._answered(context, node, request, profile.id, teller)

    async def model(self, context: EffectContext) -> EffectResult:
        node = context.node
        assert isinstance(node, ModelNode)
        teller = Teller(context=context)
        choice = self._choosing.plain("model", context.run.project_id)
        request = Request(
            alias=choice.alias,
            reason=choice.reason,
            stronger=choice.stronger,
            system=await teller.told(node.system),
            task=await teller.told(node.prompt),
            idempotency_key="-",
            passages=(),
            max_output_tokens=MODEL_REPLY,
        )
        return await self._answered(context, node, request, context.run.actor, teller)

    async def gate(self, context: EffectContext) -> EffectResult:
        """Whether a statement holds, in a model's judgement; without one it is not said to hold."""
        node = context.node
        assert isinstance(node, GateNode)
        if context.calls.describe(self._choosing.plain("gate", context.run.project_id).alias).rehearsal:
            return EffectResult(output={"passed": False, "reason": "no language model judged this (rehearsal)"})
        statement = await Teller(context=context).told(node.judge)
        fields = {"reason": Given(), "passed": Given(type="boolean", about="whether the statement holds")}
        task = f"Judge this. Does it hold?\n\n{statement}\n\nSay why in one sentence, then decide."
        value, _ = await self._fields(context, task, fields, purpose="gate")
        return EffectResult(output=value)

    async def route(self, context: EffectContext) -> EffectResult:
        node = context.node
        assert isinstance(node, RouterNode)
        question = await Teller(context=context).told(node.ask)
        how = "one or more of these labels" if node.many else "exactly one of these labels"
        task = f"{question}\n\nAnswer with {how}: {', '.join(node.labels)}."
        labels: dict[str, JsonValue] = {
            "type": "array",
            "items": {"type": "string", "enum": list(node.labels)},
            "minItems": 1,
            "maxItems": len(node.labels) if node.many else 1,
        }
        value, _ = await self._structured(context, task, {"labels": labels}, purpose="route")
        return EffectResult(output=value)

    async def transform(self, context: EffectContext) -> EffectResult:
        node = context.node
        assert isinstance(node, TransformNode)
        values = resolved(dict(node.arguments), context.look_up)
        assert isinstance(values, dict)
        if node.function == FILL_FORM:
            return await fill_form(context, self._staff, values)
        return EffectResult(output={"value": await transformed(context, node.function, values)})

    async def tool(self, context: EffectContext) -> EffectResult:
        node = context.node
        assert isinstance(node, ToolNode)
        values = resolved(dict(node.arguments), context.look_up)
        assert isinstance(values, dict)
        return EffectResult(output={"result": await self._tools.call(context, node.tool, values)})

    async def _shape(self, context: EffectContext, node: AgentNode, profile: Profile) -> Shape | None:
        if node.gives or not node.makes:
            return None
        if node.makes == EXPECTED:
            if context.run.task_id is None:
                return None
            _, _, task = await loaded(context, context.run.task_id)
            return shape_of(task.spec, profile.output(task.spec.expected[0].kind))
        return usual_shape(profile.output(node.makes))

    async def _gathered(
        self, context: EffectContext, project: Project, profile: Profile, choice: Choice, node: AgentNode, taken: int
    ) -> Context:
        info = context.calls.describe(choice.alias)
        budget = max(300, min(profile.context_tokens, info.context_tokens - taken))
        if node.reads_only:
            one = await Teller(context=context).told(node.reads_only)
            return await gather_one(context.store, context.search, project, profile, one, node.task, budget)
        if context.run.task_id is None:
            asked = await Teller(context=context).told(node.task)
            said = f"{asked[:ASKED]} {project.goal}"
            return await gather_anywhere(context.store, context.search, project, profile, said, budget)
        project, plan, task = await loaded(context, context.run.task_id)
        said = f"{task.spec.title} {task.spec.brief} {project.goal}"
        return await gather(context.store, context.search, task, plan, profile, said, budget)

    async def _answered(
        self, context: EffectContext, node: Asking, request: Request, agent: str, teller: Teller
    ) -> EffectResult:
        purpose = f"{context.graph.name}: {context.effect.node}"
        if node.gives:
            schema = _schema({name: _field(given) for name, given in node.gives.items()})
            wanted = replace(request, schema=schema, shape=None)
            value, reply = await structured.ask(context.calls, wanted, _object, agent=agent, purpose=purpose)
            return EffectResult(output={**value, **_by(reply)})
        reply = await context.calls.complete(request, agent=agent, purpose=purpose, streamed=True)
        digest = await context.content.put(context.run.workspace_id, reply.text.encode())
        text: JsonValue = {"content": digest}
        return EffectResult(
            output={"text": text, "citations": cited(teller.citations), "words": len(reply.text.split()), **_by(reply)}
        )

    async def _fields(
        self, context: EffectContext, task: str, fields: Mapping[str, Given], purpose: str
    ) -> tuple[dict[str, JsonValue], Reply]:
        return await self._structured(context, task, {n: _field(g) for n, g in fields.items()}, purpose)

    async def _structured(
        self, context: EffectContext, task: str, properties: dict[str, JsonValue], purpose: str
    ) -> tuple[dict[str, JsonValue], Reply]:
        choice = self._choosing.plain(purpose, context.run.project_id)
        request = Request(
            alias=choice.alias,
            reason=choice.reason,
            stronger=choice.stronger,
            system="You decide small questions in the work of a team, soberly and only from what you are given.",
            task=task,
            idempotency_key="-",
            schema=_schema(properties),
            max_output_tokens=DECIDED,
            temperature=0.0,
        )
        return await structured.ask(context.calls, request, _object, agent=context.run.actor, purpose=purpose)


def usual_shape(output: OutputType) -> Shape:
    return Shape(kind=output.kind, title=output.label, headings=output.headings, max_words=output.max_words, cite=True)


def _object(value: Any) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise Invalid("That is no object.")
    return value


def _schema(properties: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _field(given: Given) -> JsonValue:
    about: dict[str, JsonValue] = {"description": given.about} if given.about else {}
    if given.type == "list":
        items: dict[str, JsonValue] = {"type": "string", "maxLength": 400}
        if given.choices:
            items["enum"] = list(given.choices)
        return {"type": "array", "items": items, "maxItems": 20, **about}
    if given.choices:
        return {"type": "string", "enum": list(given.choices), **about}
    return {"type": {"text": "string"}.get(given.type, given.type), **about}


def _by(reply: Reply) -> dict[str, JsonValue]:
    return {"model": reply.model, "rehearsed": reply.rehearsal}
