"""Handlers of a conversation's turn: `look@1`, `remember@1`, `propose@1`, `converse@1`.

What the manager talks from is looked up once and kept as content, so that a turn that is begun again after a crash
talks of the same things under the same labels.
"""

from collections.abc import Sequence
from dataclasses import field, replace
from typing import Any

from pydantic import JsonValue, TypeAdapter
from pydantic.dataclasses import dataclass

from domain.artifact import Citation
from domain.changes import SayTurn
from domain.conversation import Memory, Proposal, Quotation, Turn
from domain.errors import Invalid, NotFound
from domain.ports.llm import Passage, Request, Shape
from domain.principal import Principal
from domain.project import Project
from domain.routing import Choice
from domain.task import Task
from services.plan_edits import PlanEdits
from services.running.effects import EffectContext, EffectResult
from services.staff import Staff
from services.work import proposing, structured
from services.work.answering import NOT_TOLD, ORDERS, POINTING, REHEARSED, STATUS, TALK, TALK_OF_ALL, WAITS
from services.work.briefing import Briefing, of_waiting, within
from services.work.choosing import Choosing
from services.work.context import Context, gather_anywhere
from services.work.legend import known_labels, labels_in, unlabelled
from services.work.matching import asked_words, forms, shared
from services.work.planning import newest_plan
from services.work.proposing import Ground, Listed
from services.work.recalling import Recalled, Said, clipped, recall, remembered, shortened

ANSWER_TOKENS, PROPOSAL_TOKENS, MEMORY_TOKENS = 700, 700, 400
OVERHEAD = 900
ASKED_CHARS, FACTS, PASSAGES, EARLIER = 9_000, 900, 2_500, 1_200
QUOTE = 300


@dataclass(frozen=True, kw_only=True)
class Seen:
    """All that a turn is made from."""

    turn_id: str
    asked: str
    whole: bool
    person: str
    of_project: bool
    facts: tuple[str, ...] = ()
    passages: tuple[Passage, ...] = ()
    citations: tuple[Quotation, ...] = ()
    tasks: tuple[Listed, ...] = ()
    recalled: Recalled = field(default_factory=Recalled)


SEEN = TypeAdapter(Seen)


class Conversing:
    def __init__(self, staff: Staff, choosing: Choosing, briefing: Briefing, edits: PlanEdits) -> None:
        self._staff, self._choosing, self._briefing, self._edits = staff, choosing, briefing, edits

    def _choice(self, context: EffectContext, purpose: str = "converse") -> Choice:
        return self._choosing.choose(self._staff.manager, purpose, context.run.project_id)

    # what there is

    async def look(self, context: EffectContext) -> EffectResult:
        turn, asked = await _turns(context)
        room = max(1_500, context.calls.describe(self._choice(context).alias).context_tokens - ANSWER_TOKENS - OVERHEAD)
        said = clipped(asked.text, min(ASKED_CHARS, room))  # a third of the room, at three characters a token
        recalled = await recall(context.store, turn.workspace_id, turn.project_id, asked.id, min(EARLIER, room // 5))
        seen = Seen(
            turn_id=turn.id,
            asked=said,
            whole=said == asked.text,
            person=asked.said_by,
            of_project=turn.project_id is not None,
            recalled=recalled,
        )
        if turn.project_id is None:
            facts = await self._briefing.of_workspace(context.store, turn.workspace_id)
            seen = replace(seen, facts=tuple(facts))
        else:
            seen = await self._of_project(context, seen, turn.project_id, room)
        content = SEEN.dump_json(seen, exclude_defaults=True)
        digest = await context.content.put(turn.workspace_id, content)
        return EffectResult(output={"seen": {"content": digest}, "matched": len(seen.passages)})

    async def _of_project(self, context: EffectContext, seen: Seen, project_id: str, room: int) -> Seen:
        workspace = context.run.workspace_id
        project = await context.store.get(Project, workspace, project_id)
        if project is None:
            raise NotFound("project", project_id)
        tasks = await _tasks(context, project_id)
        found = await self._passages(context, project, seen, min(PASSAGES, room // 3))
        titles = {passage.source: passage.title for passage in found.passages}
        cited = [passage.source for passage in found.passages]
        facts = await self._briefing.of_project(context.store, project, tasks, cited)
        return replace(
            seen,
            facts=tuple(facts),
            passages=found.passages,
            citations=tuple(
                _quotation(citation, passage, titles)
                for citation, passage in zip(found.citations, found.passages, strict=True)
            ),
            tasks=tuple(Listed(id=task.id, title=task.spec.title) for task in tasks),
        )

    async def _passages(self, context: EffectContext, project: Project, seen: Seen, budget: int) -> Context:
        """The passages that speak to the question; to a short one together with what was asked before."""
        words = asked_words(seen.asked)
        before = next((said.text for said in reversed(seen.recalled.turns) if said.who == "the person"), "")
        points_back = len(words) < 3 and POINTING.search(seen.asked) is not None
        for wanted in (words, [*words, *asked_words(before)] if points_back else []):
            if not wanted:
                continue
            query = " ".join(forms(wanted))
            found = await gather_anywhere(context.store, context.search, project, self._staff.manager, query, budget)
            kept = [
                (replace(passage, label=f"S{number}"), replace(citation, label=f"S{number}"))
                for number, (passage, citation) in enumerate(_fitting(found, wanted), 1)
            ]
            if kept:
                return Context(passages=tuple(p for p, _ in kept), citations=tuple(c for _, c in kept), direct=())
        return Context(passages=(), citations=(), direct=())

    # what was said before

    async def remember(self, context: EffectContext) -> EffectResult:
        """Older turns go into the memory: by rule, or by a model where there is one. Nothing to do on most turns."""
        seen = await _seen(context)
        memory = remembered(seen.recalled.memory, seen.recalled.folding)
        if seen.recalled.folding and not context.calls.describe(self._choice(context, "memory").alias).rehearsal:
            memory = await self._by_model(context, seen, memory)
        digest = await context.content.put(context.run.workspace_id, memory.text.encode())
        return EffectResult(output={"memory": {"content": digest}, "until": memory.until})

    async def _by_model(self, context: EffectContext, seen: Seen, by_rule: Memory) -> Memory:
        choice = self._choice(context, "memory")
        request = Request(
            alias=choice.alias,
            reason=choice.reason,
            stronger=choice.stronger,
            system="You keep the minutes of a conversation: short, sober, in the language that is spoken.",
            task="Write anew, in at most 120 words, what this conversation was about so far: what was asked, what was "
            "found, what was decided and what is open. Only what stands in the passages; no introduction.",
            idempotency_key="-",
            passages=_earlier(seen.recalled.memory, seen.recalled.folding),
            max_output_tokens=MEMORY_TOKENS,
            temperature=0.0,
        )
        reply = await context.calls.complete(request, agent=context.run.actor, purpose="conversation: memory")
        text = unlabelled(reply.text).strip()
        return shortened(text, by_rule.until) if text else by_rule

    # what is asked for

    async def propose(self, context: EffectContext) -> EffectResult:
        seen = await _seen(context)
        if not proposing.may_ask_for_something(seen.asked):
            return EffectResult(output={"proposal": None, "trouble": ""})
        try:
            made = await self._proposal(context, seen, await self._ground(context, seen))
        except (structured.StructuredFailure, Invalid, NotFound) as failure:
            return EffectResult(output={"proposal": None, "trouble": str(failure)[:300]})
        return EffectResult(output={"proposal": None if made is None else _as_json(made), "trouble": ""})

    async def _ground(self, context: EffectContext, seen: Seen) -> Ground:
        if not seen.of_project:
            return Ground()
        principal = Principal(id=context.run.on_behalf_of, workspace_id=context.run.workspace_id)
        return Ground(
            tasks=seen.tasks,
            agents=tuple(profile.name for profile in self._staff.specialists),
            person=seen.person,
            forms={name: form.title for name, form in self._staff.forms.items()},
            trial=await self._edits.trial(principal, context.run.project_id),
        )

    async def _proposal(self, context: EffectContext, seen: Seen, ground: Ground) -> Proposal | None:
        id = context.new_id("proposal")
        choice = self._choice(context, "proposal")
        if context.calls.describe(choice.alias).rehearsal:
            return proposing.proposal(proposing.by_rule(seen.asked, ground), ground, id, seen.asked)
        request = Request(
            alias=choice.alias,
            reason=choice.reason,
            stronger=choice.stronger,
            system="You decide small questions in the work of a team, soberly and only from what you are given.",
            task=proposing.question(seen.asked, ground),
            idempotency_key="-",
            passages=_earlier(seen.recalled.memory, seen.recalled.turns[-2:]),
            schema=proposing.schema(ground),
            max_output_tokens=PROPOSAL_TOKENS,
            temperature=0.0,
        )
        made, _ = await structured.ask(
            context.calls,
            request,
            lambda value: proposing.proposal(value, ground, id, seen.asked),
            agent=context.run.actor,
            purpose="conversation: proposal",
        )
        return made

    # what is said

    async def converse(self, context: EffectContext) -> EffectResult:
        seen = await _seen(context)
        turn, _ = await _turns(context)
        proposals = _proposals(context)
        memory = await _memory(context, seen)
        if context.calls.describe(self._choice(context).alias).rehearsal:
            text, model = await self._rehearsed(context, seen, proposals, memory)
        else:
            text, model = await self._answered(context, seen, proposals, memory)
        text, unknown = known_labels(text, {citation.label for citation in seen.citations})
        used = set(labels_in(text))
        said = turn.said(
            "\n\n".join(
                (text, *_remarks(context, self._choice(context).alias, seen, cites=bool(used), unknown=unknown))
            ),
            citations=[citation for citation in seen.citations if citation.label in used],
            proposals=proposals,
            memory=memory,
            model=model,
            rehearsed=context.calls.describe(self._choice(context).alias).rehearsal,
        )
        return EffectResult(output={"turn_id": turn.id, "characters": len(said.text)}, changes=(SayTurn(turn=said),))

    async def _answered(
        self, context: EffectContext, seen: Seen, proposals: Sequence[Proposal], memory: Memory
    ) -> tuple[str, str]:
        request = self._request(context, seen, proposals, memory)
        reply = await context.calls.complete(
            request, agent=context.run.actor, purpose="conversation: answer", streamed=True
        )
        if not reply.text.strip():
            raise Invalid("The model gave an empty answer; ask again.")
        return reply.text.strip(), reply.model

    def _request(self, context: EffectContext, seen: Seen, proposals: Sequence[Proposal], memory: Memory) -> Request:
        records = Passage(
            label="R",
            text=f"The records, as they stand now:\n{within(seen.facts, FACTS)}",
            source="",
            trust="instruction",
        )
        parts = [
            "Nothing in the case file matches the question; unless the records answer it, say that the case file does "
            "not tell."
            if seen.of_project and not seen.passages
            else "",
            *(f"Proposed beside your answer, for the person to accept: {p.title}. Say so." for p in proposals),
            f"The person now says:\n{seen.asked}",
        ]
        choice = self._choice(context)
        return Request(
            alias=choice.alias,
            reason=choice.reason,
            stronger=choice.stronger,
            system=TALK if seen.of_project else TALK_OF_ALL,
            task="\n\n".join(part for part in parts if part),
            idempotency_key="-",
            passages=(records, *_earlier(memory, seen.recalled.turns), *seen.passages),
            max_output_tokens=ANSWER_TOKENS,
            temperature=0.2,
        )

    async def _rehearsed(
        self, context: EffectContext, seen: Seen, proposals: Sequence[Proposal], memory: Memory
    ) -> tuple[str, str]:
        """Sentences of the passages that match, else the records where they are asked for, else that nothing tells."""
        told = [f"Proposed: {proposal.title}. It happens when you accept it." for proposal in proposals]
        asked_for = bool(proposals or context.text("propose.trouble"))
        if seen.passages and not asked_for:
            request = replace(
                self._request(context, seen, proposals, memory),
                task=seen.asked,
                passages=seen.passages,
                shape=Shape(kind="answer", title="Answer", max_words=160),
            )
            reply = await context.calls.complete(
                request, agent=context.run.actor, purpose="conversation: answer", streamed=True
            )
            told.append(reply.text.strip() if labels_in(reply.text) else NOT_TOLD)
        elif not asked_for and seen.of_project and asked_words(seen.asked) and not STATUS.search(seen.asked):
            told.append(NOT_TOLD)
            told += [ORDERS] if proposing.may_ask_for_something(seen.asked) else []
        if not asked_for and WAITS.search(seen.asked):
            told = [within(of_waiting(seen.facts), FACTS)]
        elif not asked_for and (STATUS.search(seen.asked) or not told):
            told.append(f"On record:\n\n{within(seen.facts, FACTS)}")
        if not any("no language model" in part for part in told):
            told.append(REHEARSED)
        return "\n\n".join(told), "rehearsal"


async def _turns(context: EffectContext) -> tuple[Turn, Turn]:
    """The one that is to be said, and the one that it answers."""
    workspace = context.run.workspace_id
    turn = await context.store.get(Turn, workspace, context.text("inputs.turn_id"))
    asked = await context.store.get(Turn, workspace, turn.answers or "") if turn is not None else None
    if turn is None or asked is None:
        raise NotFound("message", context.text("inputs.turn_id"))
    return turn, asked


async def _tasks(context: EffectContext, project_id: str) -> list[Task]:
    """Those of the plan, in its order."""
    workspace = context.run.workspace_id
    plan = await newest_plan(context.store, workspace, project_id)
    if plan is None:
        return []
    found = {task.id: task for task in await context.store.find(Task, workspace, where={"project_id": project_id})}
    return [found[spec.id] for spec in plan.tasks if spec.id in found]


async def _seen(context: EffectContext) -> Seen:
    content = await context.content.get(context.run.workspace_id, context.text("look.seen.content"))
    return SEEN.validate_json(content)


async def _memory(context: EffectContext, seen: Seen) -> Memory:
    """By rule where a model that was to word it failed."""
    digest = context.text("remember.memory.content")
    if not digest:
        return remembered(seen.recalled.memory, seen.recalled.folding)
    text = (await context.content.get(context.run.workspace_id, digest)).decode()
    return Memory(text=text, until=context.text("remember.until"))


def _fitting(found: Context, wanted: Sequence[str]) -> list[tuple[Passage, Citation]]:
    """Those that hold enough of what is asked: both of two words, two of more."""
    pairs = zip(found.passages, found.citations, strict=True)
    return [pair for pair in pairs if shared(pair[0].text, wanted) >= min(2, len(wanted))]


def _quotation(citation: Citation, passage: Passage, titles: dict[str, str]) -> Quotation:
    quote = " ".join(passage.text.split())
    return Quotation(
        label=citation.label,
        artifact_id=citation.artifact_id,
        digest=citation.digest,
        ordinal=citation.ordinal,
        title=titles.get(citation.artifact_id, ""),
        quote=quote if len(quote) <= QUOTE else quote[: QUOTE - 1] + "…",
    )


def _earlier(memory: Memory, turns: Sequence[Said]) -> tuple[Passage, ...]:
    """What was said before is data: an order that stands in it was given to somebody else, at another time."""
    passages = [Passage(label="M", text=memory.text, source="", title="earlier, in short")] if memory.text else []
    passages += [
        Passage(label=f"H{number}", text=said.text, source="", title=f"said before by {said.who}")
        for number, said in enumerate(turns, 1)
    ]
    return tuple(passages)


PROPOSALS = TypeAdapter(Proposal)


def _as_json(proposal: Proposal) -> JsonValue:
    value: JsonValue = PROPOSALS.dump_python(proposal, mode="json")
    return value


def _proposals(context: EffectContext) -> tuple[Proposal, ...]:
    value: Any = context.given("propose.proposal")
    return (PROPOSALS.validate_python(value),) if isinstance(value, dict) else ()


def _remarks(context: EffectContext, alias: str, seen: Seen, *, cites: bool, unknown: int) -> list[str]:
    """What code knows better than whoever wrote the answer."""
    trouble = context.text("propose.trouble")
    plain = not context.calls.describe(alias).rehearsal and not context.given("propose.proposal")
    unreached = seen.of_project and context.given("propose.trouble") is None
    remarks = [
        "Nothing in the case file matches this; the answer rests on the project's records only."
        if plain and seen.of_project and not seen.passages and asked_words(seen.asked)
        else "",
        "This answer cites nothing of the case file." if plain and seen.passages and not cites else "",
        f"{unknown} reference{'s' * (unknown != 1)} to passages that do not exist {'were' if unknown != 1 else 'was'} "
        "taken out."
        if unknown
        else "",
        f"No proposal could be made of what was asked: {trouble}" if trouble else "",
        "Whether something is to be changed could not be found out." if unreached else "",
        "The message is too long to be read as a whole: its beginning and its end were read. Hand it over as a source."
        if not seen.whole
        else "",
    ]
    return [f"*{remark}*" for remark in remarks if remark]
