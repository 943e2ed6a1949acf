"""`caseworks graph`: the knowledge graphs, whole, around a node, between two."""

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from infrastructure.cli import words
from infrastructure.cli.output import document, say, table
from infrastructure.cli.session import DataDir, Json, OfProject, segment, session

app = typer.Typer(
    help="Knowledge graphs: what was made from what, by whom.\n\nExample: caseworks graph project",
    rich_markup_mode=None,
    no_args_is_help=True,
)


class Format(StrEnum):
    text = "text"
    json = "json"
    mermaid = "mermaid"
    graphml = "graphml"
    prov = "prov"


class Direction(StrEnum):
    both = "both"
    incoming = "in"
    outgoing = "out"


As = Annotated[
    Format, typer.Option("--format", help="How it is written; graphml and prov (W3C) are for other programs.")
]


@app.command()
def project(
    ctx: typer.Context,
    project: Annotated[str, typer.Argument(help="The project's id; the newest one by default.")] = "",
    format: As = Format.text,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """The graph of a project.

    Example: caseworks graph project --format mermaid
    """
    with session(ctx, data_dir) as found:
        address = f"/v1/graphs/project/{segment(found.project(project)['id'])}"
        _whole(found.api, address, Format.json if json else format)


@app.command()
def agent(
    ctx: typer.Context,
    agent: Annotated[str, typer.Argument(help="An agent such as agt_critic.")],
    format: As = Format.text,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """All that an agent took part in.

    Example: caseworks graph agent agt_critic
    """
    with session(ctx, data_dir) as found:
        _whole(found.api, f"/v1/graphs/agent/{segment(agent)}", Format.json if json else format)


@app.command()
def workspace(
    ctx: typer.Context,
    workspace: Annotated[str, typer.Argument(help="The workspace's id.")],
    format: As = Format.text,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """The graph of all projects.

    Example: caseworks graph workspace wsp_…
    """
    with session(ctx, data_dir) as found:
        _whole(found.api, f"/v1/graphs/workspace/{segment(workspace)}", Format.json if json else format)


def _whole(api: Any, address: str, format: Format) -> None:
    match format:
        case Format.text:
            edges(api.get(address), "The graph is empty.")
        case Format.json | Format.prov:
            document(api.get(address, format=format.value))
        case Format.mermaid:
            say(api.text(address, format="mermaid").rstrip())
        case Format.graphml:
            _xml(api.content(f"{address}?format=graphml"))


def _xml(content: bytes) -> None:
    """As it is, since it names its own encoding; for people with what a terminal can show."""
    if sys.stdout.isatty():
        say(content.decode())
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()


@app.command()
def neighbors(
    ctx: typer.Context,
    node: Annotated[str, typer.Argument(help="Where to start: an id.")],
    project: OfProject = "",
    direction: Annotated[Direction, typer.Option(help="Which edges to follow.")] = Direction.both,
    relation: Annotated[str | None, typer.Option(help="Only this relation, such as wasDerivedFrom.")] = None,
    depth: Annotated[int, typer.Option(help="How many steps.", min=1, max=5)] = 1,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """What is near a node.

    Example: caseworks graph neighbors art_… --depth 2
    """
    query = {"node": node, "direction": direction.value, "relation": relation, "depth": depth}
    with session(ctx, data_dir) as found:
        id = found.project(project)["id"]
        graph = found.api.get(f"/v1/graphs/project/{segment(id)}/neighbors", **query)
    if json:
        document(graph)
    else:
        edges(graph, f"Nothing is near {node} in the project {id}.")


@app.command()
def paths(
    ctx: typer.Context,
    start: Annotated[str, typer.Argument(help="An id.", metavar="FROM")],
    end: Annotated[str, typer.Argument(help="Another id.", metavar="TO")],
    project: OfProject = "",
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """How two things hang together, shortest first.

    Example: caseworks graph paths art_… art_…
    """
    with session(ctx, data_dir) as found:
        id = found.project(project)["id"]
        answer = found.api.get(f"/v1/graphs/project/{segment(id)}/paths", **{"from": start, "to": end})
    if json:
        document(answer)
        return
    for path in answer["paths"]:
        say(" — ".join(path))
    if not answer["paths"]:
        say("Nothing connects them.")


def edges(graph: Any, empty: str) -> None:
    """Edges as lines, each end with its label."""
    labels = {node["id"]: words.line(f"{node['kind']} “{node['label']}”", 50) for node in graph["nodes"]}
    rows = [
        (labels.get(e["source"], e["source"]), e["relation"], labels.get(e["target"], e["target"]))
        for e in graph["edges"]
    ]
    table(("from", "relation", "to"), rows, empty)
