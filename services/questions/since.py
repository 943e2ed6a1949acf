"""Since: what changed since a time, an event's number or a run."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from pydantic import JsonValue

from domain.errors import Invalid
from domain.events import Event
from domain.ids import kind_of
from domain.run import Run
from services import filing
from services.ports.views import Streams
from services.questions.answer import Answer, Item, counted, listed
from services.questions.scope import Scope
from services.work.briefing import quoted

MOST = 2000
"""How many of the newest events are looked at."""
SLACK = 100  # events that may stand before one that is older than they
NUMBER = re.compile(r"[0-9]{1,15}")
WHO = ("made_by", "checked_by", "agent", "sender", "recipient", "by")
ACTS = {
    "artifact.judged": "judgement", "artifact.tagged": "tagged artifact", "artifact.shared": "shared artifact",
    "edge.added": "added edge", "inbox.opened": "question for a person", "inbox.answered": "answer of a person",
    "turn.said": "turn of conversation", "message.sent": "message between agents",
    "workflow.created": "new workflow", "workflow.changed": "changed workflow", "workflow.removed": "removed workflow",
    "agent.created": "new agent", "agent.changed": "changed agent", "agent.removed": "removed agent",
    "budget.changed": "changed budget",
}  # fmt: skip
PEOPLE = {"member.added": "joined", "member.changed": "has another part", "member.removed": "left"}


async def since(scope: Scope, streams: Streams, when: str, limit: int) -> Answer:
    """Events are numbered in a project by its own stream, elsewhere by the workspace's."""
    stream = scope.project_id
    number, at, moment = await _start(scope, streams, when)
    last = await streams.latest(scope.workspace_id, stream)
    begin = max(number, last - MOST)
    read = await streams.since(scope.workspace_id, stream, begin, MOST)
    events = [item.event for item in read if at is None or item.event.at >= at]
    events = [event for event in events if scope.agent is None or _touches(event, scope.agent)]
    cut = begin > number
    items = list(_newest(events))
    said = [_opening(moment, len(events), begin if cut else None), *_sentences(events, items)]
    return Answer(
        question=f"What changed since {moment}?",
        answer=tuple(said),
        items=tuple(items[:limit]),
        truncated=cut or len(items) > limit,
    )


async def _start(scope: Scope, streams: Streams, when: str) -> tuple[int, datetime | None, str]:
    """The number of the last event before, the time if one was meant, and how to say it."""
    if NUMBER.fullmatch(when):
        return int(when), None, f"event {int(when)}"
    if kind_of(when) == "run":
        run = await scope.entity(when)
        assert isinstance(run, Run)
        at, moment = run.created_at, f"the run {run.id} began"
    else:
        at = _time(when)
        moment = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    number = await streams.before(scope.workspace_id, scope.project_id, at)
    return max(0, number - SLACK), at, moment


def _time(said: str) -> datetime:
    try:
        found = datetime.fromisoformat(said)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(
            f"{said[:80]!r} is no time such as 2026-11-21T09:00:00Z, no number of an event and no run.",
            [("/query/when", "is not a time, a number or a run")],
        ) from None


def _touches(event: Event, agent: str) -> bool:
    names = {agent, agent.removeprefix("agt_")}
    return event.actor in names or any(event.data.get(key) in names for key in WHO)


def _newest(events: Sequence[Event]) -> Iterator[Item]:
    """For each thing that changed how it stands now, the last change first."""
    told: set[str] = set()
    for event in reversed(events):
        item = _item(event)
        if item is not None and item.id not in told:
            told.add(item.id)
            yield item


def _item(event: Event) -> Item | None:
    data = event.data
    match event.type:
        case "artifact.published":
            new = "is new" if data.get("number") == 1 else f"has a new version, {data.get('number')}"
            return Item(id=event.subject, kind=_text(data, "kind"), label=_text(data, "title"), detail=new)
        case "task.moved":
            state = f"is {_text(data, 'state').replace('_', ' ')}{', out of date' if data.get('stale') else ''}"
            return Item(id=event.subject, kind="task", label=_text(data, "title"), detail=state)
        case "plan.adopted":
            return Item(id=event.subject, kind="plan", label=f"Plan {data.get('number')}", detail=_text(data, "origin"))
        case "project.created" | "project.changed" | "project.archived":
            label = _text(data, "name") or event.subject
            return Item(id=event.subject, kind="project", label=label, detail=f"was {event.type.partition('.')[2]}")
        case "member.added" | "member.changed" | "member.removed":
            label = _text(data, "name") or event.subject
            return Item(id=event.subject, kind="member", label=label, detail=PEOPLE[event.type])
        case "run.ended" if _text(data, "graph") == filing.PROJECT_RUN:
            return Item(id=event.subject, kind="run", label="The work", detail=f"ended: {_text(data, 'result')}")
        case _:
            return None


def _opening(moment: str, events: int, cut: int | None) -> str:
    if not events:
        return f"Nothing changed here since {moment}."
    seen = f"; only those after event {cut} were looked at" if cut is not None else ""
    return f"Since {moment} {counted(events, 'thing')} happened{seen}."


def _sentences(events: Sequence[Event], items: Sequence[Item]) -> Iterator[str]:
    parts = ("is new", "has a new version")
    for beginning, words in zip(parts, ("New", "In new versions"), strict=True):
        if labels := [item.label for item in items if item.kind != "task" and item.detail.startswith(beginning)]:
            yield f"{words}: {listed(labels)}."
    states: dict[str, list[str]] = {}
    for item in items:
        if item.kind == "task":
            states.setdefault(item.detail.removeprefix("is "), []).append(item.label)
    for state, labels in states.items():
        yield f"{counted(len(labels), 'task').capitalize()} now {state}: {listed(labels)}."
    for item in items:
        if item.kind in ("plan", "project", "member", "run"):
            detail = f"was adopted: {quoted(item.detail.rstrip('.'), 200)}" if item.kind == "plan" else item.detail
            yield f"{item.label if item.kind in ('plan', 'run') else quoted(item.label)} {detail}."
    acts = [counted(count, words) for type, words in ACTS.items() if (count := sum(e.type == type for e in events))]
    if acts:
        yield f"Besides: {', '.join(acts)}."


def _text(data: dict[str, JsonValue], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""
