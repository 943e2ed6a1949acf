"""Knowledge graphs: whole, neighbours, paths, named questions, and what people add."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import PlainTextResponse

from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, Parts, Poster
from services.graph_formats import graphml, mermaid
from services.provenance import prov

router = APIRouter(prefix="/v1/graphs", tags=["knowledge graphs"])
GRAPHML = "application/graphml+xml"
Kind = Annotated[Literal["project", "agent", "workspace"], Path(description="Whose graph it is.")]


def _node(said: str) -> str:
    return f"The id of {said}: of an artifact, an agent, a task, …"


Node = Annotated[str, Query(max_length=100, description=_node("what is asked about"), examples=["art_06b2x"])]
Most = Annotated[int, Query(ge=1, le=100, description="How many items at most.")]


@router.get(
    "/{kind}/{id}",
    summary="A graph",
    operation_id="get_graph",
    response_model=schemas.GraphOut | schemas.ProvOut,
    response_model_exclude_unset=True,
    responses={
        200: {
            "content": {
                "text/plain": {"schema": {"type": "string"}, "example": "flowchart LR"},
                GRAPHML: {"schema": {"type": "string"}, "example": "<graphml>…</graphml>"},
            }
        }
    },
)
async def whole(
    caller: Caller,
    parts: Parts,
    kind: Kind,
    id: identifiers.Scope,
    format: Annotated[
        Literal["json", "mermaid", "graphml", "prov"],
        Query(description="Node-link JSON, a Mermaid flowchart, GraphML, or W3C PROV-JSON."),
    ] = "json",
) -> schemas.GraphOut | schemas.ProvOut | Response:
    """Node-link JSON, a Mermaid flowchart, GraphML, or W3C PROV-JSON. Relations are W3C PROV terms; edges point to the
    earlier thing."""
    graph = await parts.graph_questions().whole(caller, kind, id)
    match format:
        case "json":
            return presenters.graph(graph)
        case "mermaid":
            return PlainTextResponse(mermaid(graph))
        case "graphml":
            return Response(graphml(graph), media_type=GRAPHML)
        case "prov":
            return schemas.ProvOut.model_validate(prov(graph))


@router.get("/{kind}/{id}/neighbors", summary="What is near a node", operation_id="get_neighbors")
async def neighbors(
    caller: Caller,
    parts: Parts,
    kind: Kind,
    id: identifiers.Scope,
    node: Annotated[str, Query(max_length=100, description=_node("a node"), examples=["art_06b2x"])],
    direction: Annotated[Literal["in", "out", "both"], Query(description="Which way edges point.")] = "both",
    relation: Annotated[str | None, Query(max_length=40, description="Only edges of this relation.")] = None,
    depth: Annotated[int, Query(ge=1, le=5, description="How many edges away.")] = 1,
) -> schemas.GraphOut:
    return presenters.graph(await parts.graph_questions().neighbors(caller, kind, id, node, direction, relation, depth))


@router.get("/{kind}/{id}/paths", summary="How two nodes hang together", operation_id="get_paths")
async def paths(
    caller: Caller,
    parts: Parts,
    kind: Kind,
    id: identifiers.Scope,
    start: Annotated[str, Query(alias="from", max_length=100, description=_node("one end"))],
    end: Annotated[str, Query(alias="to", max_length=100, description=_node("the other end"))],
) -> schemas.PathsOut:
    """Shortest first, at most ten, at most eight edges long."""
    return schemas.PathsOut(paths=await parts.graph_questions().paths(caller, kind, id, start, end))


@router.get("/{kind}/{id}/why", summary="How something came to be", operation_id="ask_why")
async def why(
    caller: Caller, parts: Parts, kind: Kind, id: identifiers.Scope, node: Node, limit: Most = 50
) -> schemas.GraphAnswerOut:
    """Made by whom, in which task and run, from what, how it was checked, for which goal: of an artifact, a task, a
    version of the plan, a run, a topic or the project."""
    return presenters.graph_answer(await parts.named_questions().why(caller, kind, id, node, limit))


@router.get("/{kind}/{id}/impact", summary="What rests on something", operation_id="ask_impact")
async def impact(
    caller: Caller, parts: Parts, kind: Kind, id: identifiers.Scope, node: Node, limit: Most = 50
) -> schemas.GraphAnswerOut:
    """Directly and through others, nearest first, and which finished tasks are out of date when it changes."""
    return presenters.graph_answer(await parts.named_questions().impact(caller, kind, id, node, limit))


@router.get("/{kind}/{id}/since", summary="What changed", operation_id="ask_since")
async def since(
    caller: Caller,
    parts: Parts,
    kind: Kind,
    id: identifiers.Scope,
    when: Annotated[
        str,
        Query(
            max_length=100,
            description="A time (RFC 3339), the number of an event, or the id of a run.",
            examples=["2026-11-21T09:00:00Z"],
        ),
    ],
    limit: Most = 50,
) -> schemas.GraphAnswerOut:
    """Events are counted by the project's stream, and for an agent or the workspace by the workspace's audit log. At
    most the newest 2,000 are looked at."""
    return presenters.graph_answer(await parts.named_questions().since(caller, kind, id, when, limit))


@router.get("/{kind}/{id}/unchecked", summary="What nobody judged in full", operation_id="ask_unchecked")
async def unchecked(
    caller: Caller, parts: Parts, kind: Kind, id: identifiers.Scope, limit: Most = 50
) -> schemas.GraphAnswerOut:
    """Artifacts without a QA record, those that rules alone checked, and those with criteria left unverified; newest
    first."""
    return presenters.graph_answer(await parts.named_questions().unchecked(caller, kind, id, limit))


@router.get("/{kind}/{id}/about", summary="What is about a topic", operation_id="ask_about")
async def about(
    caller: Caller,
    parts: Parts,
    kind: Kind,
    id: identifiers.Scope,
    topic: Annotated[
        str,
        Query(
            min_length=1,
            max_length=80,
            description="Its label or id, or how it begins; other forms of the words are meant too.",
            examples=["emergency brake"],
        ),
    ],
    limit: Most = 50,
) -> schemas.GraphAnswerOut:
    """What is tagged with the topic, newest first, and the topics that are near it."""
    return presenters.graph_answer(await parts.named_questions().about(caller, kind, id, topic, limit))


@router.post("/{kind}/{id}/edges", status_code=201, summary="Add an edge", operation_id="add_edge")
async def add_edge(
    caller: Poster, parts: Parts, kind: Kind, id: identifiers.Scope, body: schemas.EdgeBody, response: Response
) -> schemas.EdgeOut:
    """A person says what something is about, belongs to or depends on. Both ends must exist; a topic may be new."""
    edge = await parts.graph_edits().add(caller, kind, id, body.source, body.relation, body.target)
    response.headers["Location"] = f"/v1/graphs/{kind}/{id}/neighbors?node={body.source}"
    return presenters.edge(edge)
