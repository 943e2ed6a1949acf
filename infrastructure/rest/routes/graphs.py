"""Knowledge graphs: whole, neighbours, paths."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from infrastructure.rest.access import Caller, Parts
from services.graph_questions import mermaid, node_link

router = APIRouter(prefix="/v1/graphs", tags=["knowledge graphs"])
Kind = Literal["project", "agent", "workspace"]
Id = Annotated[str, Query(max_length=100)]


@router.get("/{kind}/{id}", summary="A graph", operation_id="get_graph", response_model=None)
async def whole(
    caller: Caller, parts: Parts, kind: Kind, id: str, format: Annotated[Literal["json", "mermaid"], Query()] = "json"
) -> dict[str, Any] | PlainTextResponse:
    """Node-link JSON, or a Mermaid flowchart. Relations are W3C PROV terms; edges point to the earlier thing."""
    graph = await parts.graph_questions().whole(caller, kind, id)
    return node_link(graph) if format == "json" else PlainTextResponse(mermaid(graph))


@router.get("/{kind}/{id}/neighbors", summary="What is near a node", operation_id="get_neighbors")
async def neighbors(
    caller: Caller,
    parts: Parts,
    kind: Kind,
    id: str,
    node: Id,
    direction: Literal["in", "out", "both"] = "both",
    relation: Annotated[str | None, Query(max_length=40)] = None,
    depth: Annotated[int, Query(ge=1, le=5)] = 1,
) -> dict[str, Any]:
    found = await parts.graph_questions().neighbors(caller, kind, id, node, direction, relation, depth)
    return node_link(found)


@router.get("/{kind}/{id}/paths", summary="How two nodes hang together", operation_id="get_paths")
async def paths(
    caller: Caller,
    parts: Parts,
    kind: Kind,
    id: str,
    start: Annotated[str, Query(alias="from", max_length=100)],
    end: Annotated[str, Query(alias="to", max_length=100)],
) -> dict[str, list[list[str]]]:
    """Shortest first, at most ten, at most eight edges long."""
    return {"paths": await parts.graph_questions().paths(caller, kind, id, start, end)}
