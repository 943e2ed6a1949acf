"""Canonical JSON (RFC 8785) and the digests that are taken over it."""

import json
from functools import lru_cache

import rfc8785
from pydantic import JsonValue

from domain.agent_graph import AgentGraph
from domain.ids import digest_of


def canonical(value: JsonValue) -> bytes:
    return rfc8785.dumps(value)


def digest_of_graph(graph: AgentGraph) -> str:
    """By which a run pins its AgentGraph."""
    return _digest(graph.model_dump_json())


@lru_cache(maxsize=256)
def _digest(graph: str) -> str:
    return digest_of(canonical(json.loads(graph)))
