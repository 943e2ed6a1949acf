"""The OpenAPI document: what FastAPI says of the routes, with one schema for problems; also without a program."""

from typing import Any

from fastapi import FastAPI

from infrastructure.rest import schemas
from infrastructure.rest.schemas import ArtifactBody, ArtifactForm, Problem, VersionBody, VersionForm

REFS = "#/components/schemas/{model}"
PROBLEM = {"application/problem+json": {"schema": {"$ref": REFS.format(model="Problem")}}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "Refused: what happened, to what, what to do.", "content": PROBLEM},
    "5XX": {"description": "Broken here, or a model, the disk or the store is not there.", "content": PROBLEM},
}
TAGS = {
    "health": "Whether it lives, is ready and is well.",
    "projects": "A goal, its team, its plan and one case file.",
    "members": "Who is on a project's team.",
    "conversation": "Talking with the manager, who proposes; a person accepts.",
    "plan and tasks": "What is done, by whom, and how far it is.",
    "inbox": "What waits for a person.",
    "thinking tools": "Forms that people and agents fill in, and those that the manager recommends.",
    "agents": "The core team and its templates.",
    "models": "The language models that are configured, and whether they are there.",
    "costs": "What calls to models used, by whom and for what.",
    "runs": "The work itself: started, steered, watched.",
    "workflows": "Ways of working: those that ship, and your own.",
    "artifacts": "What people hand over and what the work leaves behind.",
    "knowledge graphs": "What came from what, and how things hang together.",
    "page": "The way into the page in a browser.",
}


class Api(FastAPI):
    """Adds what no route names by its type: the problem that all share, and the bodies that are read as they come."""

    def openapi(self) -> dict[str, Any]:
        made = super().openapi()
        for kind in (Problem, ArtifactBody, ArtifactForm, VersionBody, VersionForm):
            schema = kind.model_json_schema(ref_template=REFS)
            made["components"]["schemas"] |= schema.pop("$defs", {}) | {kind.__name__: schema}
        for name, schema in made["components"]["schemas"].items():
            schema |= _examples(name)
        return made


def _examples(name: str) -> dict[str, Any]:
    """As the schema gives them: FastAPI drops the fields of examples that are null."""
    extra = getattr(schemas, name).model_config.get("json_schema_extra") if name in schemas.__all__ else None
    return {"examples": extra["examples"]} if isinstance(extra, dict) else {}
