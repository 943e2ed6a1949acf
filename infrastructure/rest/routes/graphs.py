"""Knowledge graphs: whole, neighbours, paths."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import PlainTextResponse

from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, Parts
from services.graph_formats import graphml, mermaid
from services.provenance import prov

router = APIRouter(prefix="/v1/graphs", tags=["knowledge graphs"])
GRAPHML = "application/graphml+xml"
Kind = Annotated[Literal["project", "agent", "workspace"], Path(description="Whose graph it is.")]


def _node(said: str) -> str:
    return f"The id of {said}: of an artifact, an agent, a task, …"


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
