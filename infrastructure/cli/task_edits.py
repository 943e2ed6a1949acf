"""`caseworks tasks add` and `edit`: a person's word on one task of the plan."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from infrastructure.cli import words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import document, say
from infrastructure.cli.plan import say_stale
from infrastructure.cli.session import DataDir, Json, Session, going_on, segment, session, text_of

NONE = "none"
"""What is written to take a value away."""


class Complexity(StrEnum):
    simple = "simple"
    medium = "medium"
    complex = "complex"


Brief = Annotated[str | None, typer.Option(help="What is to be done; @PATH reads it from a file.", metavar="TEXT")]
Who = Annotated[str | None, typer.Option(help="An agent such as critic, or `me`.", metavar="WHO")]
After = Annotated[
    list[str] | None,
    typer.Option("--depends-on", help="A task that it needs; repeat it for more, or say none.", metavar="TASK"),
]
Criteria = Annotated[
    list[str] | None,
    typer.Option("--criterion", help="What must hold of the result; repeat it for more.", metavar="TEXT"),
]
HowComplex = Annotated[Complexity | None, typer.Option(help="simple, medium or complex.")]
Due = Annotated[str | None, typer.Option(help="A day such as 2026-12-01, a time with its zone, or none.")]
Way = Annotated[str | None, typer.Option(help="A workflow; none is in one attempt.", metavar="NAME")]


def add(
    ctx: typer.Context,
    project: Annotated[str, typer.Argument(help="The project's id.", metavar="PROJECT")],
    title: Annotated[str, typer.Option(help="What it is called.", metavar="TEXT")],
    brief: Brief = None,
    assignee: Who = None,
    makes: Annotated[str | None, typer.Option(help="What comes of it, such as summary.", metavar="KIND")] = None,
    depends_on: After = None,
    criterion: Criteria = None,
    complexity: HowComplex = None,
    due: Due = None,
    way: Way = None,
    form: Annotated[
        str | None, typer.Option(help="A form for a person to fill in, which does it.", metavar="ARTIFACT")
    ] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Add a task to the plan. Without an assignee it goes to the agent whose work it names, or to you.

    Example: caseworks tasks add prj_… --title "Ask the fire brigade" --assignee me --depends-on tsk_…
    """
    body = _body(title, brief, depends_on, criterion, complexity, due, way)
    if makes is not None:
        body["expected"] = [{"kind": makes}]
    if form is not None:
        body["form"] = form
    with session(ctx, data_dir) as found:
        if assignee is not None:
            body["assignee"] = assignee_of(found, assignee, project)
        item = found.api.post(f"/v1/projects/{segment(project)}/tasks", body)
        if json:
            document(item)
        else:
            who = words.who(item["assignee"])
            say(f"The task {item['id']} is in the plan, for {who}. {going_on(found, item['project_id'])}")


def edit(
    ctx: typer.Context,
    task: Annotated[str, typer.Argument(help="The task's id.", metavar="TASK")],
    title: Annotated[str | None, typer.Option(help="What it is called.", metavar="TEXT")] = None,
    brief: Brief = None,
    assignee: Who = None,
    depends_on: After = None,
    criterion: Criteria = None,
    complexity: HowComplex = None,
    due: Due = None,
    way: Way = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Change a task; tasks that it needs and criteria take the place of those that it has. What is done is kept.

    Example: caseworks tasks edit tsk_… --brief "Only what is forbidden." --due 2026-12-01
    """
    body = _body(title, brief, depends_on, criterion, complexity, due, way)
    if not body and assignee is None:
        raise Ended(Code.USAGE, "Say what is to change, such as --brief TEXT; `caseworks tasks edit --help` lists all.")
    address = f"/v1/tasks/{segment(task)}"
    with session(ctx, data_dir) as found:
        if assignee is not None:
            body["assignee"] = assignee_of(found, assignee, found.api.get(address)["project_id"])
        item = found.api.patch(address, body)
        if json:
            document(item)
            return
        say(f"The task is changed. {going_on(found, item['project_id'])}" if not item["stale"] else "It is changed.")
        say_stale([item])


def assignee_of(found: Session, who: str, project: str) -> dict[str, str]:
    """Whom a person means by a name, `me` or an id."""
    if who == "me":
        return {"kind": "person", "id": found.project(project)["owner_id"]}
    if who.startswith("usr_"):
        return {"kind": "person", "id": who}
    return {"kind": "core", "id": found.api.get(f"/v1/agents/{segment(who)}")["id"]}


def _body(
    title: str | None,
    brief: str | None,
    depends_on: list[str] | None,
    criterion: list[str] | None,
    complexity: Complexity | None,
    due: str | None,
    way: str | None,
) -> dict[str, Any]:
    """What was said, as REST takes it."""
    body: dict[str, Any] = {
        "title": title,
        "brief": text_of(brief, "brief") if brief is not None else None,
        "depends_on": [id for id in depends_on if id != NONE] if depends_on else None,
        "criteria": [{"text": text} for text in criterion] if criterion else None,
        "complexity": complexity.value if complexity is not None else None,
        "way": "" if way == NONE else way,
    }
    body = {name: value for name, value in body.items() if value is not None}
    return body if due is None else {**body, "due": None if due == NONE else _moment(due)}


def _moment(due: str) -> str:
    from infrastructure.cli.plan_files import moment

    try:
        return moment(due).isoformat()
    except ValueError as error:
        raise Ended(Code.USAGE, f"--due: {error}.") from None
