"""`caseworks graph`: the knowledge graphs, whole, around a node, between two, asked by name, added to."""

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from infrastructure.cli import words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import document, say, table
from infrastructure.cli.session import DataDir, Json, OfProject, Session, segment, session

app = typer.Typer(
    help="Knowledge graphs: what was made from what, by whom; why, what rests on it, what changed.\n\n"
    "Example: caseworks graph project",
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


OfAgent = Annotated[str, typer.Option("--agent", help="Ask about what this agent did, such as agt_critic.")]
OfWorkspace = Annotated[bool, typer.Option("--workspace", help="Ask about all projects.")]
Most = Annotated[int, typer.Option(help="How many items at most.", min=1, max=100)]
Thing = Annotated[str, typer.Argument(help="The id of an artifact, a task, a plan, a run, a topic.", metavar="ID")]


@app.command()
def why(
    ctx: typer.Context,
    id: Thing,
    project: OfProject = "",
    agent: OfAgent = "",
    workspace: OfWorkspace = False,
    limit: Most = 50,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """How something came to be: by whom, from what, for which goal.

    Example: caseworks graph why art_…
    """
    with session(ctx, data_dir) as found:
        address = _asked(found, project, agent, workspace)
        _answer(found.api.get(f"{address}/why", node=id, limit=limit), json)


@app.command()
def impact(
    ctx: typer.Context,
    id: Thing,
    project: OfProject = "",
    agent: OfAgent = "",
    workspace: OfWorkspace = False,
    limit: Most = 50,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """What rests on something, nearest first.

    Example: caseworks graph impact art_…
    """
    with session(ctx, data_dir) as found:
        address = _asked(found, project, agent, workspace)
        _answer(found.api.get(f"{address}/impact", node=id, limit=limit), json)


@app.command()
def since(
    ctx: typer.Context,
    when: Annotated[str, typer.Argument(help="A time, the number of an event, or a run's id.")],
    project: OfProject = "",
    agent: OfAgent = "",
    workspace: OfWorkspace = False,
    limit: Most = 50,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """What changed since a time, an event or a run.

    Example: caseworks graph since 2026-11-21
    """
    with session(ctx, data_dir) as found:
        address = _asked(found, project, agent, workspace)
        _answer(found.api.get(f"{address}/since", when=when, limit=limit), json)


@app.command()
def unchecked(
    ctx: typer.Context,
    project: OfProject = "",
    agent: OfAgent = "",
    workspace: OfWorkspace = False,
    limit: Most = 50,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """What nobody judged, or not in full.

    Example: caseworks graph unchecked --workspace
    """
    with session(ctx, data_dir) as found:
        address = _asked(found, project, agent, workspace)
        _answer(found.api.get(f"{address}/unchecked", limit=limit), json)


@app.command()
def about(
    ctx: typer.Context,
    topic: Annotated[str, typer.Argument(help="A topic, or how it begins.")],
    project: OfProject = "",
    agent: OfAgent = "",
    workspace: OfWorkspace = False,
    limit: Most = 50,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """What is about a topic, and the topics near it.

    Example: caseworks graph about "emergency brake"
    """
    with session(ctx, data_dir) as found:
        address = _asked(found, project, agent, workspace)
        _answer(found.api.get(f"{address}/about", topic=topic, limit=limit), json)


@app.command()
def tag(
    ctx: typer.Context,
    artifact: Annotated[str, typer.Argument(help="The artifact's id.")],
    topic: Annotated[str, typer.Argument(help="What it is about; a new topic, or one that is known.")],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Say what an artifact is about.

    Example: caseworks graph tag art_… "emergency brake"
    """
    with session(ctx, data_dir) as found:
        project = found.api.get(f"/v1/artifacts/{segment(artifact)}")["project_id"]
        body = {"source": artifact, "relation": "about", "target": topic}
        edge = found.api.post(f"/v1/graphs/project/{segment(project)}/edges", body)
    if json:
        document(edge)
    else:
        say(f"{artifact} is about {words.line(edge['target'].removeprefix('topic/'))}.")


def _asked(found: Session, project: str, agent: str, workspace: bool) -> str:
    """The address of the graph that is asked."""
    if sum(map(bool, (project, agent, workspace))) > 1:
        raise Ended(Code.USAGE, "Ask one graph: give --project, --agent or --workspace, not several.")
    if workspace:
        return "/v1/graphs/workspace/me"
    if agent:
        return f"/v1/graphs/agent/{segment(agent)}"
    return f"/v1/graphs/project/{segment(found.project(project)['id'])}"


def _answer(answer: Any, json: bool) -> None:
    if json:
        document(answer)
        return
    for sentence in answer["answer"]:
        say(words.line(sentence, 2_000))
    if answer["items"]:
        say("")
        rows = [
            (i["id"], words.plain(i["kind"]), words.line(i["label"], 50), words.line(i["detail"], 80))
            for i in answer["items"]
        ]
        table(("id", "kind", "what", "because"), rows, "")
    if answer["truncated"]:
        say("There is more than is shown here.")


def edges(graph: Any, empty: str) -> None:
    """Edges as lines, each end with its label."""
    labels = {node["id"]: words.line(f"{node['kind']} “{node['label']}”", 50) for node in graph["nodes"]}
    rows = [
        (labels.get(e["source"], e["source"]), e["relation"], labels.get(e["target"], e["target"]))
        for e in graph["edges"]
    ]
    table(("from", "relation", "to"), rows, empty)
