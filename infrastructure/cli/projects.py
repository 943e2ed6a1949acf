"""`caseworks projects`: list them, look at one and its plan, change one, archive one."""

from pathlib import Path
from typing import Annotated, Any

import typer

from infrastructure.cli import budget, plan, words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import document, facts, say, table
from infrastructure.cli.session import DataDir, Json, Session, going_on, segment, session, text_of

app = typer.Typer(
    help="Projects: list, show, plan, goal, edit, archive, watch. Alone it lists.\n\nExample: caseworks projects",
    rich_markup_mode=None,
)
Id = Annotated[str, typer.Argument(help="The project's id.", metavar="PROJECT")]
Archived = Annotated[bool, typer.Option("--archived", help="Those that are archived.")]


@app.callback(invoke_without_command=True)
def bare(ctx: typer.Context, archived: Archived = False, json: Json = False, data_dir: DataDir = None) -> None:
    if ctx.invoked_subcommand is None:
        _list(ctx, archived, json, data_dir)


@app.command("list")
def listed(ctx: typer.Context, archived: Archived = False, json: Json = False, data_dir: DataDir = None) -> None:
    """List projects, newest first.

    Example: caseworks projects list --json
    """
    _list(ctx, archived, json, data_dir)


def _list(ctx: typer.Context, archived: bool, json: bool, data_dir: DataDir) -> None:
    with session(ctx, data_dir) as found:
        items = found.api.all("/v1/projects", state="archived" if archived else "active")
    if json:
        document({"items": items})
        return
    rows = [(item["id"], words.line(item["name"], 60), item["state"], words.when(item["created_at"])) for item in items]
    table(("id", "name", "state", "created"), rows, 'None yet; start one with `caseworks run "GOAL" --input PATH`.')


@app.command()
def show(ctx: typer.Context, project: Id, json: Json = False, data_dir: DataDir = None) -> None:
    """Show one project.

    Example: caseworks projects show prj_…
    """
    with session(ctx, data_dir) as found:
        item = found.api.get(f"/v1/projects/{segment(project)}")
    if json:
        document(item)
    else:
        facts(_facts(item))


def _facts(item: Any) -> list[tuple[str, object]]:
    return [
        ("id", item["id"]),
        ("name", words.line(item["name"])),
        ("goal", item["goal"]),
        ("instructions", item["instructions"]),
        ("state", item["state"]),
        ("manager", item["manager_id"]),
        ("owner", item["owner_id"]),
        *budget.told(item),
        ("approve plan", "yes" if item["approve_plan"] else "no"),
        ("sign off code", "yes" if item["sign_off_code"] else "no"),
        ("watches", item["watched_folder"] or ""),
        ("created", words.when(item["created_at"])),
    ]


app.command()(plan.plan)
app.command("budget")(budget.of_project)


@app.command()
def goal(
    ctx: typer.Context,
    project: Id,
    goal: Annotated[str, typer.Argument(help="The new goal; @PATH reads it from a file.", metavar="GOAL")],
    replan: Annotated[bool, typer.Option("--replan", help="Plan what is not done anew.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Change a project's goal. What is done is kept, marked as out of date; the rest goes on towards the new goal.

    Example: caseworks projects goal prj_… "Decide whether the lift is replaced"
    """
    address = f"/v1/projects/{segment(project)}"
    with session(ctx, data_dir) as found:
        item = found.api.patch(address, {"goal": text_of(goal, "goal")})
        if replan:
            _replan(found, address)
        if json:
            document(item)
            return
        say(f"The goal is changed. {going_on(found, project)}")
        plan.say_stale(found.api.all(f"{address}/tasks"))


def _replan(found: Session, address: str) -> None:
    from infrastructure.cli.connection import Refused

    try:
        found.api.post(f"{address}/runs", {"replan": True})
    except Refused as refused:
        raise Ended(Code.USAGE, f"The goal is changed, but nothing is planned anew: {refused}") from None


@app.command()
def edit(
    ctx: typer.Context,
    project: Id,
    name: Annotated[str | None, typer.Option(help="A short name for the project.", metavar="NAME")] = None,
    instructions: Annotated[
        str | None, typer.Option(help="How it should be done; @PATH reads it from a file.", metavar="TEXT")
    ] = None,
    approve_plan: Annotated[
        bool | None, typer.Option("--approve-plan/--no-approve-plan", help="Whether a plan waits for a person's word.")
    ] = None,
    sign_off_code: Annotated[
        bool | None,
        typer.Option("--sign-off-code/--no-sign-off-code", help="Whether changes to code need a person's sign-off."),
    ] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Change a project's name, instructions, and what waits for a person. What was done by other instructions is kept,
    marked as out of date.

    Example: caseworks projects edit prj_… --no-sign-off-code
    """
    said = {
        "name": name,
        "instructions": text_of(instructions, "instructions") if instructions is not None else None,
        "approve_plan": approve_plan,
        "sign_off_code": sign_off_code,
    }
    body = {field: value for field, value in said.items() if value is not None}
    if not body:
        raise Ended(
            Code.USAGE, "Say what is to change, such as --name NAME; `caseworks projects edit --help` lists all."
        )
    with session(ctx, data_dir) as found:
        item = found.api.patch(f"/v1/projects/{segment(project)}", body)
    if json:
        document(item)
    else:
        facts(_facts(item))


@app.command()
def archive(ctx: typer.Context, project: Id, json: Json = False, data_dir: DataDir = None) -> None:
    """Archive a project: nothing is deleted, it takes no more work.

    Example: caseworks projects archive prj_…
    """
    with session(ctx, data_dir) as found:
        item = found.api.delete(f"/v1/projects/{segment(project)}")
    if json:
        document(item)
    else:
        say(f"The project {item['id']} is archived; its case file stays readable.")


@app.command()
def watch(
    ctx: typer.Context,
    project: Id,
    folder: Annotated[Path | None, typer.Argument(help="The folder on this machine.", metavar="FOLDER")] = None,
    off: Annotated[bool, typer.Option("--off", help="Watch no folder any more.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Watch a folder: what is new or changed in it becomes sources of the project, while the program runs.

    Example: caseworks projects watch prj_… ~/Documents/hall
    """
    if (folder is None) != off:
        raise Ended(Code.USAGE, "Name a folder to watch, or say --off.")
    path = str(folder.expanduser().absolute()) if folder is not None else None
    with session(ctx, data_dir) as found:
        item = found.api.patch(f"/v1/projects/{segment(project)}", {"watched_folder": path})
    if json:
        document(item)
    elif path is None:
        say(f"The project {item['id']} watches no folder; what it took stays.")
    else:
        say(f"The project {item['id']} watches {item['watched_folder']} while `caseworks up` or a run is at work.")
