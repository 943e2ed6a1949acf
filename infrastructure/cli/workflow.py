"""`caseworks workflow`: the ways of working that there are, one's own, and runs of them."""

import json as jsons
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infrastructure.cli import words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import as_yaml, document, facts, say, table, tell
from infrastructure.cli.session import DataDir, Json, OfProject, Session, segment, session, settings, text_of

if TYPE_CHECKING:
    from domain.agent_graph import AgentGraph
    from services.workflow_shelves import Shelves

app = typer.Typer(
    help="Workflows: list, show, validate, keep, render, run, diff. Alone it lists.\n\nExample: caseworks workflow",
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(help="A workflow such as one_attempt.", metavar="NAME")]
WHAT = "A workflow's name, a YAML file, or a run's id for what it pinned."
ORIGINS = {"own": "yours", "shipped": "ships", "built_in": "built in"}


class Format(StrEnum):
    text = "text"
    mermaid = "mermaid"


@app.callback(invoke_without_command=True)
def bare(ctx: typer.Context, json: Json = False, data_dir: DataDir = None) -> None:
    if ctx.invoked_subcommand is None:
        listed(ctx, json=json, data_dir=data_dir)


@app.command("list")
def listed(ctx: typer.Context, json: Json = False, data_dir: DataDir = None) -> None:
    """List the workflows: your own, those that ship, those that are built in; and what is wrong with one.

    Example: caseworks workflow list --json
    """
    with session(ctx, data_dir) as found:
        items = found.api.all("/v1/workflows")
    if json:
        document({"items": items})
        return
    rows = [(i["name"], words.line(i["title"], 60), ", ".join(i["inputs"]), ORIGINS[i["origin"]]) for i in items]
    table(("workflow", "title", "inputs", "where from"), rows, "No workflows.")
    for item in (item for item in items if item["fault"]):
        say(f"{item['name']}: {item['fault']}")


@app.command()
def show(ctx: typer.Context, name: Name, json: Json = False, data_dir: DataDir = None) -> None:
    """Show a workflow: what it is for, what it takes, and its YAML.

    Example: caseworks workflow show draft_critique_revise
    """
    with session(ctx, data_dir) as found:
        item = found.api.get(_address(name))
    if json:
        document(item)
        return
    facts(
        [
            ("workflow", item["name"] if item["version"] is None else f"{item['name']}@{item['version']}"),
            ("title", words.line(item["title"])),
            ("where from", ORIGINS[item["origin"]]),
            ("digest", item["digest"]),
            ("fits", _fits(item["fits"])),
            ("fault", item["fault"]),
            ("yaml", f"\n{item['yaml'] or as_yaml(item['graph'])}"),
        ]
    )


def _fits(fits: Any) -> str:
    if fits is None:
        return ""
    kinds = f", for {', '.join(map(words.plain, fits['kinds']))}" if fits["kinds"] else ""
    sources = f", from {fits['sources']} sources on" if fits["sources"] else ""
    return f"{', '.join(fits['complexity'])} tasks{kinds}{sources}"


@app.command()
def validate(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A workflow in YAML; - for standard input.", metavar="FILE")],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Check a workflow and say all that is wrong with it, each with its line and field.

    Example: caseworks workflow validate mine.yaml
    """
    text = _text(file)
    shelves = _shelves(ctx, data_dir)
    faults = shelves.faults(text)
    if json:
        document({"ok": not faults, "faults": [fault._asdict() for fault in faults]})
    for fault in faults[:-1]:
        tell(f"{file}, {fault}.")
    if faults:
        raise Ended(Code.ENVIRONMENT, f"{file}, {faults[-1]}.")
    if not json:
        graph = shelves.check(text)
        say(f"{file} is a workflow: {graph.name}, {words.count(len(graph.nodes), 'node')}.")


@app.command()
def keep(
    ctx: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Option(help="The workflow in YAML; - for standard input.", metavar="PATH")],
    data_dir: DataDir = None,
) -> None:
    """Keep a workflow of your own; one of that name is changed, of one that ships yours takes its place.

    Example: python my_workflow.py | caseworks workflow keep my_workflow --file -
    """
    text = _text(file)
    if faults := _shelves(ctx, data_dir).faults(text, name):
        raise Ended(Code.ENVIRONMENT, f"{file}, {faults[0]}. Nothing was kept.")
    with session(ctx, data_dir) as found:
        there = {item["name"]: item["digest"] for item in found.api.all("/v1/workflows")}
        if name in there:
            kept = found.api.put(_address(name), {"yaml": text}, match=there[name])
        else:
            kept = found.api.post("/v1/workflows", {"name": name, "yaml": text})
    say(f"{kept['name']} is kept, {words.count(len(kept['graph']['nodes']), 'node')}; it is used from now on.")


@app.command()
def render(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(help=WHAT, metavar="NAME_OR_FILE")],
    format: Annotated[Format, typer.Option("--format", help="Lines of text, or a Mermaid flowchart.")] = Format.text,
    data_dir: DataDir = None,
) -> None:
    """Draw a workflow.

    Example: caseworks workflow render mine.yaml --format mermaid
    """
    from services.workflow_formats import mermaid, outline

    (graph,) = _graphs(ctx, data_dir, what)
    say((mermaid if format == Format.mermaid else outline)(graph).rstrip())


@app.command()
def run(
    ctx: typer.Context,
    name: Name,
    project: OfProject = "",
    input: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            "-i",
            help="NAME=TEXT, NAME=@PATH for a text from a file, or NAME:=JSON; repeat it for more.",
            metavar="INPUT",
        ),
    ] = None,
    rehearse: Annotated[bool, typer.Option("--rehearse", help="No language model: rules write what they can.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Stay while the work waits for a person.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Run a workflow in a project, and print what it gives.

    Example: caseworks workflow run one_attempt --input agent=critic --input title=Risks --input brief=@brief.md
    """
    from infrastructure.cli import model_choice
    from infrastructure.cli.carrying import carry
    from infrastructure.cli.run import check_server

    given = dict(_given(each) for each in input or ())
    flags = {"rehearse": rehearse or None}
    model_choice.prepare_here(settings(ctx, data_dir, **flags))
    with session(ctx, data_dir, dispatch=True, **flags) as found:
        check_server(found)
        into = found.project(project)
        started = found.api.post(f"{_address(name)}/runs", {"project_id": into["id"], "inputs": given})
        try:
            carry(found, into, started, wait=wait)
        except KeyboardInterrupt:
            raise Ended(Code.INTERRUPTED, f"Stopped; nothing is lost. {_goes_on(found)}") from None
        ended = found.api.get(f"/v1/runs/{segment(started['id'])}")
        goes_on = _goes_on(found)
    if json:
        document(ended)
    elif ended["output"]:
        say(_output(ended["output"]))
    _check(ended, goes_on)


def _given(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign:
        raise Ended(Code.USAGE, f"--input {text[:60]}: write it as NAME=TEXT, NAME=@PATH or NAME:=JSON.")
    if not name.endswith(":"):
        return name, text_of(value, f"input {name}")
    try:
        return name[:-1], jsons.loads(value)
    except ValueError as error:
        raise Ended(Code.USAGE, f"--input {name[:-1]}: what follows := is no JSON ({error}).") from None


def _goes_on(found: Session) -> str:
    return "The server carries it on." if found.served else "It goes on at the next `caseworks up`."


def _output(output: dict[str, Any]) -> str:
    text = output.get("text")
    return text.rstrip() if isinstance(text, str) and text else as_yaml(output)


def _check(run: Any, goes_on: str) -> None:
    if run["state"] != "ended":
        raise Ended(Code.WORK, f"The run {run['id']} waits; `caseworks inbox` says for what. {goes_on}")
    if run["result"] != "succeeded":
        raise Ended(Code.WORK, f"The run {run['id']} ended {run['result']}: {run['reason'] or 'no reason was given'}")


@app.command()
def diff(
    ctx: typer.Context,
    a: Annotated[str, typer.Argument(help=WHAT, metavar="A")],
    b: Annotated[str, typer.Argument(help=WHAT, metavar="B")],
    data_dir: DataDir = None,
) -> None:
    """Compare two workflows by what they say, without comments and what would be so anyway.

    Example: caseworks workflow diff one_attempt mine.yaml
    """
    from difflib import unified_diff

    from services.workflow_formats import written

    before, after = (as_yaml(written(graph)).splitlines() for graph in _graphs(ctx, data_dir, a, b))
    lines = list(unified_diff(before, after, a, b, lineterm=""))
    say("\n".join(lines) if lines else f"{a} and {b} are the same workflow.")


def _graphs(ctx: typer.Context, data_dir: Path | None, *what: str) -> Sequence["AgentGraph"]:
    if all(map(_is_file, what)):
        return [_of_file(each) for each in what]
    with session(ctx, data_dir) as found:
        return [_of_file(each) if _is_file(each) else _of_name(found, each) for each in what]


def _is_file(what: str) -> bool:
    return "/" in what or "." in what


def _of_file(path: str) -> "AgentGraph":
    from config.workflow_files import workflow

    return workflow("", _text(Path(path)), Path(path))


def _of_name(found: Session, name: str) -> "AgentGraph":
    from domain.agent_graph import AgentGraph

    pinned = name.startswith("run_")
    item = found.api.get(f"/v1/runs/{segment(name)}/workflow" if pinned else _address(name))
    if item["graph"] is None:
        raise Ended(Code.USAGE, f"The workflow {name} cannot be used: {item['fault']}")
    return AgentGraph.model_validate(item["graph"])


def _address(name: str) -> str:
    bare, at, version = name.partition("@")
    return f"/v1/workflows/{segment(bare)}{at}{segment(version) if at else ''}"


def _text(path: Path) -> str:
    from config.reading import text_of as content

    if str(path) == "-":
        return sys.stdin.read()
    if not path.expanduser().exists():
        raise Ended(Code.USAGE, f"There is no file {path}.")
    return content(path.expanduser())


def _shelves(ctx: typer.Context, data_dir: Path | None) -> "Shelves":
    """The workflows and agents as files, without the program."""
    from config import catalogue
    from config.workflow_files import SHIPPED, WorkflowFiles
    from infrastructure.data_directory import DataDirectory
    from services.staff import Staff
    from services.workflow_shelves import Shelves

    directory = DataDirectory(settings(ctx, data_dir).data_dir)
    staff = Staff(
        shipped=catalogue.profiles(),
        templates={},
        forms=catalogue.forms(directory.forms),
        own=catalogue.OwnProfiles(directory.agents),
    )
    return Shelves(WorkflowFiles(SHIPPED), WorkflowFiles(directory.workflows), staff)
