"""`caseworks show`: a project at a glance."""

from typing import Annotated, Any

import typer

from infrastructure.cli import results, words
from infrastructure.cli.output import document, facts, say, table
from infrastructure.cli.plan import say_stale
from infrastructure.cli.session import DataDir, Json, Session, segment, session


def show(
    ctx: typer.Context,
    project: Annotated[str, typer.Argument(help="The project's id; the newest one by default.")] = "",
    messages: Annotated[bool, typer.Option("--messages", help="What its agents said to each other instead.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Show a project: its plan, its tasks, what waits, what is recommended, the results, where the report is.

    Example: caseworks show
    """
    if messages:
        _messages(ctx, project, json, data_dir)
        return
    with session(ctx, data_dir) as found:
        outcome = _outcome(found, found.project(project))
        results.write_report(found, outcome.project["id"], outcome.report)
    if json:
        document(_document(outcome))
    else:
        _text(outcome)


def _messages(ctx: typer.Context, project: str, json: bool, data_dir: DataDir) -> None:
    with session(ctx, data_dir) as found:
        id = found.project(project)["id"]
        items = found.api.all(f"/v1/projects/{segment(id)}/agent-messages")
    if json:
        document({"items": items})
        return
    rows = [
        (
            words.when(item["sent_at"]),
            item["kind"],
            words.agent(item["sender"]),
            words.agent(item["recipient"] or "all"),
            item["state"],
            words.line(item["text"], 60),
        )
        for item in items
    ]
    table(("sent", "kind", "from", "to", "state", "text"), rows, "Its agents have not talked to each other.")


def _outcome(found: Session, project: Any) -> results.Outcome:
    runs = found.api.get(f"/v1/projects/{segment(project['id'])}/runs", limit=1, workflow="project@1")["items"]
    return results.outcome(found, project, runs[0] if runs else None, results.report_path(found, project["id"]))


def _document(outcome: results.Outcome) -> dict[str, Any]:
    return {
        "project": outcome.project,
        "run": outcome.run,
        "tasks": outcome.tasks,
        "waiting": outcome.waiting,
        "recommended": outcome.recommended,
        "artifacts": outcome.artifacts,
        "usage": outcome.usage | {"currency": outcome.currency},
        "report": str(outcome.report),
    }


def _text(outcome: results.Outcome) -> None:
    project, run = outcome.project, outcome.run
    state = "not started" if run is None else run["result"] or words.plain(run["state"])
    facts(
        (
            ("project", project["id"]),
            ("name", words.line(project["name"])),
            ("goal", words.line(project["goal"], 400)),
            ("state", project["state"]),
            ("last run", f"{state}{': ' + run['reason'] if run and run['reason'] else ''}"),
        )
    )
    say()
    rows = [
        (words.line(task["title"], 60), words.standing(task), words.agent(task["assignee"]["id"]), task["id"])
        for task in outcome.tasks
    ]
    table(("task", "state", "who", "id"), rows, "There is no plan yet.")
    say_stale(outcome.tasks)
    results.as_text(outcome)
