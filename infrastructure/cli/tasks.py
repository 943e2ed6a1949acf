"""`caseworks tasks`: list them, look at one, add one, steer one."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from infrastructure.cli import budget, inbox, task_edits, words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import document, facts, say, table
from infrastructure.cli.session import DataDir, Json, Session, going_on, segment, session, text_of

app = typer.Typer(
    help="Tasks: list, show, add, edit, budget, assign, retry, skip, complete. Alone it lists.\n\n"
    "Example: caseworks tasks",
    rich_markup_mode=None,
)
Id = Annotated[str, typer.Argument(help="The task's id.", metavar="TASK")]


class TaskState(StrEnum):
    waiting = "waiting"
    ready = "ready"
    running = "running"
    in_review = "in_review"
    needs_attention = "needs_attention"
    done = "done"
    skipped = "skipped"
    cancelled = "cancelled"


State = Annotated[TaskState | None, typer.Option(help="Only those in this state.")]
OfAssignee = Annotated[str | None, typer.Option(help="Only those of this agent or person.", metavar="ID")]


@app.callback(invoke_without_command=True)
def bare(ctx: typer.Context, json: Json = False, data_dir: DataDir = None) -> None:
    if ctx.invoked_subcommand is None:
        listed(ctx, json=json, data_dir=data_dir)


@app.command("list")
def listed(
    ctx: typer.Context,
    project: Annotated[str, typer.Option("--project", help="Only this project's.", metavar="PROJECT")] = "",
    state: State = None,
    assignee: OfAssignee = None,
    stale: Annotated[
        bool, typer.Option("--out-of-date", "--stale", help="Only what is done and may no longer do.")
    ] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """List tasks of all projects, or of one.

    Example: caseworks tasks list --state needs_attention
    """
    with session(ctx, data_dir) as found:
        items = found.api.all("/v1/tasks", state=state.value if state else None, assignee=assignee)
    items = [i for i in items if project in ("", i["project_id"]) and (i["stale"] or not stale)]
    if json:
        document({"items": items})
        return
    rows = [
        (
            item["id"],
            words.line(item["title"], 50),
            words.standing(item),
            words.who(item["assignee"]),
            item["project_id"],
        )
        for item in items
    ]
    table(("id", "task", "state", "who", "project"), rows, "No tasks.")


@app.command()
def show(ctx: typer.Context, task: Id, json: Json = False, data_dir: DataDir = None) -> None:
    """Show one task: brief, criteria, findings.

    Example: caseworks tasks show tsk_…
    """
    with session(ctx, data_dir) as found:
        item = found.api.get(f"/v1/tasks/{segment(task)}")
    _told(item, json)


app.command()(task_edits.add)
app.command()(task_edits.edit)
app.command("budget")(budget.of_task)


@app.command()
def assign(
    ctx: typer.Context,
    task: Id,
    who: Annotated[str, typer.Argument(help="An agent such as critic, or `me`.")],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Give a task to another agent, or to yourself.

    Example: caseworks tasks assign tsk_… me
    """
    with session(ctx, data_dir) as found:
        address = f"/v1/tasks/{segment(task)}"
        body = {"assignee": task_edits.assignee_of(found, who, found.api.get(address)["project_id"])}
        item = found.api.patch(address, body)
        _steered(found, item, f"The task is given to {words.who(item['assignee'])}.", json)


@app.command()
def retry(
    ctx: typer.Context,
    task: Id,
    hint: Annotated[str, typer.Option(help="What should be different; @PATH reads it from a file.")] = "",
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Try a task again that needs attention, or have one done again that is out of date.

    Example: caseworks tasks retry tsk_… --hint "Use annex B."
    """
    with session(ctx, data_dir) as found:
        item = found.api.post(f"/v1/tasks/{segment(task)}/retry", {"hint": text_of(hint, "hint")})
        _steered(found, item, "The task is tried again.", json)


@app.command()
def skip(ctx: typer.Context, task: Id, json: Json = False, data_dir: DataDir = None) -> None:
    """Leave a task out; what builds on it goes on without it.

    Example: caseworks tasks skip tsk_…
    """
    with session(ctx, data_dir) as found:
        item = found.api.patch(f"/v1/tasks/{segment(task)}", {"state": "skipped"})
        _steered(found, item, "The task is skipped.", json)


@app.command()
def complete(
    ctx: typer.Context,
    task: Id,
    file: Annotated[Path, typer.Option(help="What you made: Markdown or plain text.", metavar="PATH")],
    title: Annotated[str, typer.Option(help="Its title; the task's own by default.")] = "",
    minutes: inbox.Minutes = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Hand in the work for a task that is yours.

    Example: caseworks tasks complete tsk_… --file draft.md
    """
    text = text_of(f"@{file}", "work")
    if not text.strip():
        raise Ended(Code.USAGE, f"{file} is empty; hand in what you made.")
    with session(ctx, data_dir) as found:
        address = f"/v1/tasks/{segment(task)}"
        body = {"title": title or found.api.get(address)["title"], "text": text}
        item = found.api.post(f"{address}/complete", body | inbox.worked(minutes))
        _steered(found, item, "It is handed in and will be checked.", json)


def _steered(found: Session, item: Any, sentence: str, json: bool) -> None:
    if json:
        document(item)
    else:
        say(f"{sentence} {going_on(found, item['project_id'])}")


def _told(item: Any, json: bool) -> None:
    if json:
        document(item)
        return
    facts(
        (
            ("id", item["id"]),
            ("title", words.line(item["title"])),
            ("state", words.standing(item)),
            ("out of date", item["stale"]),
            ("who", words.who(item["assignee"])),
            ("attempts", item["attempts"]),
            ("makes", ", ".join(words.plain(each["kind"]) for each in item["expected"])),
            ("after", ", ".join(item["depends_on"])),
            ("due", words.when(item["due"])),
            ("way", item["way"]),
            *budget.told(item),
            ("hint", item["hint"]),
            ("project", item["project_id"]),
            ("brief", f"{item['brief']}\n"),
            ("criteria", "\n".join(f"- {each['text']}" for each in item["criteria"]) + "\n"),
            ("findings", "".join(f"- {each}\n" for each in item["findings"])),
        )
    )
