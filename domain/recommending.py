"""When the manager recommends which thinking tool: rules over a frozen view of a project. No model is needed.

A rule gives at most one piece of advice for each cause; what was accepted or dismissed for it does not come back.
What is open is withdrawn when its rule does not fire on its cause any more, and comes back when it does. What was
accepted and dismissed in the workspace ranks the rules; one that was only ever dismissed falls silent.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from domain.artifact import COGNITIVE, Artifact
from domain.form import FormField
from domain.project import Project
from domain.recommendation import MAX_OPEN, Recommendation
from domain.task import FINISHED, LIVE, Task

SILENT = 3  # dismissed so often, and never accepted
CONDITIONS, DUE, TERMS, UNVERIFIED, SHORT, EXPLAINED = 4, 3, 8, 3, 6, 40
MOST_ROWS = 30

CHOICE = re.compile(
    r"\b(whether|choos(?:e|ing)|choice|decid(?:e|ing)|decision|options?|alternatives?|compar(?:e|ison)|versus|vs)\b",
    re.IGNORECASE,
)
EITHER = re.compile(
    r"\b(?:between (?P<a>.{2,80}?) and|(?:whether(?: to| we)?|either|decide to|should (?:we|i)) (?P<c>.{2,80}?) or)"
    r" (?P<b>.{2,80}?)(?:[.,;:?!]|$)",
    re.IGNORECASE,
)
LASTING = re.compile(
    r"\b(buy|(?<!which )(?<!in )(?<!the )(?<!of )(?<!al )order(?! of\b)|purchase|sign|hire|dismiss|terminat\w+|launch|"
    r"deploy|migrat\w+|delet\w+|publish|invest|borrow|demolish|replac\w+|relocat\w+|move|sell|announce|submit)\b",
    re.IGNORECASE,
)
COSTLY = re.compile(r"\d[\d.,' ]{3,20}\s?(?:€|\$|£|eur|euros?|usd|dollars?|chf|francs?|pounds?)(?!\w)", re.IGNORECASE)
LACKING = re.compile(
    r"\b(?:does|do|did|is|are|was|were) not (?:say|state|give|name|mention|known|given|stated|named|decided|mentioned)"
    r"|\bunknown\b|\bunclear\b|\bno (?:figure|date|source|information|evidence|amount|price|name)\b|\bmissing\b(?!:)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Situation:
    """`tasks` in the order of the plan, `artifacts` those that are published, `terms` abbreviations of the sources,
    None where nobody looked; `earlier` what was recommended before, here and in other projects of the workspace. With
    `finished_too`, work that is finished is looked at as if it went on."""

    project: Project
    tasks: tuple[Task, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    terms: tuple[str, ...] | None = ()
    earlier: tuple[Recommendation, ...] = ()
    finished_too: bool = False

    @property
    def unfinished(self) -> list[Task]:
        return [task for task in self.tasks if task.state not in FINISHED | {"cancelled"}]

    @property
    def goes_on(self) -> bool:
        """Whether there is work left, or none was planned yet."""
        return self.finished_too or bool(self.unfinished) or not self.tasks

    @property
    def here(self) -> list[Recommendation]:
        return [one for one in self.earlier if one.project_id == self.project.id]

    def has(self, kind: str) -> bool:
        return any(artifact.kind == kind for artifact in self.artifacts)


@dataclass(frozen=True, kw_only=True)
class Advice:
    """`cause` is what the rule fired on: with the rule, the reason that never returns."""

    rule: str
    cause: str
    form: str
    title: str
    reason: str
    about: tuple[str, ...] = ()
    answers: Mapping[str, JsonValue] = field(default_factory=dict)
    fields: tuple[FormField, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.rule}:{self.cause}"


Rule = Callable[[Situation], Iterator[Advice]]


def recommend(situation: Situation) -> tuple[Advice, ...]:
    """What to recommend now, the most useful first: as many as there is room for, one of a rule at a time."""
    gone = moot(situation)
    here = [one for one in situation.here if one.state != "withdrawn" and one not in gone]
    known = {one.key for one in here}
    waiting = [one.rule for one in here if one.state == "open"]
    if len(waiting) >= MAX_OPEN:
        return ()
    found = []
    for rule, weight in WEIGHTS.items():
        if rule not in waiting and (worth := weight * _liked(rule, situation.earlier)) > 0:
            advice = next((one for one in RULES[rule](situation) if one.key not in known), None)
            found += [(worth, advice)] if advice is not None else []
    found.sort(key=lambda pair: -pair[0])
    return tuple(advice for _, advice in found[: MAX_OPEN - len(waiting)])


def moot(situation: Situation) -> tuple[Recommendation, ...]:
    """What is open though its reason holds no more. That the work is finished is no reason: advice on the goal outlives
    it."""
    lasting = replace(situation, finished_too=True)
    waiting = [one for one in situation.here if one.state == "open" and one.rule in RULES]
    if situation.terms is None:
        waiting = [one for one in waiting if one.rule != "terms"]
    return tuple(one for one in waiting if one.key not in {advice.key for advice in RULES[one.rule](lasting)})


def _liked(rule: str, earlier: Sequence[Recommendation]) -> float:
    """From what people did with it so far: 1 while nobody said anything, 0 when it is not wanted."""
    accepted = sum(one.rule == rule and one.state == "accepted" for one in earlier)
    dismissed = sum(one.rule == rule and one.state == "dismissed" for one in earlier)
    if dismissed >= SILENT and not accepted:
        return 0.0
    return (1 + accepted) / (1 + accepted + dismissed)


def vague_goal(situation: Situation) -> Iterator[Advice]:
    goal = situation.project.goal
    count = len(re.findall(r"\w{2,}", goal))
    said = any(mark.isdigit() for mark in goal) or len(situation.project.instructions) >= EXPLAINED
    if situation.goes_on and count < SHORT and not said:
        asked = ("For whom is it?", "What will it be used for?", "What must be in it?", "What does not belong to it?")
        yield Advice(
            rule="vague_goal",
            cause="goal",
            form="questionnaire",
            title="Questions on the goal",
            reason=f"The goal has {count} word{'' if count == 1 else 's'}, no figure and no instructions: a few "
            "answers make it plannable.",
            fields=_questions(asked),
        )


def missing_inputs(situation: Situation) -> Iterator[Advice]:
    if situation.goes_on and not any(artifact.section == "sources" for artifact in situation.artifacts):
        yield Advice(
            rule="missing_inputs",
            cause="sources",
            form="list",
            title="What has to be handed over",
            reason="No document was handed over, so that nothing that is made can rest on a source.",
            about=_ids(situation.unfinished),
            answers={"items": [_cut(f"For “{task.spec.title}”: ", 200) for task in situation.unfinished[:MOST_ROWS]]},
        )


def missing_fact(situation: Situation) -> Iterator[Advice]:
    for task, said in _found_wanting(situation):
        yield Advice(
            rule="missing_fact",
            cause=task.id,
            form="questionnaire",
            title=_line(f"Open questions on “{task.spec.title}”", 120),
            reason=f"The review of “{task.spec.title}” says that something is not known: “{_line(said[0], 160)}”.",
            about=(task.id,),
            fields=_questions([f"What is right? {text}" for text in said[:10]]),
        )


def options(situation: Situation) -> Iterator[Advice]:
    goal = situation.project.goal
    found = CHOICE.search(goal) or EITHER.search(goal)
    if found and situation.goes_on and not situation.has("decision_matrix"):
        either = EITHER.search(goal)
        named: list[JsonValue] = [_line(part, 200) for part in either.group("a", "c", "b") if part] if either else []
        yield Advice(
            rule="options",
            cause="goal",
            form="decision_matrix",
            title="Decision matrix",
            reason=f"The goal asks for a choice (“{_line(found[0], 60)}”): weigh the options before one is taken.",
            answers={"question": _cut(goal, 2_000), "options": named},
        )


def pre_mortem(situation: Situation) -> Iterator[Advice]:
    goal = situation.project.goal
    if not situation.goes_on or situation.has("pre_mortem"):
        return
    if (found := LASTING.search(goal) or COSTLY.search(goal)) is not None:
        yield _pre_mortem("goal", goal, found[0], ())
        return
    for task in situation.unfinished:
        if (found := LASTING.search(task.spec.title) or COSTLY.search(task.spec.title)) is not None:
            yield _pre_mortem(task.id, task.spec.title, found[0], (task.id,))


def _pre_mortem(cause: str, step: str, word: str, about: tuple[str, ...]) -> Advice:
    what = "the goal" if cause == "goal" else f"“{_line(step, 80)}”"
    return Advice(
        rule="pre_mortem",
        cause=cause,
        form="pre_mortem",
        title=_line(f"Pre-mortem: {step}", 120),
        reason=f"“{word.strip()}” in {what} is costly or hard to undo: look at what could go wrong before it is done.",
        about=about,
        answers={"step": _cut(step, 2_000)},
    )


def worksheet(situation: Situation) -> Iterator[Advice]:
    for task in situation.unfinished:
        if task.spec.assignee.kind == "person" and not task.spec.form:
            yield Advice(
                rule="worksheet",
                cause=task.id,
                form="worksheet",
                title=_line(f"Worksheet: {task.spec.title}", 120),
                reason=f"A person has to work out “{task.spec.title}”.",
                about=(task.id,),
                answers={"question": _cut(task.spec.brief, 4_000) or task.spec.title},
            )


def risks(situation: Situation) -> Iterator[Advice]:
    for artifact in situation.artifacts:
        if artifact.kind == "risk_register" and not situation.has("risk_matrix"):
            yield Advice(
                rule="risks",
                cause=artifact.id,
                form="risk_matrix",
                title="Risk matrix",
                reason=f"“{artifact.title}” lists risks: put side by side, those that matter are seen first.",
                about=(artifact.id,),
                answers={"remarks": f"From “{artifact.title}”."},
            )


def many_conditions(situation: Situation) -> Iterator[Advice]:
    for task in situation.unfinished:
        read = [criterion.text for criterion in task.spec.criteria if criterion.check is None]
        if len(read) >= CONDITIONS:
            yield Advice(
                rule="many_conditions",
                cause=task.id,
                form="checklist",
                title=_line(f"Checklist: {task.spec.title}", 120),
                reason=f"“{task.spec.title}” has {len(read)} conditions that a reader must judge.",
                about=(task.id,),
                fields=_checks(read),
            )


def several_due(situation: Situation) -> Iterator[Advice]:
    due = sorted((task for task in situation.unfinished if task.spec.due), key=lambda task: str(task.spec.due))
    if len(due) >= DUE and not situation.has("timeline"):
        entries: list[JsonValue] = [
            {"date": task.spec.due.date().isoformat(), "what": task.spec.title}
            for task in due[:MOST_ROWS]
            if task.spec.due is not None
        ]
        yield Advice(
            rule="several_due",
            cause="due",
            form="timeline",
            title="Timeline",
            reason=f"{len(due)} tasks are due at a time of their own.",
            about=_ids(due),
            answers={"entries": entries},
        )


def unverified(situation: Situation) -> Iterator[Advice]:
    if any(
        task.state in LIVE | {"waiting", "ready"} and task.spec.assignee.kind != "person" for task in situation.tasks
    ):
        return
    made = [a for a in situation.artifacts if a.kind not in COGNITIVE and a.qa is not None]
    open_ = [a for a in made if a.qa is not None and any(c.verdict == "unverified" for c in a.qa.criteria)]
    if len(open_) >= UNVERIFIED and 2 * len(open_) >= len(made):
        yield Advice(
            rule="unverified",
            cause="results",
            form="checklist",
            title="Sign-off of the results",
            reason=f"{len(open_)} of {len(made)} results have conditions that nobody could verify.",
            about=tuple(artifact.id for artifact in open_),
            fields=_checks([f"“{artifact.title}” is read and right" for artifact in open_]),
        )


def terms(situation: Situation) -> Iterator[Advice]:
    if situation.terms is not None and len(situation.terms) >= TERMS and not situation.has("glossary"):
        shown = ", ".join(situation.terms[:4])
        yield Advice(
            rule="terms",
            cause="sources",
            form="glossary",
            title="Glossary",
            reason=f"The sources use {len(situation.terms)} abbreviations, among them {shown}.",
            answers={"terms": [{"term": term} for term in situation.terms[:MOST_ROWS]]},
        )


def lessons(situation: Situation) -> Iterator[Advice]:
    for task in situation.tasks:
        if task.replanned or (task.state == "needs_attention" and task.findings):
            what = "had to be planned anew" if task.replanned else "was refused"
            found = "".join(f"\n- {_line(finding, 300)}" for finding in task.findings[:10])
            yield Advice(
                rule="lessons",
                cause=task.id,
                form="note",
                title=_line(f"What we learnt from “{task.spec.title}”", 120),
                reason=f"“{task.spec.title}” {what}: note what to do differently while it is fresh.",
                about=(task.id,),
                answers={"text": f"“{task.spec.title}” {what}.{found}"},
            )


RULES: dict[str, Rule] = {
    "vague_goal": vague_goal,
    "missing_inputs": missing_inputs,
    "missing_fact": missing_fact,
    "options": options,
    "pre_mortem": pre_mortem,
    "worksheet": worksheet,
    "risks": risks,
    "many_conditions": many_conditions,
    "several_due": several_due,
    "unverified": unverified,
    "terms": terms,
    "lessons": lessons,
}
WEIGHTS: dict[str, float] = {rule: len(RULES) - number for number, rule in enumerate(RULES)}


def _found_wanting(situation: Situation) -> Iterator[tuple[Task, list[str]]]:
    """Tasks with what their reviews say is not known."""
    by_task: dict[str, list[str]] = {}
    for artifact in situation.artifacts:
        if artifact.task_id is not None and artifact.qa is not None:
            by_task[artifact.task_id] = [c.evidence for c in artifact.qa.criteria if c.verdict != "met"]
    for task in situation.tasks:
        said = [*task.findings, *by_task.get(task.id, ())]
        if wanting := [text for text in dict.fromkeys(said) if LACKING.search(text)]:
            yield task, wanting


def _questions(texts: Sequence[str]) -> tuple[FormField, ...]:
    """Labels are unique and short; what is longer stands in the help."""
    asked = {line.casefold(): line for text in texts if (line := _line(text, 500))}
    return tuple(
        FormField(
            name=f"question_{number}",
            label=line if len(line) <= 100 else f"Question {number}",
            help="" if len(line) <= 100 else line,
            type="long_text",
            required=number == 1,
        )
        for number, line in enumerate(asked.values(), 1)
    )


def _checks(texts: Sequence[str]) -> tuple[FormField, ...]:
    cut = tuple(dict.fromkeys(line for text in texts if (line := _line(text, 120))))
    return (
        FormField(
            name="checks", label="Checks", type="choices", help="Tick what is in order.", options=cut[:MOST_ROWS]
        ),
    )


def _ids(tasks: Sequence[Task]) -> tuple[str, ...]:
    return tuple(task.id for task in tasks[:MOST_ROWS])


def _line(text: str, length: int) -> str:
    return _cut(" ".join(text.split()), length)


def _cut(text: str, length: int) -> str:
    bare = text.strip()
    return bare if len(bare) <= length else bare[: length - 1].rstrip() + "…"
