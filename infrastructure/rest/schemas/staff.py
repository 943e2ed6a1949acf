"""Agents, templates, the doctor's findings."""

from typing import Any, Literal

from pydantic import Field

from infrastructure.rest.schemas.forms import FormOut
from infrastructure.rest.schemas.wire import Wire


class OutputTypeOut(Wire):
    kind: str
    label: str
    section: str
    shape: str
    headings: list[str]
    max_words: int
    needs_person: bool


class AgentOut(Wire):
    id: str
    name: str
    title: str
    role: str
    kind: str
    reads: list[str]
    writes: list[str]
    outputs: list[OutputTypeOut]
    tier: str
    reviewer: str | None
    wakes: str
    tools: list[str]
    prompt: str
    context_tokens: int
    temperature: float
    origin: Literal["shipped", "own", "override"] = Field(
        description="Shipped, a user's own, or a user's that overrides the shipped one of that name."
    )


class TemplateOut(Wire):
    kind: str
    name: str
    title: str
    description: str
    steps: list[dict[str, Any]] = Field(description="Of a plan.")
    form: FormOut | None = Field(description="Of a form: its layout, and the schema of its answers.")
    own_fields: bool = Field(description="Whether a form takes questions of your own.")


class FindingOut(Wire):
    name: str
    level: str
    detail: str
