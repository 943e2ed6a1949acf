"""`caseworks projects budget`: caps on what a project may use; and what they are called everywhere."""

from typing import Annotated, Any

import typer

from infrastructure.cli import words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import document, facts
from infrastructure.cli.session import DataDir, Json, segment, session

NONE = "none"


def of(money: str | None, calls: int | None, tokens: int | None, seconds: int | None) -> dict[str, Any]:
    """A budget as it goes over the wire."""
    try:
        amount = words.millionths(money) if money is not None else None
    except ValueError as error:
        raise Ended(Code.USAGE, f"The money of a budget: {error}.") from None
    return {"money": amount, "calls": calls, "tokens": tokens, "seconds": seconds}


def told(item: Any) -> list[tuple[str, object]]:
    """The caps of a project, each beside its name; empty where there is none."""
    caps = item["budget"]
    return [
        ("most calls", "" if caps["calls"] is None else f"{caps['calls']:,}"),
        ("most tokens", "" if caps["tokens"] is None else f"{caps['tokens']:,}"),
        ("most seconds", "" if caps["seconds"] is None else f"{caps['seconds']:,}"),
        ("most money", "" if caps["money"] is None else words.money(caps["money"], "")),
    ]


def budget(
    ctx: typer.Context,
    project: Annotated[str, typer.Argument(help="The project's id.", metavar="PROJECT")],
    money: Annotated[str | None, typer.Option(help="The most to spend, such as 0.50; none.", metavar="AMOUNT")] = None,
    calls: Annotated[str | None, typer.Option(help="The most calls to models; none.", metavar="N")] = None,
    tokens: Annotated[str | None, typer.Option(help="The most tokens; none.", metavar="N")] = None,
    seconds: Annotated[str | None, typer.Option(help="The most seconds of work; none.", metavar="N")] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Show or change the caps of a project. What is not named stays as it is.

    Example: caseworks projects budget prj_… --calls 40 --money none
    """
    given = {"money": money, "calls": calls, "tokens": tokens, "seconds": seconds}
    changes = {name: _amount(name, text) for name, text in given.items() if text is not None}
    with session(ctx, data_dir) as found:
        path = f"/v1/projects/{segment(project)}"
        item = found.api.get(path)
        if changes:
            item = found.api.patch(path, {"budget": {**item["budget"], **changes}})
    if json:
        document(item)
    else:
        facts([(name, value or "no cap") for name, value in told(item)])


def _amount(name: str, text: str) -> int | None:
    if text == NONE:
        return None
    if name == "money":
        return of(text, None, None, None)["money"]  # type: ignore[no-any-return]
    if not text.isdecimal():
        raise Ended(Code.USAGE, f"--{name} needs a whole number, or none; “{text}” is neither.")
    return int(text)
