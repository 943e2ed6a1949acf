"""A plan as a file: what a person edits, and what the program makes of it."""

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from config.reading import read
from infrastructure.cli import words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import as_yaml

HEAD = """\
# The plan of {project}: {name}
# A task with an id is one that exists: what is left out of it stays as it is, and a task that is left out is
# cancelled unless it is done. A new task has no id; give it a key when others depend on it. The number says which
# plan this was made from; leave it as it is.
"""
END_OF_DAY = time(23, 59, tzinfo=UTC)


def moment(text: str) -> datetime:
    """A day, which is its end in UTC, or a time with its zone. Raises ValueError."""
    try:
        found = datetime.combine(date.fromisoformat(text), END_OF_DAY)
    except ValueError:
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text[:40]!r} is no day such as 2026-12-01") from None
    if found.tzinfo is None:
        raise ValueError(f"{text[:40]!r} needs its zone, such as 2026-12-01T12:00:00+01:00")
    return found


def _due(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return moment(value.isoformat())
    return moment(value) if isinstance(value, str) else value


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Assignee(_Part):
    kind: Literal["core", "custom", "person"]
    id: str


class Check(_Part):
    rule: str
    params: dict[str, Any] = Field(default_factory=dict)


class Criterion(_Part):
    text: str
    check: Check | None = None


class Planned(_Part):
    id: str | None = None
    key: str | None = None
    title: str | None = None
    brief: str | None = None
    assignee: str | Assignee | None = None
    makes: str | None = None
    criteria: list[str | Criterion] | None = None
    depends_on: list[str] | None = None
    complexity: Literal["simple", "medium", "complex"] | None = None
    due: Annotated[datetime | None, BeforeValidator(_due)] = None
    way: str | None = None

    def body(self, owner: str) -> dict[str, Any]:
        """As REST takes it; what the file does not say is not said."""
        made = self.model_dump(mode="json", exclude_unset=True)
        if isinstance(self.assignee, str):
            made["assignee"] = _somebody(self.assignee, owner)
        if self.criteria is not None:
            made["criteria"] = [{"text": c} if isinstance(c, str) else c.model_dump() for c in self.criteria]
        if (kind := made.pop("makes", None)) is not None:
            made["expected"] = [{"kind": kind}]
        return made


class PlanFile(_Part):
    """`number` is that of the plan which it was made from; 0 where there was none."""

    project: str
    number: Annotated[int, Field(ge=0)]
    tasks: Annotated[list[Planned], Field(min_length=1)]


def read_from(path: Path, project_id: str) -> PlanFile:
    """Raises ConfigurationError with the line, Ended when it is not there or another project's."""
    if not path.exists():
        raise Ended(Code.USAGE, f"There is no file {path}.")
    found = read(path, PlanFile)
    if found.project != project_id:
        raise Ended(Code.USAGE, f"{path} is the plan of {found.project}, not of {project_id}; nothing was changed.")
    return found


def written(project: Any, plan: Any) -> str:
    head = HEAD.format(project=project["id"], name=words.line(project["name"], 80))
    parts = [head, f"project: {project['id']}\nnumber: {plan['number']}\ntasks:\n"]
    for task in plan["tasks"]:
        stale = f", out of date: {words.line(task['stale'])}" if task["stale"] else ""
        parts.append(f"# {words.plain(task['state'])}{stale}\n{as_yaml([_entry(task, project['owner_id'])])}\n")
    return "".join(parts)


def _entry(task: Any, owner: str) -> dict[str, Any]:
    entry = {
        "id": task["id"],
        "title": task["title"],
        "brief": task["brief"],
        "assignee": _named(task["assignee"], owner),
        "makes": task["expected"][0]["kind"],
        "criteria": [each if each["check"] else each["text"] for each in task["criteria"]],
        "depends_on": task["depends_on"],
        "complexity": task["complexity"],
    }
    return entry | {name: task[name] for name in ("due", "way") if task[name]}


def _named(assignee: Any, owner: str) -> Any:
    match assignee["kind"]:
        case "core":
            return assignee["id"].removeprefix("agt_")
        case "person":
            return "me" if assignee["id"] == owner else assignee["id"]
        case _:
            return assignee


def _somebody(who: str, owner: str) -> dict[str, str]:
    if who == "me" or who.startswith("usr_"):
        return {"kind": "person", "id": owner if who == "me" else who}
    return {"kind": "core", "id": who}
