"""Agents, templates, the doctor's findings."""

from typing import Any

from infrastructure.rest.schemas.wire import Wire


class OutputTypeOut(Wire):
    kind: str
    label: str
    section: str


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


class TemplateOut(Wire):
    kind: str
    name: str
    title: str
    description: str
    steps: list[dict[str, Any]]


class FindingOut(Wire):
    name: str
    level: str
    detail: str
