"""What a project cost: by agent, task and artifact, the dearest call, what people worked, what is left of budgets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.project import Project
from domain.run import Usage
from infrastructure.container import Container
from infrastructure.web.naming import Names
from infrastructure.web.views import budget, work
from services.costs import CostReport
from services.desk import Command
from services.ports.costs import By, Share
from services.ports.store import RecordedCall

MOST = 12
QUESTIONS: tuple[tuple[str, By], ...] = (("By agent", "agent"), ("By task", "task_id"), ("By model", "model"))


@dataclass(frozen=True, kw_only=True)
class Line:
    name: str
    usage: Usage
    cost: str


@dataclass(frozen=True, kw_only=True)
class Costs:
    """`parts` holds, for each question, the dearest answers."""

    total: Line
    parts: Sequence[tuple[str, Sequence[Line]]]
    dearest: RecordedCall | None
    dearest_cost: str
    worked: Sequence[tuple[str, str, int]]
    caps: Sequence[budget.Row]


async def of_project(parts: Container, caller: Command, project: Project) -> Costs:
    found = await parts.costs().of_project(caller, project.id)
    names = Names(caller.principal.id, parts.staff().profiles, (project,))
    known = found.names

    def lines(shares: Sequence[Share], rest: str) -> list[Line]:
        return [_line(parts, share.usage, _name(share.key, known, names, rest)) for share in shares[:MOST]]

    tables = [(title, lines(found.parts.get(by, ()), _rest(by))) for title, by in QUESTIONS]
    tables.insert(2, ("By artifact", lines(found.artifacts, "")))
    return Costs(
        total=_line(parts, found.total, "In all"),
        parts=[(title, rows) for title, rows in tables if rows],
        dearest=found.dearest,
        dearest_cost=work.cost(parts, found.dearest.usage) if found.dearest is not None else "",
        worked=_worked(found, names),
        caps=budget.rows(parts, found.caps, known),
    )


def _line(parts: Container, usage: Usage, name: str) -> Line:
    return Line(name=name, usage=usage, cost=work.cost(parts, usage) if usage.money else "–")


def _name(key: str, known: Mapping[str, str], names: Names, rest: str) -> str:
    return (known.get(key) or names(key)) if key else rest


def _rest(by: By) -> str:
    """What calls without such a thing are called."""
    return {"task_id": "No task of its own", "model": "No answer"}.get(by, "Nobody")


def _worked(found: CostReport, names: Names) -> list[tuple[str, str, int]]:
    return [(names(one.by), found.names.get(one.task_id, ""), one.minutes) for one in found.worked]
