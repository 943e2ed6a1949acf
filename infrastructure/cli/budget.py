"""`caseworks budget`, `projects budget`, `tasks budget`: caps on what may be used; what they are called everywhere."""

from typing import Annotated, Any

import typer

from infrastructure.cli import words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import document, facts
from infrastructure.cli.session import DataDir, Json, Session, segment, session

NONE = "none"


def of(money: str | None, calls: int | None, tokens: int | None, seconds: int | None) -> dict[str, Any]:
    """A budget as it goes over the wire."""
    try:
        amount = words.millionths(money) if money is not None else None
    except ValueError as error:
        raise Ended(Code.USAGE, f"The money of a budget: {error}.") from None
    return {"money": amount, "calls": calls, "tokens": tokens, "seconds": seconds}


def told(item: Any) -> list[tuple[str, object]]:
    """The caps of a thing, each beside its name; empty where there is none."""
    caps = item["budget"]
    return [
        ("most calls", "" if caps["calls"] is None else f"{caps['calls']:,}"),
        ("most tokens", "" if caps["tokens"] is None else f"{caps['tokens']:,}"),
        ("most seconds", "" if caps["seconds"] is None else f"{caps['seconds']:,}"),
        ("most money", "" if caps["money"] is None else words.money(caps["money"], "")),
    ]


Money = Annotated[str | None, typer.Option(help="The most to spend, such as 0.50; none.", metavar="AMOUNT")]
Calls = Annotated[str | None, typer.Option(help="The most calls to models; none.", metavar="N")]
Tokens = Annotated[str | None, typer.Option(help="The most tokens; none.", metavar="N")]
Seconds = Annotated[str | None, typer.Option(help="The most seconds of work; none.", metavar="N")]


def of_workspace(
    ctx: typer.Context,
    money: Money = None,
    calls: Calls = None,
    tokens: Tokens = None,
    seconds: Seconds = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Show or change the caps of the whole workspace, all projects together. What is not named stays as it is.

    Example: caseworks budget --money 20 --tokens none
    """
    changes = _changes(money, calls, tokens, seconds)
    with session(ctx, data_dir) as found:
        item = found.api.get("/v1/budget")
        if changes:
            item = found.api.put("/v1/budget", {**item["budget"], **changes}, match=None)
    _say(item, json)


def of_project(
    ctx: typer.Context,
    project: Annotated[str, typer.Argument(help="The project's id.", metavar="PROJECT")],
    money: Money = None,
    calls: Calls = None,
    tokens: Tokens = None,
    seconds: Seconds = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Show or change the caps of a project. What is not named stays as it is.

    Example: caseworks projects budget prj_… --calls 40 --money none
    """
    changes = _changes(money, calls, tokens, seconds)
    with session(ctx, data_dir) as found:
        _say(_changed(found, f"/v1/projects/{segment(project)}", changes), json)


def of_task(
    ctx: typer.Context,
    task: Annotated[str, typer.Argument(help="The task's id.", metavar="TASK")],
    money: Money = None,
    calls: Calls = None,
    tokens: Tokens = None,
    seconds: Seconds = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Show or change the caps of a task, all its attempts together; at any time. What is not named stays as it is.

    Example: caseworks tasks budget tsk_… --calls 20 --seconds 600
    """
    changes = _changes(money, calls, tokens, seconds)
    with session(ctx, data_dir) as found:
        _say(_changed(found, f"/v1/tasks/{segment(task)}", changes), json)


def _changed(found: Session, path: str, changes: dict[str, Any]) -> Any:
    item = found.api.get(path)
    return found.api.patch(path, {"budget": {**item["budget"], **changes}}) if changes else item


def _say(item: Any, json: bool) -> None:
    if json:
        document(item)
    else:
        facts([(name, value or "no cap") for name, value in told(item)])


def _changes(money: str | None, calls: str | None, tokens: str | None, seconds: str | None) -> dict[str, Any]:
    given = {"money": money, "calls": calls, "tokens": tokens, "seconds": seconds}
    return {name: amount(name, text) for name, text in given.items() if text is not None}


def amount(name: str, text: str, option: str = "") -> int | None:
    """Of one cap, as it goes over the wire. Raises Ended."""
    if text == NONE:
        return None
    if name == "money":
        return of(text, None, None, None)["money"]  # type: ignore[no-any-return]
    if not text.isdecimal():
        raise Ended(Code.USAGE, f"--{option or name} needs a whole number, or none; “{text}” is neither.")
    return int(text)
