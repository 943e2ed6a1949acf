"""What the Watcher raises: rules over a frozen view of a project's work. No model is asked.

`AT_ONCE` are looked at whenever a task has ended, so that they must not hang on which one ended first; the others at
the end of the work. A notice is raised once for its rule, its subject and its `mark`; that changes where the same thing
happens anew, as when a task that was tried again fails again.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from domain.budget import WARN_AT, amounts, caps
from domain.project import Project
from domain.run import Usage
from domain.standstill import stays
from domain.task import Task

TIMES, LEAST_TASKS = 5, 5
LEAST_TOKENS, LEAST_SECONDS = 2_000, 60
REVIEWS = 3
"""In how many reviews of a task a finding stands that came back twice."""
MOST_LINES = 10
HEADINGS = {"alert": ("What failed", "Evidence"), "anomaly": ("What is unusual", "Figure and threshold")}


@dataclass(frozen=True, kw_only=True)
class Vitals:
    """`tasks` in the order of the plan; `planned` those that the plan had when the first of them began. By task: what
    its runs have `used`, and what each of its reviews found, oldest first."""

    project: Project
    tasks: tuple[Task, ...] = ()
    spent: Usage = field(default_factory=Usage)
    planned: frozenset[str] = frozenset()
    used: Mapping[str, Usage] = field(default_factory=dict)
    reviews: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """`what` happened in a sentence, the `figures` that show it, and what is `to_do`."""

    rule: str
    subject: str
    kind: Literal["alert", "anomaly"]
    title: str
    what: str
    figures: tuple[str, ...]
    to_do: str
    mark: str = ""

    @property
    def text(self) -> str:
        lines = "\n".join(f"- {line}" for line in self.figures)
        first, second = (
            ("What failed", "Evidence") if self.kind == "alert" else ("What is unusual", "Figure and threshold")
        )
        return (
            f"# {self.title}\n\n## {first}\n\n{self.what}\n\n## {second}\n\n{lines}\n\n## What to do\n\n{self.to_do}\n"
        )


Rule = Callable[[Vitals], Iterator[Notice]]


def failed(vitals: Vitals) -> Iterator[Notice]:
    for task in vitals.tasks:
        if task.state == "needs_attention":
            behind = sum(task.id in other.spec.depends_on for other in vitals.tasks)
            said = [f"Its review found: {_line(finding)}" for finding in task.findings[:MOST_LINES]]
            yield Notice(
                rule="failed",
                subject=task.id,
                mark=str(task.attempts),
                kind="alert",
                title=f"“{_line(task.spec.title, 120)}” needs attention",
                what=f"The task “{_line(task.spec.title)}” of {task.spec.assignee.id} could not be ended.",
                figures=(f"Attempts: {task.attempts}. Tasks that wait for it: {behind}.", *said),
                to_do="Accept what there is in the inbox, try it again with a hint, or give it to somebody else.",
            )


def budget(vitals: Vitals) -> Iterator[Notice]:
    spent = amounts(vitals.spent)
    for cap in caps("project", vitals.project.id, vitals.project.budget):
        if cap.amount and cap.is_nearly_used(spent[cap.measure]):
            yield Notice(
                rule="budget",
                subject=cap.measure,
                mark=str(cap.amount),
                kind="anomaly",
                title=f"More than {WARN_AT:.0%} of the budget is used",
                what=f"Of {cap}, at least {WARN_AT:.0%} is used.",
                figures=(f"Measure: {cap.measure} used in all. Threshold: {WARN_AT:.0%} of {cap}.",),
                to_do="Raise the budget, or take tasks out of the plan; what would go beyond it waits in the inbox.",
            )


def costly(vitals: Vitals) -> Iterator[Notice]:
    used = {task.id: vitals.used[task.id] for task in vitals.tasks if vitals.used.get(task.id, Usage()).calls}
    if len(used) < LEAST_TASKS:
        return
    tokens = {id: usage.input_tokens + usage.output_tokens for id, usage in used.items()}
    seconds = {id: round(usage.seconds) for id, usage in used.items()}
    for task in vitals.tasks:
        for name, values, least in (("tokens", tokens, LEAST_TOKENS), ("seconds", seconds, LEAST_SECONDS)):
            usual = median(values.values())
            value = values.get(task.id, 0)
            if value > least and value > TIMES * usual:
                yield Notice(
                    rule="costly",
                    subject=task.id,
                    kind="anomaly",
                    title=f"“{_line(task.spec.title, 120)}” used unusually much",
                    what=f"The task “{_line(task.spec.title)}” used {value:,} {name}.",
                    figures=(f"Measure: {value:,} {name}. Threshold: {TIMES} times the median of {usual:,.0f}.",),
                    to_do="Look at its calls: a brief that is too wide, a loop, or a model that is too large for it.",
                )
                break


def returned(vitals: Vitals) -> Iterator[Notice]:
    for task in vitals.tasks:
        reviews = [list(map(_line, found)) for found in vitals.reviews.get(task.id, ())]
        if again := stays(reviews, REVIEWS):
            counts = Counter(finding for found in reviews for finding in set(found))
            yield Notice(
                rule="returned",
                subject=task.id,
                kind="anomaly",
                title=f"A finding on “{_line(task.spec.title, 120)}” came back twice",
                what=f"Revising “{_line(task.spec.title)}” did not mend what its review found.",
                figures=tuple(f"In {counts[one]} reviews: {one}" for one in again[:MOST_LINES]),
                to_do="Look whether the criterion can be met at all from what the task is given, or say in a hint how.",
            )


def drift(vitals: Vitals) -> Iterator[Notice]:
    kept = [task for task in vitals.tasks if task.state != "cancelled"]
    stale = [task for task in kept if task.stale]
    added = [task for task in kept if vitals.planned and task.id not in vitals.planned]
    moved = {task.id: task for task in (*stale, *added)}
    if 3 * len(moved) > len(kept):
        yield Notice(
            rule="drift",
            subject="plan",
            kind="anomaly",
            title="The work has moved away from its plan",
            what=f"{len(moved)} of {len(kept)} tasks are out of date or were added after the work began.",
            figures=(
                f"Measure: {len(stale)} out of date, {len(added)} added later. Threshold: a third of the tasks.",
                *(f"“{_line(task.spec.title)}”" for task in list(moved.values())[:MOST_LINES]),
            ),
            to_do="Have what is out of date done again, or look whether the goal still says what is wanted.",
        )


AT_ONCE: dict[str, Rule] = {"failed": failed, "budget": budget}
RULES: dict[str, Rule] = {**AT_ONCE, "returned": returned, "costly": costly, "drift": drift}


def notices(vitals: Vitals, rules: Mapping[str, Rule] = RULES) -> tuple[Notice, ...]:
    return tuple(notice for rule in rules.values() for notice in rule(vitals))


def health(found: Sequence[Notice]) -> str:
    """The report at the end of the work, on what was found."""
    alerts = sum(notice.kind == "alert" for notice in found)
    state = f"{len(found)} thing{'s' * (len(found) != 1)} should be looked at, of these {alerts} failed."
    lines = "\n".join(f"- {notice.what} {notice.figures[0]}" for notice in found)
    to_do = "\n".join(f"- {line}" for line in dict.fromkeys(notice.to_do for notice in found))
    return (
        f"# Health of the work\n\n## State\n\n{state}\n\n## Failures and warnings\n\n{lines}\n\n"
        f"## What to do\n\n{to_do}\n"
    )


def _line(text: str, most: int = 300) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else f"{flat[: most - 1]}…"
