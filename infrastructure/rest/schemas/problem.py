"""Errors on the wire (RFC 9457)."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue

EXAMPLE: dict[str, JsonValue] = {
    "type": "about:blank",
    "title": "Not found",
    "status": 404,
    "detail": "There is no project prj_06b2x here; check the id, or list what there is.",
    "instance": "/v1/projects/prj_06b2x",
}


class Fault(BaseModel):
    model_config = ConfigDict(extra="forbid")
    pointer: str = Field(description="JSON pointer into the body, or `/query/NAME`, `/header/NAME`.")
    detail: str


class Problem(BaseModel):
    """What happened, to what, and what to do."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})
    type: str = Field(description="`about:blank`: the status says what kind it is.")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    instance: str = Field(description="The path that was called.")
    errors: list[Fault] = Field(default_factory=list, description="Which fields, when it is about fields.")
