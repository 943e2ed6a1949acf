"""Agents, templates, the doctor's findings."""

from typing import Any, Literal

from pydantic import Field

from infrastructure.rest.schemas.forms import FormOut
from infrastructure.rest.schemas.wire import Text, Wire, example


class OutputTypeOut(Wire):
    kind: str
    label: str
    section: str
    shape: str
    headings: list[str]
    max_words: int
    needs_person: bool


class ContextOut(Wire):
    order: list[str] = Field(description="What is put before it, in this order: its direct inputs, what is searched.")
    direct_share: float = Field(description="How much of `context_tokens` its direct inputs may take.")
    sections: list[str] | None = Field(description="Where it searches; null for all that it reads.")


class MemoryOut(Wire):
    outputs: int = Field(description="Of how many of its earlier outputs in the project it is reminded.")
    tokens: int


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
    context: ContextOut
    memory: MemoryOut
    temperature: float
    origin: Literal["shipped", "own", "override"] = Field(
        description="Shipped, a user's own, or a user's that overrides the shipped one of that name."
    )


class AgentWholeOut(AgentOut):
    yaml: str = Field(description="As it is written.")


YAML = """name: harbour_critic
title: Harbour critic
role: Looks for what a harbour master would object to.
prompt: |
  You review texts about harbours. You name the exact place of each fault.
reads: [drafts, synthesis]
writes: [critique]
reviewer: strategist
outputs:
  - kind: review
    label: Review
    section: critique
    shape: A verdict and findings, each with the place that shows it.
    headings: [Verdict, Findings]
"""


class NewAgentBody(Wire):
    model_config = example(name="harbour_critic", yaml=YAML)
    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$", description="As `name` in the YAML.")
    yaml: Text | None = Field(default=None, description="The profile; or else `copy_of`.")
    copy_of: str | None = Field(
        default=None, max_length=50, description="Another agent, of which it is a copy under the new name."
    )


class ProfileBody(Wire):
    model_config = example(yaml=YAML)
    yaml: Text


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
