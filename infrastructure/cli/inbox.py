"""`caseworks inbox`: what waits for a person, and the answers."""

from pathlib import Path
from typing import Annotated, Any

import typer

from infrastructure.cli import budget, results, words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.filling import Answers, filled
from infrastructure.cli.output import document, facts, say, table
from infrastructure.cli.session import DataDir, Json, Session, going_on, segment, session, text_of

app = typer.Typer(
    help="What waits for you: list, show, answer; recommendations: accept, dismiss. Alone it lists.\n\n"
    "Example: caseworks inbox",
    rich_markup_mode=None,
)
Recommended = Annotated[str, typer.Argument(help="The recommendation's id.", metavar="RECOMMENDATION")]
Id = Annotated[str, typer.Argument(help="The item's id.", metavar="ITEM")]
Minutes = Annotated[
    int | None, typer.Option(help="How long you worked on it, in minutes.", min=0, max=100_000, metavar="N")
]
STATES = ("open", "answered", "withdrawn")


@app.callback(invoke_without_command=True)
def bare(ctx: typer.Context, json: Json = False, data_dir: DataDir = None) -> None:
    if ctx.invoked_subcommand is None:
        listed(ctx, json=json, data_dir=data_dir)


@app.command("list")
def listed(
    ctx: typer.Context,
    state: Annotated[str, typer.Option(help="open, answered or withdrawn.")] = "open",
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """List what waits for you.

    Example: caseworks inbox list --json
    """
    with session(ctx, data_dir) as found:
        items = found.api.all("/v1/inbox", state=state)
        recommended = found.api.all("/v1/recommendations", state="open") if state == "open" else []
    if json:
        document({"items": items, "recommendations": recommended})
        return
    rows = [(i["id"], i["kind"], words.line(i["title"], 60), ", ".join(i["answers"]), i["project_id"]) for i in items]
    table(("id", "kind", "what", "answers", "project"), rows, "Nothing waits for you.")
    results.recommendations(recommended)


@app.command()
def show(ctx: typer.Context, item: Id, json: Json = False, data_dir: DataDir = None) -> None:
    """Show an item, with the draft that it is about, or the form that it asks to fill in.

    Example: caseworks inbox show inb_…
    """
    with session(ctx, data_dir) as found:
        known = _item(found, item)
        draft = found.api.text(f"/v1/inbox/{segment(item)}/draft") if known["has_draft"] else ""
    if json:
        document(known | {"draft": draft or None})
    else:
        facts(_facts(known, draft))


def _item(found: Session, id: str) -> Any:
    """By its id, in whatever state; the API lists items, it does not show one."""
    for state in STATES:
        for item in found.api.all("/v1/inbox", state=state):
            if item["id"] == id:
                return item
    raise Ended(Code.USAGE, f"There is no inbox item {id} here; list them with `caseworks inbox`.")


def _facts(item: Any, draft: str) -> list[tuple[str, object]]:
    return [
        ("id", item["id"]),
        ("kind", item["kind"]),
        ("title", words.line(item["title"])),
        ("state", item["state"]),
        ("answers", ", ".join(item["answers"])),
        ("task", item["task_id"]),
        ("project", item["project_id"]),
        ("detail", f"{item['detail']}\n" if item["detail"] else ""),
        ("findings", "".join(f"- {each}\n" for each in item["findings"])),
        ("draft", f"{draft}\n" if draft else ""),
        ("form", f"{item['form']['markdown']}\n" if item["form"] else ""),
    ]


@app.command()
def answer(
    ctx: typer.Context,
    item: Id,
    action: Annotated[
        str, typer.Argument(help="approve, reject, hand_in, fill_in, accept, retry, discard, raise or stop.")
    ],
    hint: Annotated[str, typer.Option(help="What should be different; @PATH reads it from a file.")] = "",
    file: Annotated[
        Path | None, typer.Option(help="What you hand in, or the form as Markdown, filled in.", metavar="PATH")
    ] = None,
    answers: Answers = "",
    title: Annotated[str, typer.Option(help="The title of what you hand in.")] = "",
    cap: Annotated[str, typer.Option(help="What a budget is raised to, such as 40, or 0.50.", metavar="AMOUNT")] = "",
    minutes: Minutes = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Answer an item.

    Example: caseworks inbox answer inb_… retry --hint "Use only the second source."
    """
    body: dict[str, Any] = {"action": action, "hint": text_of(hint, "hint"), "title": title} | worked(minutes)
    if file is not None and action != "fill_in":
        body["text"] = text_of(f"@{file}", "work")
    with session(ctx, data_dir) as found:
        if cap:
            body["cap"] = _cap(found, item, cap)

        def send(more: dict[str, Any]) -> Any:
            return found.api.post(f"/v1/inbox/{segment(item)}/answer", body | more)

        answered = filled(file, answers, lambda: _form(found, item), send) if action == "fill_in" else send({})
        if json:
            document(answered)
        else:
            say(f"Answered: {action}. {going_on(found, answered['project_id'])}")


def worked(minutes: int | None) -> dict[str, Any]:
    """Nothing where nobody said it: it is never guessed."""
    return {} if minutes is None else {"minutes": minutes}


def _cap(found: Session, id: str, text: str) -> int | None:
    shortage = found.api.get(f"/v1/inbox/{segment(id)}")["shortage"]
    if shortage is None:
        raise Ended(Code.USAGE, f"The inbox item {id} is about no budget; --cap is for one that is used up.")
    return budget.amount(shortage["measure"], text, "cap")


def _form(found: Session, id: str) -> Any:
    form = found.api.get(f"/v1/inbox/{segment(id)}")["form"]
    if form is None:
        raise Ended(Code.USAGE, f"The inbox item {id} asks for no form; see `caseworks inbox show {id}`.")
    return form


@app.command()
def accept(ctx: typer.Context, recommendation: Recommended, json: Json = False, data_dir: DataDir = None) -> None:
    """Accept what the manager recommends: the form is made and, where there is a plan, a task for you to fill it in.

    Example: caseworks inbox accept rec_…
    """
    with session(ctx, data_dir) as found:
        item = found.api.post(f"/v1/recommendations/{segment(recommendation)}/accept")
        going = going_on(found, item["project_id"])
    if json:
        document(item)
    elif item["task_id"]:
        say(f"The form {item['artifact_id']} is made, and a task for you: {item['task_id']}. {going}")
    else:
        say(f"The form is made; fill it in with `caseworks artifacts fill {item['artifact_id']}`.")


@app.command()
def dismiss(ctx: typer.Context, recommendation: Recommended, json: Json = False, data_dir: DataDir = None) -> None:
    """Dismiss what the manager recommends; it does not come back for the same reason.

    Example: caseworks inbox dismiss rec_…
    """
    with session(ctx, data_dir) as found:
        item = found.api.post(f"/v1/recommendations/{segment(recommendation)}/dismiss")
    if json:
        document(item)
    else:
        say(f"“{words.line(item['title'], 80)}” is dismissed.")
