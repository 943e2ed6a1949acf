"""What a person's message asks to have done, as a proposal: one flat choice and a few fields, checked by the rules
that a person's own edit of the plan is checked by. A proposal is data; only a person's acceptance does anything."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from domain.conversation import Proposal, ProposalKind
from domain.errors import Invalid
from domain.project import MAX_GOAL
from domain.task import Assignee
from services.plan_edits import TaskDraft, Trial
from services.work.briefing import quoted
from services.work.matching import asked_words, shared

MOST_TITLE, MOST_TEXT = 180, 2_000
NOTHING = "nothing"
ME = "me"
KINDS = {
    NOTHING: "it asks a question, or says something, and nothing is to be changed",
    "add_task": "a new task for the plan: `title`, what is to be done in `text`, perhaps `who`",
    "change_task": "the task number `task` gets another `title` or another brief (`text`)",
    "remove_task": "the task number `task` is taken out of the plan",
    "assign_task": "the task number `task` is given to `who`",
    "change_goal": "the project's goal becomes `text`",
    "write_note": "`text` is filed as a note called `title`",
    "make_form": "a thinking tool is made for people to fill in: which one in `form`, what it is about in `title`",
    "start_project": "a new project is started, with the goal `text`",
}
FIELDS = ("title", "text", "who", "form")
OF_WORKSPACE = (NOTHING, "start_project")
QUESTION = re.compile(
    r"^(and |but |so )?(what|who|whom|whose|when|where|why|how|which|is|are|am|was|were|do|does|did|has|have|had)\b",
    re.I,
)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A task as it is numbered in the prompt."""

    id: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a proposal can be about; `forms` are titles by name. Without a `trial` it is about the workspace only."""

    tasks: Sequence[Listed] = ()
    agents: Sequence[str] = ()
    person: str = ""
    forms: Mapping[str, str] = field(default_factory=dict)
    trial: Trial | None = None


def may_ask_for_something(text: str) -> bool:
    """False where every sentence is a plain question: no model is asked what nobody asked for."""
    sentences = [part.strip() for part in re.split(r"(?<=[.!?])\s+|\n+", text) if part.strip()]
    return not all(part.endswith("?") and QUESTION.match(part) for part in sentences)


def schema(ground: Ground) -> dict[str, JsonValue]:
    kinds: list[JsonValue] = [*(KINDS if ground.trial is not None else OF_WORKSPACE)]
    fields: dict[str, JsonValue] = {
        "kind": {"type": "string", "enum": kinds},
        "title": {"type": "string", "maxLength": MOST_TITLE},
        "text": {"type": "string", "maxLength": MOST_TEXT},
    }
    if ground.trial is not None:
        who: list[JsonValue] = ["", ME, *ground.agents]
        fields["task"] = {"type": "integer", "minimum": 0, "maximum": len(ground.tasks)}
        fields["who"] = {"type": "string", "enum": who}
        forms: list[JsonValue] = ["", *ground.forms]
        fields["form"] = {"type": "string", "enum": forms}
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def question(asked: str, ground: Ground) -> str:
    kinds = KINDS if ground.trial is not None else {kind: KINDS[kind] for kind in OF_WORKSPACE}
    tasks = "\n".join(f"{number}. {quoted(task.title)}" for number, task in enumerate(ground.tasks, 1))
    fence = asked.replace("</message", "< /message")
    return "\n\n".join(
        part
        for part in (
            "Does this message of the person ask to have something changed?",
            f"<message>\n{fence}\n</message>",
            "Choose one `kind`:\n" + "\n".join(f"- {kind}: {about}" for kind, about in kinds.items()),
            f"The tasks:\n{tasks}" if tasks else "",
            f"A `form` is one of: {', '.join(ground.forms)}." if ground.forms else "",
            "Fields that the kind does not need stay empty (`task`: 0). When in doubt choose `nothing`.",
        )
        if part
    )


def proposal(value: Any, ground: Ground, id: str, asked: str) -> Proposal | None:
    """What `value` proposes; None for nothing. Raises Invalid with a fault worth telling, as an edit would be."""
    kind, fields = str(value["kind"]), {name: str(value.get(name, "")).strip() for name in FIELDS}
    if kind == NOTHING:
        return None
    made = _MAKERS[kind](fields, _task(value, ground) if kind in _ON_TASKS else None, ground)
    reason = f"You said: {quoted(asked, 200)}"
    return Proposal(id=id, kind=made.kind, title=made.title[:300], reason=reason, data=made.data)


@dataclass(frozen=True, kw_only=True)
class _Made:
    kind: ProposalKind
    title: str
    data: dict[str, JsonValue]


def _add(fields: Mapping[str, str], _: Listed | None, ground: Ground) -> _Made:
    title = _needed(fields, "title", "add_task")
    assignee = _assignee(fields["who"], ground)
    draft = TaskDraft(key="added", title=title, brief=fields["text"], assignee=assignee)
    _trial(ground).add(draft)
    data: dict[str, JsonValue] = {"title": title, "brief": fields["text"]}
    to = ""
    if assignee is not None:
        data["assignee"] = {"kind": assignee.kind, "id": assignee.id}
        to = f" for {fields['who']}"
    return _Made(kind="task", title=f"Add the task {quoted(title)}{to}", data=data)


def _change(fields: Mapping[str, str], task: Listed | None, ground: Ground) -> _Made:
    assert task is not None
    if not fields["title"] and not fields["text"]:
        raise Invalid("`change_task` needs a new `title` or a new `text`.")
    changed = {"title": fields["title"] or None, "brief": fields["text"] or None}
    _trial(ground).change(task.id, TaskDraft(key=task.id, **changed))  # type: ignore[arg-type]
    data: dict[str, JsonValue] = {"do": "change", "task_id": task.id}
    data |= {name: text for name, text in changed.items() if text}
    title = f"Change the task {quoted(task.title)}"
    if not fields["text"]:
        title = f"Call the task {quoted(task.title)} {quoted(fields['title'])}"
    return _Made(kind="plan_change", title=title, data=data)


def _remove(_: Mapping[str, str], task: Listed | None, ground: Ground) -> _Made:
    assert task is not None
    _trial(ground).remove(task.id)
    data: dict[str, JsonValue] = {"do": "remove", "task_id": task.id}
    return _Made(kind="plan_change", title=f"Take the task {quoted(task.title)} out of the plan", data=data)


def _assign(fields: Mapping[str, str], task: Listed | None, ground: Ground) -> _Made:
    assert task is not None
    assignee = _assignee(_needed(fields, "who", "assign_task"), ground)
    assert assignee is not None
    _trial(ground).change(task.id, TaskDraft(key=task.id, assignee=assignee))
    data: dict[str, JsonValue] = {"task_id": task.id, "assignee": {"kind": assignee.kind, "id": assignee.id}}
    title = f"Give the task {quoted(task.title)} to {'you' if fields['who'] == ME else fields['who']}"
    if assignee.kind == "person":
        return _Made(kind="plan_change", title=title, data={"do": "change", **data})
    return _Made(kind="agent", title=title, data=data)


def _goal(fields: Mapping[str, str], _: Listed | None, ground: Ground) -> _Made:
    goal = _goal_in(fields, "change_goal")
    return _Made(kind="plan_change", title=f"Change the goal to {quoted(goal, 160)}", data={"do": "goal", "goal": goal})


def _note(fields: Mapping[str, str], _: Listed | None, ground: Ground) -> _Made:
    text = _needed(fields, "text", "write_note")
    title = fields["title"] or text.split("\n")[0][:80]
    return _Made(kind="artifact", title=f"File the note {quoted(title)}", data={"title": title, "text": text})


def _form(fields: Mapping[str, str], _: Listed | None, ground: Ground) -> _Made:
    name, title = _needed(fields, "form", "make_form"), fields["title"]
    if name not in ground.forms:
        raise Invalid(f"There is no form {quoted(name)}; there are {', '.join(ground.forms)}.")
    called = f", called {quoted(title)}" if title else ""
    return _Made(
        kind="artifact", title=f"Make the form {ground.forms[name]}{called}", data={"form": name, "title": title}
    )


def _project(fields: Mapping[str, str], _: Listed | None, ground: Ground) -> _Made:
    goal = _goal_in(fields, "start_project")
    name = fields["title"] if fields["title"] != goal else ""
    data: dict[str, JsonValue] = {"goal": goal, "name": name}
    return _Made(kind="project", title=f"Start a project: {quoted(goal, 160)}", data=data)


_MAKERS: dict[str, Callable[[Mapping[str, str], Listed | None, Ground], _Made]] = {
    "add_task": _add,
    "change_task": _change,
    "remove_task": _remove,
    "assign_task": _assign,
    "change_goal": _goal,
    "write_note": _note,
    "make_form": _form,
    "start_project": _project,
}
_ON_TASKS = frozenset({"change_task", "remove_task", "assign_task"})


def _task(value: Any, ground: Ground) -> Listed:
    number = value.get("task", 0)
    if not isinstance(number, int) or not 1 <= number <= len(ground.tasks):
        raise Invalid(f"`{value['kind']}` needs in `task` the number of a task, 1 to {len(ground.tasks)}.")
    return ground.tasks[number - 1]


def _needed(fields: Mapping[str, str], name: str, kind: str) -> str:
    if not fields[name]:
        raise Invalid(f"`{kind}` needs a `{name}`.")
    return fields[name]


def _goal_in(fields: Mapping[str, str], kind: str) -> str:
    goal = fields["text"] or fields["title"]
    if not goal or len(goal) > MAX_GOAL:
        raise Invalid(f"`{kind}` needs the goal in `text`.")
    return goal


def _assignee(who: str, ground: Ground) -> Assignee | None:
    if not who:
        return None
    return Assignee(kind="person", id=ground.person) if who == ME else Assignee(kind="core", id=f"agt_{who}")


def _trial(ground: Ground) -> Trial:
    if ground.trial is None:
        raise Invalid("Here only a project can be started; the rest is asked for in the project's own conversation.")
    return ground.trial


# by rule, where there is no model

_END = r"[\s.!]*$"
_NEW = r"(?:a |another |the )?(?:new )?"
_PLEASE = r"^(?:please,? |could you |can you |would you |now |then )*"
_MAKE = r"(?:make|create|start|add|open|prepare|draw up|set up|give me)(?: me| us)?"
_ABOUT = r"(?:(?:,|:| for| about| on| of| called)+ +(?P<title>.+?))?"
_RULES = tuple(
    (kind, re.compile(_PLEASE + pattern + _END, re.I | re.S))
    for kind, pattern in (
        ("add_task", rf"(?:add|create|make|plan) {_NEW}task(?: to|:| for| which| that|,)? +(?P<title>.+?)"),
        ("start_project", rf"(?:start|create|begin|open) {_NEW}project(?: to|:| for| about|,)? +(?P<text>.+?)"),
        ("change_goal", r"(?:change|set) the goal(?: to|:)? +(?P<text>.+?)"),
        ("assign_task", r"(?:assign|give|hand) (?P<task>.+?) to (?:the )?(?P<who>[\w ]+?)"),
        ("remove_task", r"(?:remove|delete|drop|cancel|take out) (?:the )?task(?: called| number)? +(?P<task>.+?)"),
        ("change_task", r"rename (?:the )?(?:task )?(?P<task>.+?) to (?P<title>.+?)"),
        ("write_note", r"(?:note(?: down)?|remember|write a note|make a note|keep)(?: that|:| saying) +(?P<text>.+?)"),
    )
)  # fmt: skip


def by_rule(asked: str, ground: Ground) -> dict[str, Any]:
    """The same fields as a model gives, read from a short imperative. Raises Invalid where one names what there is
    not."""
    if len(asked) > MOST_TEXT:
        return {"kind": NOTHING}
    for kind, pattern in _RULES:
        found = pattern.match(asked.strip())
        if found is not None and (ground.trial is not None or kind in OF_WORKSPACE):
            return {"kind": kind, **_fields(found.groupdict(), ground)}
    return _form_by_rule(asked, ground) or {"kind": NOTHING}


def _form_by_rule(asked: str, ground: Ground) -> dict[str, Any]:
    for name in ground.forms:
        named = name.replace("_", "[ _-]?")
        found = re.match(rf"{_PLEASE}{_MAKE} {_NEW}{named}{_ABOUT}{_END}", asked.strip(), re.I | re.S)
        if found is not None:
            title = _capital(found["title"] or "")[:MOST_TITLE]
            return {"kind": "make_form", "form": name, "title": title}
    return {}


def _fields(found: Mapping[str, str], ground: Ground) -> dict[str, Any]:
    fields: dict[str, Any] = {name: _capital(found[name]) for name in ("title", "text") if name in found}
    if "title" in fields:
        fields["title"] = fields["title"][:MOST_TITLE]
    if "task" in found:
        fields["task"] = _number(found["task"], ground.tasks)
    if "who" in found:
        name = found["who"].strip().lower().replace(" ", "_")
        if name not in (ME, "myself", *ground.agents):
            raise Invalid(f"There is no agent {quoted(found['who'])} here; there are {', '.join(ground.agents)}.")
        fields["who"] = ME if name == "myself" else name
    return fields


def _number(named: str, tasks: Sequence[Listed]) -> int:
    """By its number or id, else the task whose title shares most words with what was said."""
    bare = named.strip(" .“”\"'")
    if bare.removeprefix("task ").isdigit():
        return int(bare.removeprefix("task "))
    words = asked_words(bare.replace("task", " ")) or [bare.lower()]
    scores = [len(words) + 1 if task.id == bare else shared(task.title, words) for task in tasks]
    if not any(scores):
        raise Invalid(f"There is no task {quoted(bare)} in the plan.")
    return scores.index(max(scores)) + 1


def _capital(text: str) -> str:
    text = text.strip().strip("“”\"'").strip()
    return text[:1].upper() + text[1:]
