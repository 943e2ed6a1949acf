"""How things look outside the program."""

from typing import Protocol

from pydantic import JsonValue

from domain.artifact import Artifact, Version
from domain.conversation import Turn
from domain.plan import Plan
from domain.project import Member, Project
from domain.qa import QARecord
from domain.run import Run, Usage
from domain.task import Task
from services.ports.store import RecordedCall
from services.ports.views import Streamed, Subgraph

Shown = Project | Member | Usage | Plan | Task | Run | RecordedCall | QARecord | Version | Subgraph | Streamed | Turn


class Shape(Protocol):
    def __call__(self, item: Shown | tuple[Artifact, Version]) -> dict[str, JsonValue]:
        """Plain JSON with the fields that REST gives it; an artifact comes with its head. No prompts, no replies of
        models, nothing that only the store needs."""
