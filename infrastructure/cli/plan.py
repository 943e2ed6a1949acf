"""`caseworks projects plan`: the plan shown, written to be edited, and put in place of the one that there is."""

import os
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from infrastructure.cli import editor, words
from infrastructure.cli.endings import Code, Ended, explained
from infrastructure.cli.output import document, say, table
from infrastructure.cli.session import DataDir, Json, Session, going_on, segment, session, settings, text_of

MOVED = 412
"""Refused because somebody else was faster (If-Match)."""


def plan(
    ctx: typer.Context,
    project: Annotated[str, typer.Argument(help="The project's id.", metavar="PROJECT")],
    yaml: Annotated[bool, typer.Option("--yaml", help="Write it as YAML, to be edited.")] = False,
    file: Annotated[Path | None, typer.Option(help="An edited plan to take its place.", metavar="PATH")] = None,
    edit: Annotated[bool, typer.Option("--edit", help="Open it in $EDITOR, and take what it becomes.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Show the plan of a project, or edit it. What is done is kept, marked as out of date where an edit asks for more.

    Example: caseworks projects plan prj_… --yaml > plan.yaml
    """
    if yaml + edit + (file is not None) > 1 or (yaml and json):
        raise Ended(Code.USAGE, "Choose one of --yaml, --file and --edit; --json goes with the last two or alone.")
    if file is not None:
        _put(ctx, data_dir, project, file.expanduser(), json)
    elif edit:
        _edit(ctx, data_dir, project, json)
    else:
        with session(ctx, data_dir) as found:
            owner, shown = _read(found, project)
        _show(owner, shown, json=json, yaml=yaml)


def _read(found: Session, project: str) -> tuple[Any, Any]:
    """The project and its plan."""
    address = f"/v1/projects/{segment(project)}"
    return found.api.get(address), found.api.get(f"{address}/plan")


def _show(project: Any, shown: Any, *, json: bool, yaml: bool) -> None:
    from infrastructure.cli.plan_files import written

    if json:
        document(shown)
    elif yaml:
        say(written(project, shown).rstrip())
    else:
        say(f"Plan {shown['number']} of {project['id']}. {words.line(shown['origin'])}")
        numbers = {task["id"]: str(number) for number, task in enumerate(shown["tasks"], 1)}
        rows = [
            (
                numbers[task["id"]],
                task["id"],
                words.line(task["title"], 50),
                words.standing(task),
                words.who(task["assignee"]),
                ", ".join(numbers.get(id, id) for id in task["depends_on"]),
            )
            for task in shown["tasks"]
        ]
        table(("no", "id", "task", "state", "who", "after"), rows, "No tasks.")
        say_stale(shown["tasks"])


def say_stale(tasks: Any) -> None:
    """What is done and may no longer do, and how it is done again."""
    stale = [task for task in tasks if task["stale"]]
    for task in stale:
        say(f"Out of date: {words.line(task['title'], 60)} ({task['id']}). {words.line(task['stale'])}")
    if stale:
        say("What is out of date stays as it is; `caseworks tasks retry TASK` has it done again.")


def _edit(ctx: typer.Context, data_dir: DataDir, project: str, json: bool) -> None:
    """The program is not kept waiting while somebody writes."""
    from infrastructure.cli.plan_files import written

    with session(ctx, data_dir) as found:
        before = written(*_read(found, project))
    handle, name = tempfile.mkstemp(prefix="plan-", suffix=".yaml", dir=settings(ctx, data_dir).data_dir)
    draft = Path(name)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(before)
    try:
        editor.opened(draft)
    except Ended:
        if text_of(f"@{draft}", "plan") == before:
            draft.unlink()
        raise
    if text_of(f"@{draft}", "plan") == before:
        say("Nothing was changed.")
    else:
        _put_draft(ctx, data_dir, project, draft, json)
    draft.unlink()


def _put_draft(ctx: typer.Context, data_dir: DataDir, project: str, draft: Path, json: bool) -> None:
    """What could not be used is kept, with the way on."""
    try:
        _put(ctx, data_dir, project, draft, json)
    except Exception as error:
        code, sentence = explained(error)
        kept = f"What you wrote is in {draft}; mend it, then `caseworks projects plan {project} --file {draft}`"
        raise Ended(code, f"{sentence} {kept}") from error


def _put(ctx: typer.Context, data_dir: DataDir, project: str, path: Path, json: bool) -> None:
    from infrastructure.cli.connection import Refused
    from infrastructure.cli.plan_files import read_from

    given = read_from(path, project)
    with session(ctx, data_dir) as found:
        address = f"/v1/projects/{segment(project)}"
        owner = found.api.get(address)["owner_id"]
        body = {"tasks": [task.body(owner) for task in given.tasks]}
        try:
            made = found.api.put(f"{address}/plan", body, match=given.number)
        except Refused as refused:
            raise _moved(project, path, given.number) if refused.status == MOVED else refused from None
        if json:
            document(made)
            return
        say(f"The plan has the number {made['number']} now: {words.count(len(made['tasks']), 'task')}.")
        say_stale(made["tasks"])
        say(going_on(found, project))


def _moved(project: str, path: Path, number: int) -> Ended:
    return Ended(
        Code.USAGE,
        f"The plan of {project} was changed since {path} was made from number {number}, and nothing of the file was "
        f"taken; write the newest with `caseworks projects plan {project} --yaml` and make your change there.",
    )
