"""Tools that a workflow may call: looked up by name, arguments checked against their schema, called by the runner."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jsonschema import Draft202012Validator
from pydantic import JsonValue

from domain.errors import Invalid, NotFound
from services.ports.views import Graphs
from services.running.effects import EffectContext
from services.work.context import query_words

Permission = Literal["read", "write", "run", "network"]
SEARCH, NEIGHBORS = "search_case_file", "graph_neighbors"


@dataclass(frozen=True, kw_only=True)
class Tool:
    """`permission` says what it may touch; what ships only reads, within the run's project."""

    name: str
    about: str
    parameters: dict[str, JsonValue]
    permission: Permission
    call: Callable[[EffectContext, Mapping[str, Any]], Awaitable[JsonValue]]


class Tools:
    def __init__(self, graphs: Graphs) -> None:
        self._graphs = graphs
        self.all = {tool.name: tool for tool in (self._search(), self._neighbors())}

    async def call(self, context: EffectContext, name: str, arguments: dict[str, JsonValue]) -> JsonValue:
        """Raises NotFound for a tool that is not installed, Invalid on arguments that its schema refuses."""
        if name not in self.all:
            raise NotFound("tool", name)
        tool = self.all[name]
        error = next(iter(Draft202012Validator(tool.parameters).iter_errors(arguments)), None)
        if error is not None:
            raise Invalid(f"The tool {name} refuses its arguments: at {error.json_path}, {error.message[:200]}.")
        return await tool.call(context, arguments)

    def _search(self) -> Tool:
        async def search(context: EffectContext, arguments: Mapping[str, Any]) -> JsonValue:
            words = query_words(arguments["query"])
            run, most = context.run, arguments.get("most", 5)
            hits = await context.search.match(run.workspace_id, run.project_id, words, limit=most)
            return [{"artifact_id": hit.artifact_id, "ordinal": hit.ordinal, "text": hit.text} for hit in hits]

        about, parameters = INSTALLED[SEARCH]
        return Tool(name=SEARCH, about=about, parameters=parameters, permission="read", call=search)

    def _neighbors(self) -> Tool:
        async def neighbors(context: EffectContext, arguments: Mapping[str, Any]) -> JsonValue:
            found = await self._graphs.neighbors(
                context.run.workspace_id, arguments["node"], project_id=context.run.project_id
            )
            return [{"source": e.source, "target": e.target, "relation": e.relation} for e in found.edges]

        about, parameters = INSTALLED[NEIGHBORS]
        return Tool(name=NEIGHBORS, about=about, parameters=parameters, permission="read", call=neighbors)


_QUERY: dict[str, JsonValue] = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "minLength": 1, "maxLength": 2_000},
        "most": {"type": "integer", "minimum": 1, "maximum": 20},
    },
    "required": ["query"],
    "additionalProperties": False,
}
_NODE: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"node": {"type": "string", "minLength": 1, "maxLength": 80}},
    "required": ["node"],
    "additionalProperties": False,
}
INSTALLED: dict[str, tuple[str, dict[str, JsonValue]]] = {
    SEARCH: ("Searches the case file of the project: the passages that fit a query best.", _QUERY),
    NEIGHBORS: ("The edges of the project's knowledge graph at one node: an artifact, a task, an agent.", _NODE),
}
"""What each does, and its arguments."""
